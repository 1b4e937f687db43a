import Addresses
import AmphoraProtocol
import Files
import Glibc
import Netlink
import Synchronization
import Testing

@testable import AmphoraAgent

/// Listeners on disk, a process of keepalived's name, and the kernel's words as recorded.
@Suite struct LVSHeartbeatTests {
  /// A folder of listeners and the source over it.
  private final class Bench: Sendable {
    let folder: LabFolder
    let kernel = Mutex<(text: String?, totals: [IPVSService]?)>((LVSExample.kernel, []))
    let asked = Mutex<[NetworkNamespace]>([])
    let transitions = LVSTransitions()
    let keepalived: pid_t

    init() throws {
      folder = try LabFolder()
      folder.folder("lvs")
      keepalived = try folder.startSleeper(named: "keepalived")
    }

    var store: LVSStore { LVSStore(paths: folder.paths) }

    var source: LVSHeartbeatSource {
      LVSHeartbeatSource(paths: folder.paths, transitions: transitions) { [self] namespace in
        asked.withLock { $0.append(namespace) }
        let (text, totals) = kernel.withLock { $0 }
        guard let text else { throw LabFailure("the kernel says nothing", code: EIO) }
        var snapshot = IPVSSnapshot(table: IPVSTable(parsing: text))
        snapshot.totals = totals
        snapshot.problem = totals == nil ? "no totals" : nil
        return snapshot
      }
    }

    /// Adds a listener; its checker began after the configuration was written unless told otherwise.
    @discardableResult
    func add(
      _ text: String, as id: String = LVSExample.listener, runs: Bool = true, checker: Int? = 200
    ) throws -> ListenerID {
      let id = try #require(ListenerID(id))
      let paths = folder.paths
      try put(text, at: paths.lvsConfiguration(of: id), 100)
      try put(runs ? "\(keepalived)\n" : "4194304\n", at: paths.lvsPIDFile(of: id), 200)
      if let checker { try put("1\n", at: paths.lvsCheckPIDFile(of: id), checker) }
      return id
    }

    /// Writes a file as of a time.
    func put(_ text: String, at path: String, _ seconds: Int) throws {
      try DurableFile.write(Array(text.utf8), to: path, mode: 0o644)
      let times = [timespec(tv_sec: seconds, tv_nsec: 0), timespec(tv_sec: seconds, tv_nsec: 0)]
      try #require(utimensat(AT_FDCWD, path, times, 0) == 0)
    }

    func collect() -> HeartbeatReport { source.collect(within: .seconds(1)) }

    func states() throws -> [String] {
      let pool = try #require(collect().pools.first)
      return pool.members.map(\.status) + [pool.status]
    }
  }

  private static func service(
    _ address: String, _ counters: (Int, Int, Int), transport: Int = 17, port: UInt16 = 5353
  ) throws -> IPVSService {
    IPVSService(
      transport: transport, address: try #require(IPAddress(address)), port: port, connections: counters.0,
      bytesIn: counters.1, bytesOut: counters.2)
  }

  @Test func `the example's totals are those of all VIPs, and of no other service`() throws {
    let bench = try Bench()
    try bench.add(LVSExample.dualStack)
    let totals = [
      try Self.service("198.51.100.10", (17, 27200, 51150)), try Self.service("198.51.100.11", (3, 960, 1860)),
      try Self.service("2001:db8::10", (1, 10, 100)),
      try Self.service("198.51.100.10", (1000, 1000, 1000), transport: 132),
      try Self.service("198.51.100.10", (1000, 1000, 1000), port: 53),
      try Self.service("198.51.100.12", (1000, 1000, 1000)),
    ]
    bench.kernel.withLock { $0 = (LVSExample.dualStackKernel, totals) }
    let report = bench.collect()
    let reading = ListenerReading(
      id: LVSExample.listener, status: "OPEN", connections: 7,
      counters: .init(bin: 28170, bout: 53110, ereq: 0, stot: 21))
    #expect(report.listeners == [reading])
    #expect(report.problems == [:])
    #expect(bench.asked.withLock { $0 } == [.amphoraHAProxy])

    // The contract's example itself: the IPv4 VIPs alone.
    bench.kernel.withLock { $0.totals?.removeAll { $0.address.family == .v6 } }
    let four = try #require(bench.collect().listeners.first?.counters)
    #expect(four == .init(bin: 28160, bout: 53010, ereq: 0, stot: 20))
  }

  @Test func `a listener that the kernel does not have keeps its last numbers and stays open`() throws {
    let bench = try Bench()
    try bench.add(LVSExample.dualStack)
    bench.kernel.withLock {
      $0 = (LVSExample.emptyKernel, [try? Self.service("198.51.100.12", (1, 1, 1))].compactMap(\.self))
    }
    let reading = ListenerReading(
      id: LVSExample.listener, status: "OPEN", connections: 0,
      counters: .init(bin: nil, bout: nil, ereq: nil, stot: nil))
    #expect(bench.collect().listeners == [reading])
  }

  @Test func `members and pool follow the kernel's table and the checker's age`() throws {
    let bench = try Bench()
    let id = try bench.add(LVSExample.fourMembers())
    #expect(bench.collect().pools.map(\.key) == [LVSExample.pool])
    #expect(try bench.states() == ["UP", "MAINT", "DRAIN", "DOWN", "UP"])
    try bench.put("1\n", at: bench.folder.paths.lvsCheckPIDFile(of: id), 100)
    #expect(try bench.states() == ["UP", "MAINT", "DRAIN", "DOWN", "UP"], "only a newer configuration is another one")
    try bench.put("1\n", at: bench.folder.paths.lvsCheckPIDFile(of: id), 99)
    #expect(try bench.states() == ["UP", "MAINT", "DRAIN", "RESTARTING", "UP"])
    try DurableFile.remove(bench.folder.paths.lvsCheckPIDFile(of: id))
    #expect(try bench.states() == ["UP", "MAINT", "DRAIN", "RESTARTING", "UP"], "keepalived is just starting")
    try bench.add(LVSExample.fourMembers(), checker: 300)
    bench.kernel.withLock { $0.text = "" }
    #expect(try bench.states() == ["DOWN", "MAINT", "DOWN", "DOWN", "DOWN"])
    // A checker that has just begun has not filled the table yet.
    try bench.add(LVSExample.fourMembers(), checker: Int(UnixTime.now))
    #expect(try bench.states() == ["RESTARTING", "MAINT", "RESTARTING", "RESTARTING", "UP"])
    bench.kernel.withLock { $0.text = "UDP  C633640A:14E9 wrr\n" }
    #expect(try bench.states() == ["RESTARTING", "MAINT", "RESTARTING", "RESTARTING", "UP"])
  }

  @Test func `while keepalived is restarted by order, nothing is down`() async throws {
    let bench = try Bench()
    let id = try bench.add(LVSExample.fourMembers())
    bench.kernel.withLock { $0.text = "" }
    func states() throws -> [String] {
      let pool = try #require(bench.collect().pools.first)
      return pool.members.map(\.status) + [pool.status]
    }
    #expect(try states() == ["DOWN", "MAINT", "DOWN", "DOWN", "DOWN"])
    let meanwhile = try await bench.transitions.during(id) { () throws -> [String] in try states() }
    #expect(meanwhile == ["RESTARTING", "MAINT", "RESTARTING", "RESTARTING", "UP"])
    #expect(try states() == ["DOWN", "MAINT", "DOWN", "DOWN", "DOWN"])
  }

  @Test func `only running listeners that are enabled are told`() throws {
    let bench = try Bench()
    let id = try bench.add(LVSExample.withoutPool)
    let open = bench.collect()
    #expect(open.listeners.map(\.id) == [id.text] && open.pools.isEmpty && open.problems.isEmpty)
    try bench.add(LVSExample.disabledListener)
    #expect(bench.collect().listeners == [])
    try bench.add(LVSExample.dualStack, runs: false)
    #expect(bench.collect().listeners == [])
    #expect(bench.collect().pools == [])
    #expect(bench.source.configuredListeners() == [id.text])
    try DurableFile.remove(bench.folder.paths.lvsConfiguration(of: id))
    #expect(bench.source.configuredListeners() == [])
  }

  @Test func `one listener that cannot be read costs no other one its report`() throws {
    let bench = try Bench()
    let good = try bench.add(LVSExample.fourMembers())
    let bad = try bench.add("", as: "99999999-2222-4333-8444-555555555555")
    let odd = try bench.add(
      LVSExample.dualStack.replacing("net_namespace amphora-haproxy", with: ""),
      as: "aaaaaaaa-2222-4333-8444-555555555555")
    let path = bench.folder.paths.lvsConfiguration(of: bad)
    try DurableFile.remove(path)
    try DurableFile.createDirectory(path, mode: 0o755)
    let report = bench.collect()
    #expect(report.listeners.map(\.id) == [good, bad, odd].map(\.text).sorted())
    #expect(report.listeners.allSatisfy { $0.status == "OPEN" })
    #expect(Array(report.problems.keys) == [bad.text])
    #expect(report.pools.count == 2)
    #expect(Set(bench.asked.withLock { $0 }) == [.amphoraHAProxy], "asked once for all")
  }

  @Test func `a kernel that says nothing costs states and numbers, but no listener`() throws {
    let bench = try Bench()
    let id = try bench.add(LVSExample.fourMembers())
    try bench.add(LVSExample.withoutPool, as: "99999999-2222-4333-8444-555555555555")
    bench.kernel.withLock { $0.text = nil }
    let report = bench.collect()
    #expect(report.listeners.map(\.status) == ["OPEN", "OPEN"])
    #expect(Array(report.problems.keys) == [id.text], "the other one has nothing in the kernel")
    #expect(try bench.states() == ["RESTARTING", "MAINT", "RESTARTING", "RESTARTING", "UP"])
    // Without totals the states are known all the same.
    bench.kernel.withLock { $0 = (LVSExample.kernel, nil) }
    #expect(bench.collect().problems == [id.text: "no totals"])
    #expect(try bench.states() == ["UP", "MAINT", "DRAIN", "DOWN", "UP"])
    #expect(bench.collect().listeners.map(\.counters.bin) == [nil, nil])
  }

  @Test func `increments count a listener once, over a restart of keepalived too`() throws {
    let bench = try Bench()
    let id = try bench.add(LVSExample.fourMembers())
    var counters = CounterStore(path: bench.folder.path + "/stats_counters.json")
    func step(_ totals: (Int, Int, Int)?) throws -> [Int] {
      let services = try totals.map { [try Self.service("198.51.100.10", $0)] } ?? []
      bench.kernel.withLock { $0.totals = services }
      counters.observe(bench.collect().listeners)
      let unsent = counters.unsent(id.text)
      try counters.commit([id.text]) { bench.source.configuredListeners() }
      return [unsent.stot, unsent.bin, unsent.bout, unsent.ereq]
    }
    #expect(try step((17, 27200, 51150)) == [17, 27200, 51150, 0])
    #expect(try step((20, 27300, 51150)) == [3, 100, 0, 0])
    // keepalived restarts: the service goes, and comes back with empty counters.
    #expect(try step(nil) == [0, 0, 0, 0])
    #expect(try step((1, 80, 90)) == [1, 80, 90, 0])
    #expect(FileRead.text(counters.path)?.contains(#""bin":80,"bout":90,"ereq":0,"stot":1"#) == true)
  }

  @Test func `a folder that cannot be read is not one without listeners`() throws {
    let folder = try LabFolder()
    // A file in its place fails as a process without free descriptors does: with something else than "not there".
    try DurableFile.write([], to: folder.paths.lvsDirectory, mode: 0o600)
    let source = LVSHeartbeatSource(paths: folder.paths)
    #expect(source.configuredListeners() == nil, "their counters are kept")
    #expect(source.collect(within: .seconds(1)).problems["lvs"] != nil)
    let none = AgentPaths(base: folder.paths.lvsDirectory)
    #expect(HAProxyHeartbeatSource(paths: none).configuredListeners() == nil)
    #expect(HAProxyHeartbeatSource(paths: none).collect(within: .seconds(1)).problems["haproxy"] != nil)
    try DurableFile.remove(folder.paths.lvsDirectory)
    #expect(source.configuredListeners() == [])
  }

  @Test func `members and pool stand in the heartbeat's text under their keys`() throws {
    let bench = try Bench()
    let id = try bench.add(LVSExample.fourMembers())
    let pool = try #require(bench.collect().pools.first)
    #expect(pool.key == LVSExample.pool, "without the listener's id")
    let message = HeartbeatMessage(
      id: HeartbeatLab.amphoraID, sequence: 1,
      listeners: [
        .init(
          id: id.text, status: "OPEN",
          stats: .init(bytesOut: 7490, bytesIn: 6_387_472, connections: 0, totalConnections: 5, requestErrors: 0))
      ], pools: [pool])
    let text = String(decoding: message.encoded(), as: UTF8.self)
    #expect(text.contains(#""\#(LVSExample.pool)":{"#))
    #expect(text.contains(#""\#(LVSExample.member(2))":"MAINT""#))
  }

  @Test func `the kernel here is read in the namespace that is named`() async throws {
    let bench = try Bench()
    try bench.add(LVSExample.fourMembers().replacing("amphora-haproxy", with: "no-such-namespace"))
    let report = LVSHeartbeatSource(paths: bench.folder.paths).collect(within: .seconds(1))
    #expect(report.problems.values.map { $0.contains("no-such-namespace") } == [true])
    #expect(report.listeners.map(\.status) == ["OPEN"])
  }
}

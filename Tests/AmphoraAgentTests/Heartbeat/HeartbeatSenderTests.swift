// The sender as a whole: real sockets, real time, sources of the test's making.

import AmphoraProtocol
import Files
import Glibc
import Logging
import Synchronization
import Testing
import TestSupport

@testable import AmphoraAgent

/// A source whose report the test sets, and which can be made to hang.
private final class ScriptedSource: HeartbeatSource {
  private let report = Mutex(HeartbeatReport())
  private let isStuck = Mutex(false)

  func set(_ change: (inout HeartbeatReport) -> Void) { report.withLock { change(&$0) } }
  func hang(_ value: Bool) { isStuck.withLock { $0 = value } }

  func collect(within budget: Duration) -> HeartbeatReport {
    // Ignores its budget on purpose: a disk that hangs does so too.
    while isStuck.withLock({ $0 }) { poll(nil, 0, 5) }
    return report.withLock { $0 }
  }

  func configuredListeners() -> Set<String>? { nil }
}

@Suite struct `Heartbeat sender` {
  private let folder: LabFolder
  private let log = LogRecord()
  private let source = ScriptedSource()

  init() throws { folder = try LabFolder() }

  private func sender(
    _ configuration: AgentConfiguration, watchPeriod: Duration? = nil,
    resolver: @escaping Destinations.Resolver = ResolvedDestination.resolve
  ) -> HeartbeatSender {
    HeartbeatSender(
      configuration: configuration, sources: [source], paths: folder.paths, watchPeriod: watchPeriod,
      resolver: resolver,
      random: { 0 }, logger: log.logger)
  }

  private func reading(_ id: String, bin: Int = 0, status: String = "OPEN") -> ListenerReading {
    ListenerReading(id: id, status: status, connections: 1, counters: .init(bin: bin, bout: 0, ereq: 0, stot: 0))
  }

  @Test func `a fresh amphora says at once that it serves nothing`() async throws {
    let receiver = try HeartbeatReceiver()
    let start = ContinuousClock.now
    let sender = sender(try HeartbeatLab.configuration("127.0.0.1:\(receiver.port)", interval: 60))
    try await HeartbeatLab.running(sender) {
      let message1 = try await receiver.message()
      #expect(message1 == HeartbeatMessage(id: HeartbeatLab.amphoraID, sequence: 0))
      // At once, not after the interval of a minute.
      #expect(ContinuousClock.now - start < .seconds(30))
    }
    let status = sender.status
    #expect(status.sent == 1)
    #expect(status.last?.destination == "127.0.0.1:\(receiver.port)")
    #expect(status.last?.form == "complete")
    #expect((status.last?.time ?? 0) > 1_700_000_000)
    #expect(status.skipped.isEmpty && status.silence == nil && status.sendErrors == 0)
  }

  @Test func `heartbeats keep their distance, and alternate between controllers of both IP versions`() async throws {
    let first = try HeartbeatReceiver()
    let second = try HeartbeatReceiver(family: AF_INET6)
    let sender = sender(try HeartbeatLab.configuration("127.0.0.1:\(first.port), [::1]:\(second.port)"))
    try await HeartbeatLab.running(sender) {
      var sequences: [Int?] = []
      for receiver in [first, second, first, second] { sequences.append(try await receiver.message().sequence) }
      #expect(sequences == [0, 1, 2, 3])
    }
    #expect(try await first.receive(within: .milliseconds(1)) == nil)
  }

  @Test func `increments are sent once, and those that could not be sent later`() async throws {
    let receiver = try HeartbeatReceiver()
    source.set { $0.listeners = [reading("L", bin: 100)] }
    // The second destination refuses every datagram: sending to a broadcast address needs a permission.
    let configuration = try HeartbeatLab.configuration("127.0.0.1:\(receiver.port), 127.255.255.255:9")
    let sender = sender(configuration)
    try await HeartbeatLab.running(sender) {
      let message2 = try await receiver.message()
      #expect(message2.listeners.first?.stats?.bytesIn == 100)
      source.set { $0.listeners = [reading("L", bin: 130)] }
      try await poll("a failed heartbeat", within: .seconds(10)) { sender.status.sendErrors == 1 }
      source.set { $0.listeners = [reading("L", bin: 150)] }
      let message = try await receiver.message()
      #expect(message.listeners.first?.stats?.bytesIn == 50)
      #expect(message.sequence == 2)
    }
    #expect(FileRead.text(folder.path + "/stats_counters.json")?.contains("\"bin\":150") == true)
    #expect(sender.status.lastSendError?.contains("Permission denied") == true)
  }

  @Test func `a configuration applies at once: key, destination and interval`() async throws {
    let old = try HeartbeatReceiver()
    let new = try HeartbeatReceiver()
    let sender = sender(try HeartbeatLab.configuration("127.0.0.1:\(old.port)", interval: 60))
    try await HeartbeatLab.running(sender) {
      _ = try await old.message()
      sender.reload(try HeartbeatLab.configuration("127.0.0.1:\(new.port)", interval: 1, key: "other"))
      let message3 = try await new.message(key: "other")
      #expect(message3.sequence == 1)
      let message4 = try await new.message(key: "other")
      #expect(message4.sequence == 2)
      sender.reload(try HeartbeatLab.configuration("127.0.0.1:\(old.port)", interval: 60))
      let message5 = try await old.message()
      #expect(message5.sequence != nil)
    }
    #expect(!log.lines.contains { $0.text.contains("other") })
  }

  @Test func `an unchanged configuration sends nothing extra`() async throws {
    let receiver = try HeartbeatReceiver()
    let configuration = try HeartbeatLab.configuration("127.0.0.1:\(receiver.port)", interval: 60)
    let sender = sender(configuration)
    try await HeartbeatLab.running(sender) {
      _ = try await receiver.message()
      sender.reload(configuration)
      let datagram6 = try await receiver.receive(within: .milliseconds(300))
      #expect(datagram6 == nil)
    }
  }

  @Test func `without key, id or destination nothing is sent and it says why, once`() async throws {
    let receiver = try HeartbeatReceiver()
    let address = "127.0.0.1:\(receiver.port)"
    for (configuration, reason) in [
      (try HeartbeatLab.configuration(address, key: nil), HeartbeatStatus.SkipReason.notConfigured),
      (try HeartbeatLab.configuration(address, id: nil), .notConfigured),
      (try HeartbeatLab.configuration(""), .noDestination),
    ] {
      let before = log.lines.count
      let sender = sender(configuration)
      try await HeartbeatLab.running(sender) {
        try await poll("two heartbeats held back: \(reason)", within: .seconds(10)) {
          (sender.status.skipped[reason] ?? 0) >= 2
        }
      }
      #expect(sender.status.silence == reason)
      #expect(log.lines.dropFirst(before).count { $0.level == .error } == 1)
    }
    let datagram7 = try await receiver.receive(within: .milliseconds(1))
    #expect(datagram7 == nil)
  }

  @Test func `a dead keepalived silences the amphora until it lives again`() async throws {
    let receiver = try HeartbeatReceiver()
    folder.folder("vrrp")
    try folder.write("vrrp/octavia-keepalived.conf", "vrrp_instance x {}\n")
    let sender = sender(try HeartbeatLab.configuration("127.0.0.1:\(receiver.port)"))
    try await HeartbeatLab.running(sender) {
      try await poll("two heartbeats held back", within: .seconds(10)) { (sender.status.skipped[.vrrpDown] ?? 0) >= 2 }
      let datagram8 = try await receiver.receive(within: .milliseconds(1))
      #expect(datagram8 == nil)
      let pid = try folder.startSleeper(named: "keepalived")
      try folder.write("vrrp/octavia-keepalived.pid", "\(pid)\n")
      // Heartbeats that were held back have no number.
      let message9 = try await receiver.message()
      #expect(message9.sequence == 0)
      try await folder.stopOffPool(pid)
      try await poll("silence after the end of keepalived", within: .seconds(10)) { sender.status.silence == .vrrpDown }
    }
    #expect(log.lines.contains { $0.text.contains("keepalived is not running") && $0.level == .error })
  }

  @Test func `the first heartbeat follows the first address at once, and slow names hold up nobody`() async throws {
    let receiver = try HeartbeatReceiver()
    let isOpen = Mutex(false)
    let target = try #require(ControllerEndpoint("127.0.0.1:\(receiver.port)"))
    let sender = sender(try HeartbeatLab.configuration("slow:9", interval: 60)) { _ in
      while !isOpen.withLock({ $0 }) { poll(nil, 0, 5) }
      return ResolvedDestination.literal(target)
    }
    try await HeartbeatLab.running(sender) {
      try await poll("the wait for an address", within: .seconds(10)) { sender.status.silence == .resolving }
      isOpen.withLock { $0 = true }
      let message10 = try await receiver.message()
      #expect(message10.sequence == 0)
      #expect(sender.status.sendErrors == 0)
    }
  }

  @Test func `a source that hangs for ever is an overrun that does not freeze the sender`() async throws {
    let receiver = try HeartbeatReceiver()
    let sender = sender(try HeartbeatLab.configuration("127.0.0.1:\(receiver.port)"))
    try await HeartbeatLab.running(sender) {
      _ = try await receiver.message()
      source.hang(true)
      try await poll("two heartbeats left out", within: .seconds(10)) { (sender.status.skipped[.overrun] ?? 0) >= 2 }
      #expect(sender.status.silence == .overrun)
      source.hang(false)
      let message11 = try await receiver.message()
      #expect(message11.sequence == 1)
      try await poll("the end of the silence", within: .seconds(10)) { sender.status.silence == nil }
    }
    #expect(log.lines.count { $0.text.contains("still being built") } == 1)
  }

  @Test func `a message too long for a datagram goes without pools, and the log says so once`() async throws {
    let receiver = try HeartbeatReceiver()
    let large = `Heartbeat datagram`.message(pools: 40, members: 100)
    source.set { report in
      report.listeners = [reading("L")]
      report.pools = large.pools ?? []
    }
    let sender = sender(try HeartbeatLab.configuration("127.0.0.1:\(receiver.port)"))
    try await HeartbeatLab.running(sender) {
      for _ in 0..<2 {
        let message = try await receiver.message()
        #expect(message.pools == nil)
        #expect(message.listeners.map(\.id) == ["L"])
      }
      try await poll("two heartbeats without pools", within: .seconds(10)) { sender.status.withoutPools >= 2 }
      #expect(log.lines.count { $0.text.contains("without pools") && $0.level == .error } == 1)
      source.set { $0.pools = [] }
      try await poll("a complete heartbeat", within: .seconds(10)) { sender.status.last?.form == "complete" }
      #expect(log.lines.contains { $0.text.contains("over: heartbeat exceeds one datagram") })
    }
  }

  @Test func `datagrams that travel in fragments are counted and logged once`() async throws {
    let receiver = try HeartbeatReceiver()
    source.set { $0.pools = `Heartbeat datagram`.message(pools: 5, members: 50).pools ?? [] }
    let sender = sender(try HeartbeatLab.configuration("127.0.0.1:\(receiver.port)"))
    try await HeartbeatLab.running(sender) {
      for _ in 0..<2 {
        let message12 = try await receiver.message()
        #expect(message12.pools?.count == 5)
      }
      try await poll("two heartbeats in fragments", within: .seconds(10)) { sender.status.fragmented >= 2 }
    }
    #expect(sender.status.nearLimit == 0)
    #expect(log.lines.count { $0.text.contains("larger than 1400 bytes") } == 1)
  }

  @Test func `a change between heartbeats makes an extra one`() async throws {
    let receiver = try HeartbeatReceiver()
    let pool = HeartbeatMessage.Pool(key: "P:L", status: "UP", members: [.init(id: "m", status: "UP")])
    source.set { report in
      report.listeners = [reading("L")]
      report.pools = [pool]
    }
    let sender = sender(
      try HeartbeatLab.configuration("127.0.0.1:\(receiver.port)", interval: 3600), watchPeriod: .milliseconds(20))
    try await HeartbeatLab.running(sender) {
      let message13 = try await receiver.message()
      #expect(message13.pools?.first?.members.first?.status == "UP")
      source.set { $0.pools[0].members[0].status = "DOWN" }
      let message14 = try await receiver.message()
      #expect(message14.pools?.first?.members.first?.status == "DOWN")
      sender.hurry()
      let message15 = try await receiver.message()
      #expect(message15.sequence == 2)
    }
  }

  @Test func `repeated listeners and pools of two sources stand in the message once`() async throws {
    let receiver = try HeartbeatReceiver()
    source.set { report in
      report.listeners = [reading("L", bin: 5), reading("L", bin: 5)]
      report.pools = [.init(key: "P:L", status: "UP", members: []), .init(key: "P:L", status: "DOWN", members: [])]
    }
    let sender = sender(try HeartbeatLab.configuration("127.0.0.1:\(receiver.port)", interval: 60))
    try await HeartbeatLab.running(sender) {
      let message = try await receiver.message()
      #expect(message.listeners.count == 1)
      #expect(message.pools?.map(\.status) == ["UP"])
      #expect(message.listeners.first?.stats?.bytesIn == 5)
    }
  }

  @Test func `it ends when its task is cancelled, and can run again`() async throws {
    let receiver = try HeartbeatReceiver()
    let sender = sender(try HeartbeatLab.configuration("127.0.0.1:\(receiver.port)", interval: 60))
    try await HeartbeatLab.running(sender) {
      let message = try await receiver.message()
      #expect(message.sequence == 0)
    }
    try await HeartbeatLab.running(sender) {
      let message = try await receiver.message()
      #expect(message.sequence == 1)
    }
  }
}

// What a tenant's scrape costs, and what keepalived's check costs: of this agent's programs, and of upstream's where they are
// installed, which then must also say the same.

import Addresses
import AmphoraAgent
import AmphoraLab
import Files
import FoundationEssentials
import Glibc
import Netlink

/// Processor time per scrape of 1,000 members, and the time of one `haproxy-vrrp-check`.
struct PrometheusFigures {
  let agent: String
  /// The python of a venv with upstream's programs.
  let python: String

  private static let members = 1000
  private static let address = IPAddress("127.0.0.1") ?? .any(.v4)

  func measure(into table: inout FigureTable) async throws {
    let folder = "/tmp/amphora-bench-\(getpid())"
    try DurableFile.createDirectory(folder, mode: 0o700)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let namespace = NetworkNamespace.amphoraHAProxy
    try namespace.create(ifMissing: true)
    defer { try? namespace.delete(ifExists: true) }
    _ = try await Command.run("/sbin/ip", ["-n", namespace.name, "link", "set", "lo", "up"])

    let haproxy = try start(haproxy: Self.members, folder, "large")
    defer { kill(haproxy.pid, SIGKILL) }
    let (ours, scrape) = try await cost([agent, "prometheus-proxy"], rounds: 20, folder, namespace)
    var upstream: Double?
    if FileRead.exists(python) {
      let program =
        "import sys; from octavia.cmd import prometheus_proxy; sys.argv = ['prometheus-proxy']; prometheus_proxy.main()"
      let (theirs, other) = try await cost([python, "-W", "ignore", "-c", program], rounds: 4, folder, namespace)
      try Self.compare(scrape, other)
      upstream = theirs
    }
    table.add(
      "processor time per scrape of \(Self.members) members", ours, "ms", budget: (upstream ?? 1200) / 10,
      upstream: upstream)
    try await checks(folder, into: &table)
  }

  /// The processor time of one scrape in milliseconds, and what was answered.
  private func cost(
    _ command: [String], rounds: Int, _ folder: String, _ namespace: NetworkNamespace
  ) async throws -> (Double, String) {
    let process = try ChildProcess(command, output: "\(folder)/proxy.log")
    defer { kill(process.pid, SIGKILL) }
    var body = ""
    for attempt in 1... {
      let result = await HTTPProbe.get(Self.address, port: 9102, from: namespace)
      body = result.body
      if result.status == 200 { break }
      guard attempt < 300 else {
        let log = FileRead.text("\(folder)/proxy.log") ?? ""
        throw LabError.failed(what: command[0], reason: "\(result.failure ?? "\(result.status ?? 0)") \(log)")
      }
      try await Task.sleep(for: .milliseconds(100))
    }
    let before = Self.processorTime(process.pid)
    for _ in 0..<rounds { _ = await HTTPProbe.get(Self.address, port: 9102, from: namespace) }
    return ((Self.processorTime(process.pid) - before) / Double(rounds), body)
  }

  /// User and system time in milliseconds: the 14th and 15th field of proc_pid_stat(5).
  private static func processorTime(_ pid: pid_t) -> Double {
    let stat = FileRead.text("/proc/\(pid)/stat") ?? ""
    let words = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
    guard words.count > 13, let user = Double(words[12]), let system = Double(words[13]) else { return 0 }
    return (user + system) * 1000 / Double(sysconf(CInt(_SC_CLK_TCK)))
  }

  /// Both have the same metrics, types and labels; values may change from scrape to scrape.
  private static func compare(_ ours: String, _ theirs: String) throws {
    let (ours, theirs) = (keys(ours), keys(theirs))
    guard ours == theirs else {
      let extra = ours.subtracting(theirs).sorted().prefix(5)
      let missing = theirs.subtracting(ours).sorted().prefix(5)
      throw LabError.failed(what: "metrics", reason: "not upstream's: only here \(extra), only there \(missing)")
    }
    guard ours.count > members * 40 else { throw LabError.failed(what: "metrics", reason: "only \(ours.count) lines") }
  }

  private static func keys(_ text: String) -> Set<Substring> {
    var keys: Set<Substring> = []
    for line in text.split(separator: "\n") where !line.contains("amphora_agent_") {
      if line.hasPrefix("# HELP ") {
        continue
      } else if line.hasPrefix("#") {
        keys.insert(line)
      } else {
        keys.insert(line[..<(line.lastIndex(of: " ") ?? line.endIndex)])
      }
    }
    return keys
  }

  private func checks(_ folder: String, into table: inout FigureTable) async throws {
    // Programs of some milliseconds are the first to suffer from other work on the machine; haproxy inherits it.
    Priority.raise()
    let haproxy = try start(haproxy: 2, folder, "small")
    defer { kill(haproxy.pid, SIGKILL) }
    let socket = "\(folder)/small.sock"
    var times: [Double] = []
    for _ in 0..<300 {
      let start = ContinuousClock.now
      let status = Self.run(agent, ["haproxy-vrrp-check", socket])
      let took = (ContinuousClock.now - start).milliseconds
      if status == 0 { times.append(took) } else { try await Task.sleep(for: .milliseconds(20)) }
      if times.count == 101 { break }
    }
    guard times.count == 101 else { throw LabError.failed(what: "haproxy-vrrp-check", reason: "does not succeed") }
    table.add("haproxy-vrrp-check, one run", times: times, budget: 5, upstream: 21)
  }

  /// Starts a program under another name and waits for it; the raw status.
  private static func run(_ path: String, _ arguments: [String]) -> CInt {
    let vector = arguments.map { strdup($0) }
    defer { for text in vector { free(text) } }
    var child: pid_t = 0
    guard posix_spawn(&child, path, nil, nil, vector + [nil], environ) == 0 else { return -1 }
    var status: CInt = 0
    waitpid(child, &status, 0)
    return status
  }

  private func start(haproxy members: Int, _ folder: String, _ name: String) throws -> ChildProcess {
    let listener = "11111111-2222-4333-8444-000000000001"
    let pool = "bbbbbbbb-0000-4000-8000-000000000001"
    func number(_ value: Int) -> String { String(String(1_000_000 + value).dropFirst()) }
    let servers = (0..<members).map {
      "  server dddddddd-0000-4000-8000-000000\(number($0)) 192.0.2.\($0 % 250 + 1):\(8000 + $0 / 250) weight 1 disabled\n"
    }.joined()
    let exporter =
      members < 100
      ? ""
      : """
      frontend prometheus-exporter-internal-endpoint
        bind 127.0.0.1:9101
        no log
        http-request use-service prometheus-exporter if { path /metrics }
        http-request reject
      backend prometheus-exporter-internal
        no log
        balance first
        server prometheus-internal 127.0.0.1:9102

      """
    let text = """
      global
        maxconn 500
        stats socket \(folder)/\(name).sock mode 0600 level user
      defaults
        mode http
        timeout connect 5s
        timeout client 5s
        timeout server 5s
      \(exporter)frontend \(listener)
        bind 127.0.0.1:\(7000 + members)
        default_backend \(pool):\(listener)
      backend \(pool):\(listener)
      \(servers)
      """
    try DurableFile.write(Array(text.utf8), to: "\(folder)/\(name).cfg", mode: 0o600)
    return try ChildProcess(
      ["/sbin/ip", "netns", "exec", trafficNamespace, "/usr/sbin/haproxy", "-db", "-f", "\(folder)/\(name).cfg"],
      output: "\(folder)/\(name).log")
  }
}

// One amphora under test: requests to its agent, its files as seen from outside, its namespace as seen from inside.

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Files
import Glibc
import Netlink
import Synchronization
import Testing
import TestSupport

final class LiveAmphora: Sendable {
  let lab: Lab
  private let current: Mutex<LabAmphora>
  /// VIP and member networks of this amphora alone.
  let network: LabNetwork
  let number: Int
  private let agent = Mutex<AgentProcess?>(nil)

  init(lab: Lab, machine: LabAmphora, network: LabNetwork, number: Int) {
    self.lab = lab
    current = Mutex(machine)
    self.network = network
    self.number = number
  }

  var machine: LabAmphora { current.withLock { $0 } }
  var vm: AmphoraVM { machine.vm }
  var id: AmphoraID { machine.id }
  /// A client that asks once.
  var client: AmphoraClient { machine.client.retrying(.once) }
  var agentPID: pid_t? { agent.withLock { $0?.pid } }
  /// Once the agent has ended; 137 after SIGKILL.
  var agentExitStatus: Int32? { agent.withLock { $0?.exitStatus } }
  var agentLog: String { FileRead.text("\(vm.directory)/agent.log") ?? "" }

  // MARK: The agent's life

  /// Starts the agent and waits until it answers.
  ///
  /// - Parameter asking: for an agent that listens elsewhere.
  func startAgent(
    configuration: String = "/etc/octavia/amphora-agent.conf", asking other: AmphoraClient? = nil
  ) async throws {
    let process = try launchAgent(configuration: configuration)
    let client = other ?? client
    try await poll("the agent's first answer") {
      if let status = process.exitStatus {
        throw LabError.failed(what: "agent", reason: "exit status \(status): \(agentLog)")
      }
      return (try? await client.discover()) == "1.0"
    }
  }

  /// Starts the agent without waiting.
  @discardableResult
  func launchAgent(configuration: String = "/etc/octavia/amphora-agent.conf") throws -> AgentProcess {
    let process = try vm.startAgent(configuration: configuration)
    agent.withLock { $0 = process }
    return process
  }

  /// SIGTERM; the exit status.
  func stopAgent() async throws -> Int32 {
    let start = ContinuousClock.now
    let status = try await #require(agent.withLock { $0 }).stop()
    let took = ContinuousClock.now - start
    #expect(took < .seconds(10), "the end took \(took); \(agentLog)")
    return status
  }

  /// SIGKILL.
  func crashAgent() async throws { try await #require(agent.withLock { $0 }).crash() }

  /// Cuts the power and boots again, without starting the agent; the NICs must be plugged again.
  func reboot() async throws {
    let rebooted = try await lab.reboot(machine)
    current.withLock { $0 = rebooted }
  }

  func takeDown() async {
    try? await machine.client.shutdown()
    await vm.cutPower()
    for namespace in [vm.namespace, network.fabric] { try? namespace.delete(ifExists: true) }
  }

  // MARK: Requests

  /// One request, and whatever comes back.
  func send(_ method: String, _ path: String, _ body: String? = nil, type: String? = nil) async throws -> AgentAnswer {
    try await send(method, path, bytes: body.map { Array($0.utf8) }, type: type)
  }

  func send(_ method: String, _ path: String, bytes: [UInt8]?, type: String? = nil) async throws -> AgentAnswer {
    let answer = try await client.raw(
      method: method, path: path, headers: type.map { [("Content-Type", $0)] } ?? [], body: bytes)
    // Upstream's agent closes after each answer, and controllers count on it.
    #expect(answer.header("Connection") == "close", "\(method) \(path)")
    return answer
  }

  /// A connection on which the test says each byte itself.
  func connect(_ options: [String] = [], identity: String? = nil, anonymous: Bool = false) throws -> TLSConnection {
    try TLSConnection(
      to: vm.managementAddress, identity: anonymous ? nil : identity ?? lab.credentials.clientPEM,
      serverCA: lab.credentials.serverCAPEM, options: options)
  }

  // MARK: Files

  func text(_ path: String) -> String? { FileRead.text(vm.outside(path)) }
  func exists(_ path: String) -> Bool { FileRead.exists(vm.outside(path)) }
  func names(in path: String) -> [String] { FileRead.names(in: vm.outside(path)).sorted() }

  /// The permission bits, in octal digits.
  func mode(_ path: String) -> String? {
    var status = stat()
    guard lstat(vm.outside(path), &status) == 0 else { return nil }
    return String(status.st_mode & 0o7777, radix: 8)
  }

  /// Writes a file from inside: what is below a mounted overlay must not change.
  func write(_ text: String, to path: String, mode: mode_t = 0o644) async throws {
    let staged = "/run/staged-\(Self.stagedFiles.add(1, ordering: .relaxed).newValue)"
    try DurableFile.write(Array(text.utf8), to: vm.outside(staged), mode: 0o600)
    let result = try await run("/usr/bin/install -D -m \(String(mode, radix: 8)) \(staged) \(path)")
    try #require(result.isSuccess, "\(result.output)")
  }

  private static let stagedFiles = Atomic<Int>(0)

  /// Writes the agent's configuration with one text of the delivered one replaced.
  func configure(_ replacements: (of: String, with: String)...) async throws {
    var text = machine.configuration
    for (old, new) in replacements {
      try #require(text.contains(old))
      text = text.replacing(old, with: new)
    }
    try await write(text, to: "/etc/octavia/amphora-agent.conf", mode: 0o600)
  }

  /// Every path that was written below /etc and /var/lib.
  func tree() async throws -> [String] {
    let result = try await Command.run("/usr/bin/find", ["\(vm.directory)/upper"])
    // Heartbeats write their counters whenever they go.
    return result.output.split(separator: "\n").map(String.init).filter { !$0.contains("stats_counters.json") }.sorted()
  }

  // MARK: Programs

  /// Runs a program in the amphora's root namespace; blanks separate the arguments.
  func run(_ command: String) async throws -> CommandResult {
    try await vm.run(command.split(separator: " ").map(String.init))
  }

  /// Runs `ip` in the traffic namespace; lines sorted, without repeated blanks.
  func ip(_ arguments: String) async throws -> [String] {
    try await run("/sbin/ip -n amphora-haproxy \(arguments)").output.split(separator: "\n")
      .map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }.sorted()
  }

  /// `ADDRESS/LENGTH` of an interface in the traffic namespace, without the kernel's link-local ones.
  func addresses(_ interface: String) async throws -> [String] {
    try await ip("-o address show dev \(interface)").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count > 3, !words[3].hasPrefix("fe80:") else { return nil }
      return String(words[3])
    }.sorted()
  }

  /// Routes of a table without the kernel's link-local and multicast ones.
  func routes(_ family: String, table: String = "main") async throws -> [String] {
    try await ip("\(family) route show table \(table)").filter {
      !$0.hasPrefix("fe80::") && !$0.hasPrefix("ff00::") && !$0.hasPrefix("multicast") && !$0.hasPrefix("Error")
        && !$0.hasPrefix("Dump")
    }.map { $0.hasSuffix(" pref medium") ? String($0.dropLast(12)) : $0 }
  }

  /// The rules that look into table 1.
  func rules(_ family: String) async throws -> [String] {
    try await ip("\(family) rule show").filter { $0.contains("lookup 1") }
  }

  /// The processes of a program, by the amphora's own numbers.
  func processes(_ name: String) async throws -> [Int32] {
    try await run("/usr/bin/pgrep -x \(name)").output.split(separator: "\n").compactMap { Int32($0) }
  }

  /// Expects that no process of a program is left.
  func expectNone(_ name: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    // haproxy's workers and keepalived's children end some milliseconds after their parent, for which the agent waits.
    let isEmpty: Bool? = try? await poll("the end of \(name)", within: .seconds(5)) {
      try await processes(name).isEmpty ? true : nil
    }
    if isEmpty == true { return }
    let left = try await processes(name)
    let table = try await run("/bin/ps -eo pid,ppid,stat,etimes,args").output
    Issue.record("\(name) runs: \(left)\n\(table)\n\(agentLog.suffix(4000))", sourceLocation: sourceLocation)
  }

  /// The command line of a process.
  func commandLine(_ pid: Int32) async throws -> [String] {
    try await run("/usr/bin/cat /proc/\(pid)/cmdline").output.split(separator: "\0").map(String.init)
  }

  /// Sends a signal to a process that is there.
  func kill(_ pid: Int32, _ signal: String) async throws {
    let result = try await run("/bin/kill -\(signal) \(pid)")
    try #require(result.isSuccess, "\(result.output)")
  }

  /// SIGKILL for every process of a program; one may end by the other's end first.
  func killAll(_ name: String) async throws {
    for pid in try await processes(name) { _ = try await run("/bin/kill -KILL \(pid)") }
  }
}

// An amphora whose network is in order: a VIP port and a member port plugged as controllers do it, gateways and members at
// the other ends of the wires. Tests break one thing of it.

import Addresses
import AmphoraProtocol
import Files
import Logging
import Netlink
import Testing

@testable import AmphoraAgent

final class NetworkLab: Sendable {
  static let (vip, vip6) = ("203.0.113.2", "2001:db8::2")
  static let memberMAC = "02:00:00:00:00:0b"
  static let balancer = LoadBalancerID(unchecked: "aaaaaaaa-0000-4000-8000-000000000001")
  static let configurationFile = "/lab/agent.conf"

  let lab: InterfaceLab
  let folder: LabFolder
  let amphora: LocalAmphora

  /// Plugs both ports; what they are asked for answers.
  init(topology: Topology = .single, isSRIOV: Bool = false) async throws {
    lab = try InterfaceLab()
    folder = try LabFolder()
    var paths = folder.paths
    paths.units = folder.folder("units")
    paths.runtime = folder.folder("run")
    amphora = LocalAmphora(
      configurationFile: Self.configurationFile,
      configuration: .success(
        try ConfigurationSample.parsed(
          "[amphora_agent]\namphora_id = amphora-1\n[controller_worker]\nloadbalancer_topology = \(topology.rawValue)\n"
        )),
      paths: paths, interfaces: lab.paths)
    try lab.addNIC("ens4", Example.mac)
    try lab.addNIC("ens5", Self.memberMAC)
    try answerOnWires()
    var body = Example.bodyD
    body.isSRIOV = isSRIOV
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    #expect(
      try await NamespaceSetup(interfaces: lab.plugger(), namespace: lab.inside, logger: logger)
        .up(systemSettings: false) == [])
    _ = try await lab.plugger().plugVIP(VIPPlug(vip: Self.vip, body: body), topology: topology)
    _ = try await lab.plugger().plugNetwork(
      NetworkPlug(body: Example.bodyF(mac: Self.memberMAC)), topology: topology)
    if isSRIOV {
      let rules = try ["80", "443"].map {
        try FirewallLab.rule(#"{"protocol":"TCP","cidr":null,"port":\#($0)}"#)
      }
      try await lab.plugger().allow(rules)
    }
  }

  /// The far end of a wire.
  func far(_ mac: String) throws -> String {
    try #require(try NetlinkSocket(in: lab.wire).links().first { $0.name.hasPrefix("w\(mac.suffix(2))-") }).name
  }

  /// Gateways and next hops, and a member, of both networks.
  func answerOnWires() throws {
    for address in ["203.0.113.1/24", "203.0.113.5/24", "2001:db8::1/64", "2001:db8::5/64"] {
      try wire("address add \(address) dev \(far(Example.mac))")
    }
    for address in ["10.0.0.254/24", "10.0.0.21/24", "2001:db8:5::fe/64"] {
      try wire("address add \(address) dev \(far(Self.memberMAC))")
    }
  }

  /// ip(8) at the other end of the wires; new IPv6 addresses are usable at once.
  func wire(_ arguments: String) throws {
    let nodad = arguments.hasPrefix("address add") && arguments.contains("2001:") ? ["nodad"] : []
    let words = arguments.split(separator: " ").map(String.init) + nodad
    _ = try lab.wire.runBlocking { try NamespaceProcess.run("/sbin/ip", words, within: .seconds(10)) }
  }

  /// A haproxy.cfg with a pool of members.
  func configure(members: [String], pool: String = "p1") throws {
    try DurableFile.createDirectory(amphora.paths.directory(of: Self.balancer), mode: 0o755)
    let servers = members.enumerated().map { "    server m\($0.offset + 1) \($0.element) weight 1\n" }.joined()
    let text = """
      global
          stats socket \(amphora.paths.statsSocket(of: Self.balancer)) mode 0666 level user
      frontend f1
          mode http
          bind 203.0.113.2:80
      backend \(pool):f1
          mode http
      \(servers)
      """
    try DurableFile.write(Array(text.utf8), to: amphora.paths.configuration(of: Self.balancer), mode: 0o600)
  }

  /// What the doctor finds, but for what passes.
  func faults() async -> [Finding] {
    // Without the limit of an operator's patience: the machine may be busy.
    let report = await Doctor(checks: NetworkChecks.all, limit: .seconds(60)).examine(amphora)
    return report.findings.filter { $0.verdict != .pass }
  }

  func repair(_ supervisor: (any ServiceSupervisor)? = nil) async -> Repair.Outcome {
    await Repair(
      amphora, supervisor: supervisor, systemSettings: false,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ).run()
  }

  /// Carries out a printed `ip netns exec … amphora-agent interface up NAME …`, whose program is called here.
  func carryOut(interfaceCommand remedy: String?) throws {
    let words = try #require(remedy).split(separator: " ").map(String.init)
    try #require(words.prefix(6) == ["ip", "netns", "exec", lab.inside.name, "amphora-agent", "interface"])
    try #require(Array(words.suffix(2)) == ["--config-file", Self.configurationFile])
    let command = InterfaceCommand(configurator: lab.configurator())
    let result = try lab.inside.runBlocking { command.run(["amphora-interface"] + words.dropFirst(6).dropLast(2)) }
    #expect(result.exitCode == 0, "\(result.lines)")
  }

  /// Carries out any other printed command.
  func carryOut(_ remedy: String?) throws {
    _ = try NamespaceProcess.run("/bin/sh", ["-c", try #require(remedy)], within: .seconds(10))
  }
}

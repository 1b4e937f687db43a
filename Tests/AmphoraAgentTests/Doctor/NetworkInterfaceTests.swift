// Interfaces: each fault is made in a real namespace; the doctor names it and nothing else; its remedy leaves nothing.

import Addresses
import AmphoraProtocol
import Files
import Netlink
import Synchronization
import Testing

@testable import AmphoraAgent

@Suite(.enabled(if: InterfaceLab.isPossible, InterfaceLab.why)) struct NetworkInterfaceTests {
  @Test(arguments: [Topology.single, .activeStandby])
  func `an amphora in order has nothing but passes, and a repair changes nothing`(topology: Topology) async throws {
    let lab = try await NetworkLab(topology: topology)
    #expect(await lab.faults() == [])
    let before = try lab.lab.snapshot()
    #expect(await lab.repair() == Repair.Outcome())
    #expect(try lab.lab.snapshot() == before)
    let passes = await Doctor(checks: NetworkChecks.all, limit: .seconds(60)).examine(lab.amphora).findings.map(\.check)
    let vip = topology == .single ? ["vip-role", "duplicate-vip"] : []
    #expect(
      passes == ["namespace", "sysctl", "interface-files", "interface", "link", "packet-filter"] + vip + ["gateway"])
  }

  @Test(arguments: [
    ("address delete 203.0.113.2/32 dev eth1", "eth1: missing: address 203.0.113.2/32"),
    ("address delete 2001:db8:5::5/64 dev eth2", "eth2: missing: address 2001:db8:5::5/64"),
    ("address add 203.0.113.77/24 dev eth1", "eth1: too many: address 203.0.113.77/24"),
    (
      "route delete default via 203.0.113.1 dev eth1 table 1",
      "eth1: missing: route default via 203.0.113.1 dev eth1 table 1 onlink"
    ),
    (
      "route replace default via 203.0.113.9 dev eth1 onlink proto static",
      "eth1: another one instead of: route default via 203.0.113.1 dev eth1 onlink"
    ),
    (
      "-6 route delete 2001:db8:6::/64 dev eth2",
      "eth2: missing: route 2001:db8:6::/64 via 2001:db8:5::fe dev eth2 onlink"
    ),
    (
      "route add 100.64.0.0/24 via 203.0.113.9 dev eth1 proto static",
      "eth1: too many: route 100.64.0.0/24 via 203.0.113.9 dev eth1"
    ),
    ("rule delete from 203.0.113.2 priority 32000", "eth1: missing: rule 32000: from 203.0.113.2/32 lookup 1"),
    ("link set eth1 mtu 1400", "eth1: mtu 1400 instead of 1450"),
    ("link set eth2 down", "eth2: state DOWN"), ("link set lo down", "lo: state DOWN"),
  ]) func `what differs from the file is named, and gone after the printed command or a repair`(
    fault: String, evidence: String
  ) async throws {
    let lab = try await NetworkLab()
    for isRepair in [false, true] {
      _ = try lab.lab.ip(fault)
      let faults = await lab.faults()
      #expect(faults.map(\.check) == ["interface"], "\(faults)")
      #expect(faults.first?.verdict == .failure)
      #expect(faults.first?.evidence.hasPrefix(evidence) == true, "\(faults)")
      if isRepair {
        let outcome = await lab.repair()
        let name = evidence.prefix { $0 != ":" }
        #expect(!outcome.changes.isEmpty && outcome.failures == [], "\(outcome)")
        #expect(outcome.changes.allSatisfy { $0.hasPrefix("\(name): ") }, "\(outcome)")
      } else {
        try lab.carryOut(interfaceCommand: faults.first?.remedy)
      }
      #expect(await lab.faults() == [])
      #expect(await lab.repair() == Repair.Outcome())
    }
  }

  @Test func `many faults of one interface are one finding of one line`() async throws {
    let lab = try await NetworkLab()
    _ = try lab.lab.ip("address flush dev eth1")
    let faults = await lab.faults()
    #expect(faults.map(\.check) == ["interface"])
    let evidence = try #require(faults.first?.evidence)
    #expect(evidence.contains("missing: address 203.0.113.4/24; missing: address 203.0.113.2/32; "))
    #expect(evidence.contains("; and ") && evidence.hasSuffix(" more") && !evidence.contains("\n"), "\(evidence)")
    let outcome = await lab.repair()
    #expect(outcome.changes.contains("eth1: address 203.0.113.2/32 added"), "\(outcome)")
    #expect(outcome.changes.contains("eth1: route default via 203.0.113.1 dev eth1 table 1 onlink added"), "\(outcome)")
    #expect(await lab.faults() == [])
  }

  @Test func `what a controller plugs while a repair runs is in force afterwards`() async throws {
    let lab = try await NetworkLab()
    _ = try lab.lab.ip("address delete 10.0.0.5/24 dev eth2")
    let paths = lab.lab.paths
    let hasPlugged = Mutex(false)
    var repair = Repair(lab.amphora, supervisor: nil, systemSettings: false, logger: LogRecord().logger)
    repair.onStep = { step in
      guard step.hasPrefix("add address"), hasPlugged.withLock({ exchange(&$0, with: true) }) == false else { return }
      // The agent has taken the request and applied it, and the repair is about to apply what it read before.
      var file = try #require(paths.store.load(.ethernet(2)))
      let address = try #require(AsWritten<IPAddress>(text: "10.0.0.6"))
      file.addresses.append(.assigned(.init(address, prefixLength: 24)))
      file.routes = []
      try paths.store.store(file)
      _ = try InterfaceConfigurator(paths: paths).up(file)
    }
    #expect(await repair.run().failures == [])
    #expect(try lab.lab.addresses("eth2") == ["10.0.0.5/24", "10.0.0.6/24", "2001:db8:5::5/64"])
    #expect(try lab.lab.routes("-4").filter { $0.contains("proto static") && $0.contains("eth2") } == [])
    #expect(await lab.faults() == [])
  }

  @Test func `a NIC that is in the root namespace is told, and a repair fetches it`() async throws {
    let lab = try await NetworkLab()
    _ = try lab.lab.ip("link set eth1 netns \(lab.lab.root.name)")
    let faults = await lab.faults()
    #expect(faults.map(\.check) == ["interface"], "\(faults)")
    #expect(
      faults.first?.evidence
        == "eth1: there is no such link in \(lab.lab.inside); its NIC \(Example.mac) is in the root namespace as eth1")
    #expect(faults.first?.remedy == "amphora-agent doctor --fix --config-file \(NetworkLab.configurationFile)")
    let outcome = await lab.repair()
    #expect(outcome.changes.first == "eth1: NIC moved into \(lab.lab.inside)", "\(outcome)")
    #expect(outcome.failures == [])
    #expect(await lab.faults() == [])
  }

  @Test func `a NIC that is gone is the cloud's to give back`() async throws {
    let lab = try await NetworkLab()
    _ = try lab.lab.ip("link delete eth1")
    let faults = await lab.faults()
    #expect(faults.map(\.check) == ["interface"], "\(faults)")
    #expect(faults.first?.evidence.hasSuffix("and the machine has no NIC \(Example.mac)") == true, "\(faults)")
    #expect(faults.first?.remedy?.contains("--mac-address \(Example.mac)") == true)
    #expect(await lab.repair().failures == ["eth1: there is no such link in \(lab.lab.inside)"])
    // The port is attached again.
    try lab.lab.addNIC("ens9", Example.mac)
    for address in ["203.0.113.1/24", "203.0.113.5/24", "2001:db8::1/64", "2001:db8::5/64"] {
      try lab.wire("address add \(address) dev \(lab.far(Example.mac))")
    }
    #expect(await lab.repair().failures == [])
    #expect(await lab.faults() == [])
  }

  @Test func `an interface file that cannot be read is named with its reason`() async throws {
    let lab = try await NetworkLab()
    let path = lab.lab.paths.store.path(of: .vipPort)
    let good = try FileRead.bytes(path)
    try DurableFile.write(Array("{ torn".utf8), to: path, mode: 0o644)
    let faults = await lab.faults()
    #expect(faults.map(\.check) == ["interface-files"], "\(faults)")
    #expect(faults.first?.evidence.hasPrefix("\(path): ") == true)
    #expect(await lab.repair().changes == [])
    // The backup that the remedy asks for.
    try DurableFile.write(good, to: path, mode: 0o644)
    #expect(await lab.faults() == [])
  }

  @Test func `a missing namespace is the only finding, and a repair makes it with its settings`() async throws {
    let lab = try InterfaceLab()
    let amphora = LocalAmphora(
      configurationFile: "/lab/agent.conf", configuration: .success(try ConfigurationSample.parsed("")),
      paths: AgentPaths(base: lab.folder.path), interfaces: lab.paths)
    func findings() async -> [Finding] { await Doctor(checks: NetworkChecks.all).examine(amphora).findings }
    let before = await findings()
    #expect(before.filter { $0.verdict != .pass }.map(\.check) == ["namespace"], "\(before)")
    #expect(before.first?.remedy == "amphora-agent netns up --config-file /lab/agent.conf")
    let repair = Repair(amphora, supervisor: nil, systemSettings: false, logger: LogRecord().logger)
    let outcome = await repair.run()
    #expect(outcome.changes.first == "network namespace \(lab.inside): made, with its settings")
    #expect(outcome.changes.contains("lo: set up") && outcome.failures == [], "\(outcome)")
    #expect(await findings().allSatisfy { $0.verdict == .pass })
  }

  @Test(arguments: [
    ("net/ipv4/ip_nonlocal_bind", "0", true), ("net/ipv4/ip_forward", "0", false),
    ("net/ipv6/conf/all/forwarding", "0", false), ("net/ipv4/ping_group_range", "1 0", false),
  ]) func `a changed setting is named with the command that sets it`(
    key: String, value: String, isVital: Bool
  ) async throws {
    let lab = try await NetworkLab(topology: .activeStandby)
    _ = lab.folder.folder("vrrp")
    try DurableFile.write([], to: lab.amphora.paths.vrrpConfiguration, mode: 0o644)
    let dotted = key.replacing("/", with: ".")
    for isRepair in [false, true] {
      try lab.lab.inside.runBlocking { try Sysctl.write(key, value) }
      let faults = await lab.faults()
      #expect(faults.map(\.check) == ["sysctl"], "\(faults)")
      #expect(faults.first?.verdict == (isVital ? .failure : .warning))
      #expect(faults.first?.evidence.hasPrefix("\(dotted) is \(value) instead of ") == true)
      if isRepair {
        let outcome = await lab.repair()
        #expect(outcome.changes.map { $0.hasPrefix("\(dotted) = ") } == [true] && outcome.failures == [], "\(outcome)")
      } else {
        try lab.carryOut(faults.first?.remedy)
      }
      #expect(await lab.faults() == [])
    }
  }
}

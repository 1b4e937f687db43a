// The masquerade rules in the kernel: the script's, and never twice.

import Addresses
import AmphoraProtocol
import Files
import FoundationEssentials
import Netlink
import Testing

@testable import AmphoraAgent

@Suite(.enabled(if: InterfaceLab.isPossible, InterfaceLab.why)) struct MasqueradeKernelTests {
  private func decode(_ text: String) throws -> InterfaceFile {
    try JSONDecoder().decode(InterfaceFile.self, from: Data(text.utf8))
  }

  private func ruleset(_ lab: InterfaceLab) throws -> String {
    try lab.inside.runBlocking { try NamespaceProcess.run("/usr/sbin/nft", ["list", "ruleset"], within: .seconds(5)) }
  }

  /// Rules per `table chain`, from nft's JSON.
  private func ruleCounts(_ lab: InterfaceLab) throws -> [String: Int] {
    let text = try lab.inside.runBlocking {
      try NamespaceProcess.run("/usr/sbin/nft", ["-j", "list", "ruleset"], within: .seconds(5))
    }
    guard case .object(let top) = try JSONTree(text), case .list(let entries) = top["nftables"] else { return [:] }
    var counts: [String: Int] = [:]
    for case .object(let entry) in entries {
      guard case .object(let rule) = entry["rule"], case .text(let table) = rule["table"],
        case .text(let chain) = rule["chain"]
      else { continue }
      counts["\(table) \(chain)", default: 0] += 1
    }
    return counts
  }

  private func lab(_ files: [InterfaceFile]) throws -> InterfaceLab {
    let lab = try InterfaceLab()
    try lab.inside.create()
    for (number, file) in files.enumerated() {
      try lab.addNIC(file.name.text, "02:00:00:00:02:0\(number)", in: lab.inside)
      try lab.paths.store.store(file)
    }
    return lab
  }

  @Test func `one bring-up makes the script's ruleset, three the same`() throws {
    let file = try decode(ExampleFiles.dualStackWithHostRoutes)
    let lab = try lab([file])
    let configurator = lab.configurator()
    _ = try lab.inside.runBlocking { try configurator.up(file) }
    let first = try ruleset(lab)
    let chains =
      ["udp-masq", "sctp-masq"].flatMap { ["octavia-ipv4 ip-\($0)", "octavia-ipv6 ip6-\($0)"] }
      + ["prerouting", "output"].flatMap { ["octavia-ipv4 \($0)", "octavia-ipv6 \($0)"] }
    #expect(try ruleCounts(lab) == Dictionary(uniqueKeysWithValues: chains.map { ($0, 1) }))
    for line in [
      "type nat hook postrouting priority srcnat; policy accept;", "oifname \"eth1\" meta l4proto udp masquerade",
      "oifname \"eth1\" meta l4proto sctp masquerade", "type filter hook prerouting priority raw; policy accept;",
      "iifname \"eth1\" meta l4proto tcp notrack", "oifname \"eth1\" meta l4proto tcp notrack",
    ] {
      #expect(first.contains(line))
    }
    for _ in 0..<2 { _ = try lab.inside.runBlocking { try configurator.up(file) } }
    #expect(try ruleset(lab) == first)
  }

  @Test func `rules that upstream's script repeated are tidied up`() throws {
    let file = try decode(ExampleFiles.vipIPv4)
    let lab = try lab([file])
    let script = """
      add table ip octavia-ipv4
      add chain ip octavia-ipv4 ip-udp-masq { type nat hook postrouting priority 100; }
      add rule ip octavia-ipv4 ip-udp-masq oifname "eth1" meta l4proto udp masquerade
      add rule ip octavia-ipv4 ip-udp-masq oifname "eth1" meta l4proto udp masquerade
      """
    _ = try lab.inside.runBlocking {
      try NamespaceProcess.run("/usr/sbin/nft", ["-f", "-"], input: script, within: .seconds(5))
    }
    let configurator = lab.configurator()
    _ = try lab.inside.runBlocking { try configurator.up(file) }
    #expect(
      try ruleCounts(lab) == [
        "octavia-ipv4 ip-udp-masq": 1, "octavia-ipv4 ip-sctp-masq": 1, "octavia-ipv4 prerouting": 1,
        "octavia-ipv4 output": 1,
      ])
  }

  @Test func `each interface has its rules while it is up, and taking one down keeps the others'`() throws {
    let vip = try decode(ExampleFiles.vipIPv4)
    let member = try decode(ExampleFiles.memberPort)
    let lab = try lab([vip, member])
    let configurator = lab.configurator()
    _ = try lab.inside.runBlocking { try configurator.up(vip) }
    #expect(try !ruleset(lab).contains("eth2"))
    _ = try lab.inside.runBlocking { try configurator.up(member) }
    #expect(try ruleCounts(lab)["octavia-ipv4 ip-udp-masq"] == 2)
    #expect(try ruleCounts(lab)["octavia-ipv6 ip6-udp-masq"] == 1)
    _ = try lab.inside.runBlocking { try configurator.down(member) }
    #expect(try ruleCounts(lab)["octavia-ipv4 ip-udp-masq"] == 1)
    #expect(try ruleCounts(lab)["octavia-ipv6 ip6-udp-masq"] == nil)
    #expect(try !ruleset(lab).contains("eth2"))
  }

  @Test func `without nft the script is run, and without both a warning says so`() throws {
    let file = try decode(ExampleFiles.vipIPv4)
    let lab = try lab([file])
    var paths = lab.paths
    paths.nft = "\(lab.folder.path)/missing"
    let configurator = InterfaceConfigurator(paths: paths)
    let outcome = try lab.inside.runBlocking { try configurator.up(file) }
    #expect(outcome.warnings.count == 1 && outcome.warnings[0].contains("install nftables"))

    let script = "\(lab.folder.path)/lvs-masquerade.sh"
    try DurableFile.write(Array("#!/bin/sh\necho \"$@\" > \(script).called\n".utf8), to: script, mode: 0o755)
    var other = file
    other.upScripts = ["\(script) add ipv4 eth1"]
    let second = try lab.inside.runBlocking { [other] in try configurator.up(other) }
    #expect(second.warnings.count == 1)
    #expect(FileRead.text("\(script).called") == "add ipv4 eth1\n")
  }

  @Test func `a ruleset that nft refuses ends the bring-up with nft's words`() throws {
    let file = try decode(ExampleFiles.vipIPv4)
    let lab = try lab([file])
    var paths = lab.paths
    paths.nft = "/bin/false"
    let configurator = InterfaceConfigurator(paths: paths)
    #expect(throws: InterfaceError.masquerade(.status(program: "/bin/false", status: 1, output: ""))) {
      try lab.inside.runBlocking { try configurator.up(file) }
    }
  }
}

// The namespace as haproxy and keepalived find it (contract networking §1.2), in a namespace of the test's own. The steps
// outside of it, and systemd's part, are shown by Interop/test_netns.

import AmphoraProtocol
import Files
import Logging
import Netlink
import Testing

@testable import AmphoraAgent

@Suite(.enabled(if: InterfaceLab.isPossible, InterfaceLab.why)) struct NamespaceSetupTests {
  /// Keys that every kernel with IPv4 and IPv6 has in a namespace.
  private static let settings = [
    "net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1", "net/ipv4/ip_nonlocal_bind": "1",
    "net/ipv6/ip_nonlocal_bind": "1", "net/ipv4/ping_group_range": "0\t2147483647",
  ]
  /// Keys that are there once ip_vs is.
  private static let virtualServer = [
    "net/ipv4/vs/conntrack", "net/ipv4/vs/expire_nodest_conn", "net/ipv4/vs/expire_quiescent_template",
  ]

  private func setUp(_ lab: InterfaceLab) async throws -> [String] {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    return try await NamespaceSetup(interfaces: lab.plugger(), namespace: lab.inside, logger: logger).up(
      systemSettings: false)
  }

  private func read(_ key: String, _ lab: InterfaceLab) -> String? {
    try? lab.inside.runBlocking { try Sysctl.read(key) }
  }

  @Test func `settings have the contract's values, again after each run, and only in the namespace`() async throws {
    let lab = try InterfaceLab()
    for _ in 1...2 {
      #expect(try await setUp(lab) == [])
      for (key, value) in Self.settings { #expect(read(key, lab) == value, "\(key)") }
      // A kernel without ip_vs has none of them, and that stops nothing.
      for key in Self.virtualServer { #expect([nil, "1"].contains(read(key, lab)), "\(key)") }
      #expect(try lab.ip("-br link show lo").contains { $0.contains("UP") })
      try lab.inside.runBlocking {
        for key in Self.settings.keys.filter({ !$0.hasSuffix("range") }) { try Sysctl.write(key, "0") }
      }
      _ = try lab.ip("link set lo down")
    }
    #expect(try lab.root.runBlocking { try Sysctl.read("net/ipv4/ip_nonlocal_bind") } == "0")
  }

  @Test func `a step that fails is told and stops none of the others`() async throws {
    let lab = try InterfaceLab()
    try lab.addNIC("ens4", Example.mac)
    _ = try await lab.plugger().plugVIP(VIPPlug(vip: "203.0.113.2", body: Example.bodyA), topology: .single)
    _ = try lab.ip("address flush dev eth1")
    try DurableFile.write(Array("{ torn".utf8), to: "\(lab.paths.interfaces)/eth0.json", mode: 0o644)
    let gone = try NetworkPlug(body: Example.bodyF())
    try lab.paths.store.store(.memberPort(.ethernet(7), fixedIPs: gone.fixedIPs, mtu: nil, isSRIOV: false))
    let failures = try await setUp(lab)
    #expect(failures.map { $0.prefix(4) } == ["eth0", "eth7"], "\(failures)")
    #expect(try lab.addresses("eth1") == ["203.0.113.2/32", "203.0.113.4/24"])
    for (key, value) in Self.settings { #expect(read(key, lab) == value, "\(key)") }
  }
}

// Routes of the agent's that its file no longer lists (contract networking §4.3, item N4).

import FoundationEssentials
import Netlink
import Testing

@testable import AmphoraAgent

@Suite(.enabled(if: InterfaceLab.isPossible, InterfaceLab.why)) struct StaleRouteTests {
  private func file(_ routes: String) throws -> InterfaceFile {
    let text = """
      {"name": "eth1", "if_type": "vip", "addresses": [{"address": "203.0.113.4", "prefixlen": 24}],
       "routes": [\(routes)]}
      """
    return try JSONDecoder().decode(InterfaceFile.self, from: Data(text.utf8))
  }

  /// Upstream deletes by scope 0, which matches no route of scope link, and leaves them for good.
  @Test func `a link-scope route that the file lists no more goes from each table, and the kernel's own stay`() throws {
    let lab = try InterfaceLab()
    try lab.inside.create()
    try lab.addNIC("eth1", Example.mac, in: lab.inside)
    let configurator = lab.configurator()
    func up(_ file: InterfaceFile) throws -> InterfaceConfigurator.Outcome {
      try lab.inside.runBlocking { try configurator.up(file) }
    }
    _ = try up(
      file(
        #"""
        {"dst": "10.9.9.0/24", "scope": "link"},
        {"dst": "203.0.113.0/24", "prefsrc": "203.0.113.4", "scope": "link", "table": 1},
        {"dst": "2001:db8:9::/64", "scope": "link"}
        """#))
    let kernel = "203.0.113.0/24 dev eth1 proto kernel scope link src 203.0.113.4"
    #expect(try lab.routes("-4") == ["10.9.9.0/24 dev eth1 proto static scope link", kernel])
    #expect(
      try lab.routes("-4", table: "1") == ["203.0.113.0/24 dev eth1 proto static scope link src 203.0.113.4"])
    #expect(try lab.routes("-6") == ["2001:db8:9::/64 dev eth1 proto static metric 1024"])

    let outcome = try up(file(""))
    #expect(outcome.warnings == [])
    #expect(outcome.changes.count == 3, "\(outcome.changes)")
    #expect(try lab.routes("-4") == [kernel])
    #expect(try lab.routes("-4", table: "1") == [] && lab.routes("-6") == [])
    #expect(try up(file("")).isUnchanged)
  }
}

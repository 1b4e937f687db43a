// What an amphora of a pair has of its own: in active/standby the VIPs, their routes and rules are keepalived's (contract
// networking §3.3, §3.4 B).

import Addresses
import AmphoraProtocol
import Netlink
import Testing

@testable import AmphoraAgent

@Suite(.enabled(if: InterfaceLab.isPossible, InterfaceLab.why)) struct ActiveStandbyPlugTests {
  private func file(_ lab: InterfaceLab) throws -> InterfaceFile { try #require(lab.paths.store.load(.vipPort)) }

  /// The routes of a file in their order, as `DESTINATION GATEWAY TABLE`.
  private func routes(_ file: InterfaceFile) -> [String] {
    file.routes.map { "\($0.destination) \($0.gateway.map { "\($0)" } ?? "-") \($0.table)" }
  }

  @Test func `host routes are in both tables, default routes in the main one only, and nothing is the VIP's`()
    async throws
  {
    let lab = try InterfaceLab()
    try lab.addNIC("ens4", Example.mac)
    let plug = try VIPPlug(vip: "203.0.113.2", body: Example.bodyD)
    #expect(
      try await lab.plugger().plugVIP(plug, topology: .activeStandby)
        == .plugged(.vipPort, addresses: plug.vips.all.map(\.address)))
    let long = "2001:0db8:0000:0000:0000:0000:0000:0000/64"
    #expect(
      try routes(file(lab)) == [
        "0.0.0.0/0 203.0.113.1 254", "203.0.113.0/24 - 254", "198.51.100.0/24 203.0.113.5 254",
        "198.51.100.0/24 203.0.113.5 1", "::/0 2001:db8::1 254", "\(long) - 254", "2001:db8:9::/48 2001:db8::5 254",
        "2001:db8:9::/48 2001:db8::5 1",
      ])
    #expect(try file(lab).rules == [] && file(lab).assigned.map(\.isOwned) == [true, false, false])

    #expect(try lab.addresses("eth1") == ["203.0.113.4/24"])
    #expect(
      try lab.routes("-4") == [
        "198.51.100.0/24 via 203.0.113.5 dev eth1 proto static onlink",
        "203.0.113.0/24 dev eth1 proto kernel scope link src 203.0.113.4",
        "default via 203.0.113.1 dev eth1 proto static onlink",
      ])
    #expect(
      try lab.routes("-4", table: "1") == ["198.51.100.0/24 via 203.0.113.5 dev eth1 proto static onlink"])
    #expect(
      try lab.routes("-6") == [
        "2001:db8:9::/48 via 2001:db8::5 dev eth1 proto static metric 1024 onlink",
        "2001:db8::/64 dev eth1 proto static metric 1024",
        "default via 2001:db8::1 dev eth1 proto static metric 1024 onlink",
      ])
    #expect(
      try lab.routes("-6", table: "1") == ["2001:db8:9::/48 via 2001:db8::5 dev eth1 proto static metric 1024 onlink"])
    #expect(try lab.rules("-4") == [] && lab.rules("-6") == [])
  }

  /// The VIP's subnet has no gateway here, because its default route would come first.
  @Test(arguments: [Topology.single, .activeStandby])
  func `a fixed address's default route is in table 1 only where the agent owns that table`(topology: Topology)
    async throws
  {
    let lab = try InterfaceLab()
    try lab.addNIC("ens4", Example.mac)
    let plugger = lab.plugger()
    var vip = Example.bodyA
    vip.gateway = nil
    _ = try await plugger.plugVIP(VIPPlug(vip: "203.0.113.2", body: vip), topology: topology)
    var member = Example.bodyE()
    vip.vip = "203.0.113.2"
    member.vipNetInfo = vip
    _ = try await plugger.plugNetwork(NetworkPlug(body: member), topology: topology)

    let inTable1 = try file(lab).routes.filter { $0.table == 1 && $0.destination.value.prefixLength == 0 }
    #expect(inTable1.count == (topology == .single ? 1 : 0))
    let expected = "default via 10.0.0.1 dev eth1 proto static onlink"
    #expect(try lab.routes("-4").contains(expected))
    #expect(try lab.routes("-4", table: "1").contains(expected) == (topology == .single))
    // The fixed address's host routes are in the main table, in both topologies.
    let host = "192.0.2.0/24 via 10.0.0.254 dev eth1 proto static onlink"
    #expect(try lab.routes("-4").contains(host) && !lab.routes("-4", table: "1").contains(host))
    #expect(
      try lab.addresses("eth1")
        == ["10.0.0.5/24"] + (topology == .single ? ["203.0.113.2/32"] : []) + ["203.0.113.4/24"])
  }
}

// Differences between files and kernel states, as values.

import Addresses
import FoundationEssentials
import Testing

@testable import AmphoraAgent
@testable import Netlink

@Suite struct InterfacePlanTests {
  private func file(_ text: String) throws -> InterfaceFile {
    try JSONDecoder().decode(InterfaceFile.self, from: Data(text.utf8))
  }

  private func file(addresses: String = "[]", routes: String = "[]", rules: String = "[]", type: String = "vip") throws
    -> InterfaceFile
  {
    try file(
      #"{"name": "eth1", "if_type": "\#(type)", "addresses": \#(addresses), "routes": \#(routes), "rules": \#(rules)}"#)
  }

  private func cidr(_ text: String) -> CIDR { CIDR(text) ?? .everything(.v4) }
  private func ip(_ text: String) -> IPAddress { IPAddress(text) ?? .any(.v4) }

  private func address(
    _ text: String, _ flags: InterfaceAddress.Flags = .permanent, _ scope: RouteScope = .universe, link: Int32 = 7
  ) -> InterfaceAddress {
    InterfaceAddress(cidr(text), linkIndex: link, flags: flags, scope: scope)
  }

  private func addressPlan(_ file: InterfaceFile, _ actual: [InterfaceAddress]) -> [String] {
    InterfacePlan.addresses(file, .test, actual).steps.map(\.description)
  }

  private func routePlan(_ file: InterfaceFile, _ actual: [Route], _ addresses: [InterfaceAddress] = []) -> [String] {
    InterfacePlan.routes(file, .test, actual, addresses).steps.map(\.description)
  }

  private func route(
    _ text: String, via: String? = nil, src: String? = nil, table: RoutingTable = .main, link: Int32 = 7,
    by: RouteProtocol = .static, metric: UInt32? = nil
  ) -> Route {
    let destination = cidr(text)
    return Route(
      to: destination, via: via.map(ip), onLink: via != nil, linkIndex: link, preferredSource: src.map(ip),
      table: table,
      protocol: by, metric: metric ?? (destination.address.family == .v4 ? 0 : 1024))
  }

  @Test func `MTU and up are asked for only where they differ`() throws {
    var wanted = try file(ExampleFiles.vipIPv4)
    let steps = { (link: Link) in InterfacePlan.link(wanted, link).steps }
    #expect(steps(.test) == [.setMTU(1450)])
    #expect(steps(.testDown) == [.setMTU(1450), .bringUp])
    wanted.mtu = 1500
    #expect(steps(.test) == [])
    wanted.mtu = nil
    #expect(steps(.testDown) == [.bringUp])
  }

  @Test func `missing addresses are added, listed ones stay, others go`() throws {
    let file = try file(
      addresses:
        #"[{"address": "203.0.113.4", "prefixlen": 24}, {"address": "2001:0db8:0000:0000:0000:0000:0000:0004", "prefixlen": 64}]"#
    )
    #expect(
      addressPlan(
        file,
        [address("192.0.2.1/24"), address("2001:db8::4/64"), address("2001:db8::4/128"), address("203.0.113.4/32")])
        == [
          "add address 203.0.113.4/24", "delete address 192.0.2.1/24", "delete address 2001:db8::4/128",
          "delete address 203.0.113.4/32",
        ])
  }

  @Test func `IPv6 addresses are added without duplicate detection`() throws {
    let file = try file(ExampleFiles.dualStackWithHostRoutes)
    let added = InterfacePlan.addresses(file, .test, []).steps.compactMap {
      if case .addAddress(let address) = $0 { address } else { nil }
    }
    #expect(added.map { $0.flags == .noDuplicateDetection } == [false, false, true])
  }

  @Test func `leases, kernel addresses, other links and keepalived's VIPs are not touched`() throws {
    let file = try file(ExampleFiles.vipIPv4ActiveStandby)
    let kept = [
      address("203.0.113.4/24"), address("203.0.113.2/32"), address("203.0.113.77/24", []),
      address("fe80::1/64", .permanent, .link), address("::1/128", .permanent, .host), address("10.0.0.1/8", link: 8),
    ]
    #expect(addressPlan(file, kept) == [])
    #expect(addressPlan(file, kept + [address("203.0.113.2/24")]) == [])
  }

  @Test func `before the first address of a network goes, its others are made to stay`() throws {
    let file = try file(addresses: #"[{"address": "203.0.113.5", "prefixlen": 24}]"#)
    #expect(
      addressPlan(file, [address("203.0.113.4/24")])
        == ["add address 203.0.113.5/24", "keep secondary addresses", "delete address 203.0.113.4/24"])
    #expect(
      addressPlan(file, [address("198.51.100.4/24")])
        == ["add address 203.0.113.5/24", "delete address 198.51.100.4/24"])
  }

  @Test func `of several routes to one destination in one table the first wins`() throws {
    let file = try file(ExampleFiles.vipPortWithMemberSubnet)
    let steps = routePlan(file, [route("203.0.113.0/24", src: "203.0.113.4", by: .kernel)])
    #expect(
      steps == [
        "add route 0.0.0.0/0 via 203.0.113.1 on link 7 table 254",
        "add route 0.0.0.0/0 via 203.0.113.1 on link 7 table 1",
        "add route 203.0.113.0/24 from 203.0.113.2 on link 7 table 1",
        "add route 192.0.2.0/24 via 10.0.0.254 on link 7 table 254",
      ])
  }

  @Test func `a changed next hop is replaced, not deleted and added`() throws {
    for (destination, old, new) in [
      ("0.0.0.0/0", "10.0.0.1", "10.0.0.2"), ("2001:db8:9::/48", "2001:db8::1", "2001:db8::2"),
    ] {
      let file = try file(routes: #"[{"dst": "\#(destination)", "gateway": "\#(new)", "flags": ["onlink"]}]"#)
      #expect(
        routePlan(file, [route(destination, via: old)]) == [
          "replace route \(destination) via \(new) on link 7 table 254"
        ])
      // A second stale one goes; one in another table is another route.
      #expect(
        routePlan(
          file,
          [
            route(destination, via: old), route(destination, via: old, metric: 5),
            route(destination, via: new, table: 1),
          ])
          == [
            "replace route \(destination) via \(new) on link 7 table 254",
            "delete route \(destination) via \(old) on link 7 table 254",
            "delete route \(destination) via \(new) on link 7 table 1",
          ])
    }
  }

  @Test func `routes of others are neither replaced nor deleted`() throws {
    let file = try file(routes: #"[{"dst": "0.0.0.0/0", "gateway": "10.0.0.2"}]"#)
    let others: [Route] = [
      route("0.0.0.0/0", via: "10.0.0.1", by: .dhcp), route("10.9.0.0/16", via: "10.0.0.1", by: .keepalived),
      route("10.8.0.0/16", via: "10.0.0.1", link: 8), route("2001:db8::/64", by: .routerAdvertisement),
    ]
    #expect(routePlan(file, others) == [])
    #expect(
      routePlan(file, others + [route("0.0.0.0/0", via: "10.0.0.3", metric: 9)])
        == ["delete route 0.0.0.0/0 via 10.0.0.3 on link 7 table 254"])
  }

  @Test func `the kernel's IPv6 route has another metric and is not in the way`() throws {
    let file = try file(routes: #"[{"dst": "2001:db8::/64", "scope": "link"}]"#)
    #expect(
      routePlan(file, [route("2001:db8::/64", by: .kernel, metric: 256)]) == [
        "add route 2001:db8::/64 on link 7 table 254"
      ])
  }

  @Test func `only a route from an address that is still checked waits for it`() throws {
    let file = try file(
      routes:
        #"[{"dst": "2001:db8::/64", "scope": "link"}, {"dst": "2001:db8::/64", "prefsrc": "2001:db8::2", "scope": "link", "table": 1}]"#
    )
    let checked = [
      address("2001:db8::2/128", [.permanent, .tentative]), address("2001:db8::4/64", [.permanent, .tentative]),
    ]
    #expect(
      routePlan(file, [], checked) == [
        "add route 2001:db8::/64 on link 7 table 254", "await 2001:db8::2",
        "add route 2001:db8::/64 from 2001:db8::2 on link 7 table 1",
      ])
    #expect(!routePlan(file, [], [address("2001:db8::2/128")]).contains("await 2001:db8::2"))
  }

  @Test func `a route that mixes IP versions is skipped with a warning`() throws {
    let file = try file(
      routes: #"[{"dst": "10.0.0.0/8", "gateway": "2001:db8::1"}, {"dst": "10.1.2.3/8", "gateway": "10.0.0.1"}]"#)
    let plan = InterfacePlan.routes(file, .test, [], [])
    #expect(plan.warnings.count == 1)
    #expect(plan.steps.map(\.description) == ["add route 10.0.0.0/8 via 10.0.0.1 on link 7 table 254"])
  }

  @Test func `only rules of the agent's priority and protocol are its own`() throws {
    let wanted = RoutingRule(from: cidr("203.0.113.2/32"), lookup: 1)
    let file = try file(rules: #"[{"src": "203.0.113.2", "src_len": 32, "table": 1}]"#)
    let stale = RoutingRule(from: cidr("203.0.113.9/32"), lookup: 1)
    var keepalived = RoutingRule(from: cidr("203.0.113.2/32"), lookup: 1, priority: 100)
    keepalived.protocol = .keepalived
    var foreign = stale
    foreign.protocol = .boot
    let elsewhere = RoutingRule(from: cidr("10.0.0.0/8"), lookup: 5, priority: 31999)
    #expect(InterfacePlan.rules(file, [keepalived, foreign, elsewhere]).steps == [.addRule(wanted)])
    #expect(InterfacePlan.rules(file, [wanted, stale, keepalived]).steps == [.deleteRule(stale)])
    #expect(InterfacePlan.rules(try self.file(type: "backend"), [stale]).steps == [])
  }
}

extension Link {
  /// A link of index 7, up, with an MTU of 1500.
  static let test = Link(name: "eth1", isUp: true)
  static let testDown = Link(name: "eth1", isUp: false)

  private init(name: String, isUp: Bool) {
    self.init(
      index: 7, name: name, macAddress: nil, mtu: 1500, flags: isUp ? [.up] : [], operationalState: .unknown, kind: nil,
      masterIndex: nil, statistics: .init())
  }
}

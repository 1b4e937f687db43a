import Addresses
import Testing

@testable import Netlink

extension KernelTests {
  @Suite struct RouteTests {
    /// One IP version of the same small world: a network on the link, a gateway outside of it, a network behind that.
    struct Version: Sendable, CustomStringConvertible {
      let description: String
      let own, neighbour, connected, gateway, otherGateway, remote: String
      /// What an IPv6 route without metric gets.
      let metric: UInt32
      var family: IPAddress.Family { ip(neighbour).family }
      var isV6: Bool { metric != 0 }

      static let both = [
        Version(
          description: "IPv4", own: "203.0.113.4/24", neighbour: "203.0.113.1", connected: "203.0.113.0/24",
          gateway: "198.51.100.1", otherGateway: "198.51.100.2", remote: "192.0.2.0/24", metric: 0),
        Version(
          description: "IPv6", own: "2001:db8::4/64", neighbour: "2001:db8::1", connected: "2001:db8::/64",
          gateway: "2001:db8:5::1", otherGateway: "2001:db8:5::2", remote: "2001:db8:9::/48", metric: 1024),
      ]
    }

    /// The agent's routes on a link.
    private func ours(_ lab: Lab, _ link: Link) throws -> [Route] {
      try lab.socket.routes(through: link).filter { $0.protocol == .static }
    }

    /// As the kernel prints it: IPv6 has no scopes, and always a metric.
    private func asListed(_ route: Route, _ version: Version) -> Route {
      var route = route
      if version.isV6 { route.scope = .universe }
      if route.metric == 0 { route.metric = version.metric }
      return route
    }

    @Test(arguments: Version.both)
    func `every route of the agent reads back as it was added and can be deleted so`(version: Version) throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp(version.own)
        let source = network(version.own).address
        let routes = [
          Route(to: .everything(version.family), via: ip(version.gateway), onLink: true, linkIndex: link.index),
          Route(
            to: .everything(version.family), via: ip(version.gateway), onLink: true, linkIndex: link.index, table: 1),
          Route(to: network(version.connected), linkIndex: link.index, preferredSource: source, table: 1),
          Route(to: network(version.remote), via: ip(version.neighbour), linkIndex: link.index, table: 1000, metric: 7),
          Route(to: network(version.remote), linkIndex: link.index, scope: .link, metric: 9),
        ]
        for route in routes { try lab.socket.add(route) }
        let listed = try ours(lab, link)
        #expect(Set(listed) == Set(routes.map { asListed($0, version) }))
        for route in routes { #expect(try netlinkError { try lab.socket.add(route) }.isExists) }
        for route in listed { try lab.socket.delete(route) }
        #expect(try ours(lab, link) == [])
        for route in listed { #expect(try netlinkError { try lab.socket.delete(route) }.isNotFound) }
      }
    }

    @Test func `an IPv4 link-scope route goes only by its exact scope`() throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp("203.0.113.4/24")
        let route = Route(to: network("192.0.2.0/24"), linkIndex: link.index, scope: .link)
        try lab.socket.add(route)
        var wrong = route
        wrong.scope = .universe
        #expect(try netlinkError { try lab.socket.delete(wrong) }.isNotFound)
        #expect(try ours(lab, link) == [route])
        try lab.socket.delete(route)
        #expect(try ours(lab, link) == [])
      }
    }

    @Test(arguments: Version.both)
    func `deleting spares the equal route of somebody else`(version: Version) throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp(version.own)
        let name = lab.namespace.name
        for (owner, metric) in [("keepalived", "5"), ("18", "6"), ("static", "7")] where owner != "18" {
          try runIP(
            "-n", name, "route", "add", version.remote, "via", version.neighbour, "proto",
            owner == "static" ? "4" : "18",
            "metric", metric)
        }
        var mine = Route(to: network(version.remote), via: ip(version.neighbour), linkIndex: link.index, metric: 5)
        // The metric is keepalived's, the protocol ours.
        #expect(try netlinkError { try lab.socket.delete(mine) }.isNotFound)
        mine.metric = 7
        try lab.socket.delete(mine)
        let left = try lab.socket.routes(through: link).filter { $0.destination == network(version.remote) }
        #expect(left.map(\.protocol) == [.keepalived] && left.map(\.metric) == [5])
      }
    }

    @Test(arguments: Version.both)
    func `replacing changes the gateway in place, or adds`(version: Version) throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp(version.own)
        for gateway in [version.gateway, version.otherGateway] {
          let route = Route(
            to: .everything(version.family), via: ip(gateway), onLink: true, linkIndex: link.index, table: 1)
          try lab.socket.replace(route)
          #expect(try ours(lab, link) == [asListed(route, version)])
        }
      }
    }

    @Test(arguments: Version.both)
    func `a gateway beyond the link is unreachable unless it is said to be on it`(version: Version) throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp(version.own)
        var route = Route(to: network(version.remote), via: ip(version.gateway), linkIndex: link.index)
        let error = try netlinkError { try lab.socket.add(route) }
        #expect(error.isUnreachable, "\(error)")
        route.isOnLink = true
        try lab.socket.add(route)
        #expect(try ours(lab, link).map(\.isOnLink) == [true])
      }
    }

    @Test(arguments: Version.both)
    func `a link that is down or missing takes no routes`(version: Version) throws {
      try Lab.run { lab throws in
        let route = Route(to: network(version.remote), linkIndex: try lab.eth1.index)
        #expect(try netlinkError { try lab.socket.add(route) }.isNetworkDown)
        let nowhere = Route(to: network(version.remote), linkIndex: 4711)
        #expect(try netlinkError { try lab.socket.add(nowhere) }.isNoDevice)
      }
    }

    @Test(arguments: Version.both)
    func `a preferred source must be an address of this host`(version: Version) throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp(version.own)
        let route = Route(
          to: network(version.remote), linkIndex: link.index, preferredSource: ip(version.neighbour), table: 1)
        #expect(try netlinkError { try lab.socket.add(route) }.isInvalid)
      }
    }

    @Test func `equal routes of two links are both listed`() throws {
      try Lab.run { lab throws in
        try lab.socket.createVeth(VethEnd("eth2"), peer: VethEnd("eth3"))
        let links = try ["eth2", "eth3"].map { try #require(try lab.socket.link(named: $0)) }
        for (link, address) in zip(links, ["2001:db8::1/64", "2001:db8::2/64"]) {
          try lab.socket.setUp(link)
          try lab.socket.add(
            InterfaceAddress(network(address), linkIndex: link.index, flags: .noDuplicateDetection))
        }
        let connected = try lab.socket.routes().filter { $0.destination == network("2001:db8::/64") }
        #expect(connected.map(\.linkIndex).sorted() == links.map(\.index).sorted())
        #expect(connected.allSatisfy { $0.protocol == .kernel && $0.table == .main && $0.metric == 256 })
      }
    }

    @Test func `routes with several next hops, or none, are only looked at`() throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp("203.0.113.4/24", "2001:db8::4/64")
        let name = lab.namespace.name
        try runIP(
          "-n", name, "route", "add", "192.0.2.0/24", "proto", "4", "nexthop", "via", "203.0.113.1", "nexthop", "via",
          "203.0.113.2")
        try runIP(
          "-n", name, "route", "add", "2001:db8:9::/48", "proto", "4", "nexthop", "via", "2001:db8::1", "nexthop",
          "via", "2001:db8::2")
        try runIP("-n", name, "route", "add", "blackhole", "198.51.100.0/24", "proto", "4")
        let listed = try lab.socket.routes().filter { $0.protocol == .static }
        let several = listed.filter(\.isMultipath)
        #expect(Set(several.map(\.destination)) == [network("192.0.2.0/24"), network("2001:db8:9::/48")])
        #expect(several.allSatisfy { $0.linkIndex == 0 && $0.gateway == nil })
        #expect(try netlinkError { try lab.socket.delete(several[0]) }.description.contains("only be listed"))
        #expect(try ours(lab, link) == [])
        let hole = try #require(listed.first { !$0.isMultipath })
        #expect(hole.kind == .blackhole && hole.linkIndex == 0)
        try lab.socket.delete(hole)
        #expect(try lab.socket.routes().filter { $0.protocol == .static }.count == 2)
      }
    }
  }
}

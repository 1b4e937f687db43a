// Routes with one next hop, as the agent makes them and as the kernel lists them.

package import Addresses
import CNetlink
import Glibc

/// A route.
package struct Route: Hashable, Sendable, CustomStringConvertible {
  /// Where it leads; host bits are cleared, which IPv4 insists on.
  package let destination: CIDR
  /// The next hop, nil when the destination is on the link.
  package var gateway: IPAddress?
  /// The source address of packets that do not choose one themselves.
  package var preferredSource: IPAddress?
  /// The table it is in.
  package var table: RoutingTable
  /// How far the destination is; IPv6 routes are listed as universe.
  package var scope: RouteScope
  /// Who made it.
  package var `protocol`: RouteProtocol
  /// Unicast, local, blackhole and so on.
  package var kind: Kind
  /// The gateway is on the link even if no address of the link covers it.
  package var isOnLink: Bool
  /// The priority; 0 leaves it to the kernel, which for IPv6 takes 1024.
  package var metric: UInt32
  /// The outgoing link; 0 for kinds without one, and for multipath routes.
  package var linkIndex: Int32
  /// Several next hops; these are not kept, so such a route can be looked at but not added.
  package let isMultipath: Bool

  /// `RTN_*` of linux/rtnetlink.h.
  package struct Kind: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    /// To be sent on.
    package static let unicast = Kind(rawValue: 1)
    /// An address of this host.
    package static let local = Kind(rawValue: 2)
    /// To all stations of a network.
    package static let broadcast = Kind(rawValue: 3)
    /// To a group.
    package static let multicast = Kind(rawValue: 5)
    /// To be dropped without a word.
    package static let blackhole = Kind(rawValue: 6)
  }

  /// A route as the agent makes them: unicast, static.
  ///
  /// Without `scope` it is link when there is no gateway, else universe, as `ip route` chooses.
  package init(
    to destination: CIDR, via gateway: IPAddress? = nil, onLink isOnLink: Bool = false, linkIndex: Int32,
    preferredSource: IPAddress? = nil, table: RoutingTable = .main, scope: RouteScope? = nil,
    protocol: RouteProtocol = .static, metric: UInt32 = 0, kind: Kind = .unicast
  ) {
    self.init(
      to: destination, via: gateway, onLink: isOnLink, linkIndex: linkIndex, preferredSource: preferredSource,
      table: table, scope: scope ?? (gateway == nil && kind == .unicast ? .link : .universe), protocol: `protocol`,
      metric: metric, kind: kind, isMultipath: false)
  }

  private init(
    to destination: CIDR, via gateway: IPAddress?, onLink isOnLink: Bool, linkIndex: Int32,
    preferredSource: IPAddress?, table: RoutingTable, scope: RouteScope, protocol: RouteProtocol, metric: UInt32,
    kind: Kind, isMultipath: Bool
  ) {
    self.destination = destination.network
    self.gateway = gateway
    self.isOnLink = isOnLink
    self.linkIndex = linkIndex
    self.preferredSource = preferredSource
    self.table = table
    self.scope = scope
    self.protocol = `protocol`
    self.metric = metric
    self.kind = kind
    self.isMultipath = isMultipath
  }

  /// `203.0.113.0/24 via 203.0.113.1 on link 3 table 1`.
  package var description: String {
    var text = "\(destination)"
    if let gateway { text += " via \(gateway)" }
    if let preferredSource { text += " from \(preferredSource)" }
    return text + " on link \(linkIndex) table \(table.rawValue)"
  }
}

extension Route {
  /// Copies libnl's route; nil for families that are not IP.
  init?(_ route: OpaquePointer) {
    guard let family = IPAddress.Family(number: Int32(rtnl_route_get_family(route))),
      let destination = rtnl_route_get_dst(route).flatMap({ NetlinkAddress.network($0, family) })
    else { return nil }
    let hops = rtnl_route_get_nnexthops(route)
    let hop = hops == 1 ? rtnl_route_nexthop_n(route, 0) : nil
    self.init(
      to: destination,
      via: hop.flatMap { rtnl_route_nh_get_gateway($0) }.flatMap(NetlinkAddress.ip),
      // Masked, because flags about the link's state come and go.
      onLink: hop.map { rtnl_route_nh_get_flags($0) & UInt32(RTNH_F_ONLINK) != 0 } ?? false,
      linkIndex: hop.map { rtnl_route_nh_get_ifindex($0) } ?? 0,
      preferredSource: rtnl_route_get_pref_src(route).flatMap(NetlinkAddress.ip),
      table: RoutingTable(rawValue: rtnl_route_get_table(route)),
      scope: RouteScope(rawValue: rtnl_route_get_scope(route)),
      protocol: RouteProtocol(rawValue: rtnl_route_get_protocol(route)),
      metric: rtnl_route_get_priority(route),
      kind: Kind(rawValue: rtnl_route_get_type(route)),
      isMultipath: hops > 1)
  }
}

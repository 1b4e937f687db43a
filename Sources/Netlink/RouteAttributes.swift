// Small numbers that addresses, routes and rules share. Structs, not enums: anybody may add routes with other numbers.

/// How far a route or an address reaches (linux/rtnetlink.h `RT_SCOPE_*`).
package struct RouteScope: RawRepresentable, Hashable, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }
  /// Anywhere; what IPv6 routes always have.
  package static let universe = RouteScope(rawValue: 0)
  /// Directly on the link.
  package static let link = RouteScope(rawValue: 253)
  /// This host only.
  package static let host = RouteScope(rawValue: 254)
}

/// Who made a route or a rule (linux/rtnetlink.h `RTPROT_*`).
package struct RouteProtocol: RawRepresentable, Hashable, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }
  /// Not said.
  ///
  /// The agent's rules carry it.
  package static let unspecified = RouteProtocol(rawValue: 0)
  /// The kernel itself, for instance with an address.
  package static let kernel = RouteProtocol(rawValue: 2)
  /// What `ip route` sends unless told otherwise.
  package static let boot = RouteProtocol(rawValue: 3)
  /// The administrator's.
  ///
  /// The agent's routes carry it.
  package static let `static` = RouteProtocol(rawValue: 4)
  /// IPv6 router advertisements.
  package static let routerAdvertisement = RouteProtocol(rawValue: 9)
  /// A DHCP client.
  package static let dhcp = RouteProtocol(rawValue: 16)
  /// keepalived, for the VIPs of a master.
  package static let keepalived = RouteProtocol(rawValue: 18)
}

/// A routing table's number.
package struct RoutingTable: RawRepresentable, Hashable, Sendable, ExpressibleByIntegerLiteral {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }
  package init(integerLiteral value: UInt32) { rawValue = value }
  /// Where everything looks that no rule sends elsewhere.
  package static let main: RoutingTable = 254
  /// The kernel's, of this host's own addresses.
  package static let local: RoutingTable = 255
}

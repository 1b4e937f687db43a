// What the kernel has in the namespace of the traffic interfaces.

import Addresses
import Netlink

/// Interfaces, routes and rules of the namespace.
package struct NetworkFacts: Codable, Hashable, Sendable {
  /// An interface with its counters.
  package struct Interface: Codable, Hashable, Sendable {
    package var name: String
    package var mac: String?
    package var mtu: UInt32
    /// `up`, `down` (by order), or `no carrier`.
    package var link: String
    /// `203.0.113.10/32`; with ` (duplicate)` or ` (tentative)` what cannot be used.
    package var addresses: [String]
    package var receivedBytes: UInt64
    package var sentBytes: UInt64
    package var receivedPackets: UInt64
    package var sentPackets: UInt64
    package var receiveDropped: UInt64
    package var sendDropped: UInt64
    package var receiveErrors: UInt64
    package var sendErrors: UInt64

    /// What did not get through in either direction.
    package var lost: UInt64 { receiveDropped &+ sendDropped &+ receiveErrors &+ sendErrors }
  }

  /// A route of table main or 1, without those that the kernel makes itself.
  package struct Route: Codable, Hashable, Sendable {
    package var table: UInt32
    package var destination: String
    package var gateway: String?
    package var interface: String?
    package var source: String?
  }

  package var namespace: String
  /// Why nothing else is known.
  package var problem: String?
  package var interfaces: [Interface] = []
  package var routes: [Route] = []
  /// Those that look into table 1, as `ip rule` prints them.
  package var rules: [String] = []
  /// How long each address has been there, in seconds.
  package var addressAges: [String: Double] = [:]

  package init(namespace: String) { self.namespace = namespace }

  /// Reads the kernel's state; never fails.
  static func gather(_ namespace: NetworkNamespace) -> NetworkFacts {
    var facts = NetworkFacts(namespace: namespace.name)
    do {
      let socket = try NetlinkSocket(in: namespace)
      let links = try socket.links()
      let addresses = try socket.addresses()
      facts.interfaces = links.filter { !$0.flags.contains(.loopback) }
        .map { link in Interface(link, addresses.filter { $0.linkIndex == link.index }) }
      let names = Dictionary(links.map { ($0.index, $0.name) }, uniquingKeysWith: { first, _ in first })
      facts.routes = try socket.routes().filter(isShown).map { Route($0, names[$0.linkIndex]) }
        .sorted { ($0.table, $0.interface ?? "") < ($1.table, $1.interface ?? "") }
      facts.rules = try socket.rules().filter { $0.table == 1 }.map(\.description)
      facts.addressAges = Dictionary(
        try socket.addressAges().map { ("\($0)", $1.inSeconds) }, uniquingKeysWith: { first, _ in first })
    } catch {
      facts.problem = "\(error)"
    }
    return facts
  }

  private static func isShown(_ route: Netlink.Route) -> Bool {
    guard route.table == 1 || route.table == .main, route.kind == .unicast else { return false }
    // Those to the networks of addresses, which go without saying.
    return route.table == 1 || route.protocol != .kernel
  }
}

extension NetworkFacts.Interface {
  init(_ link: Link, _ addresses: [InterfaceAddress]) {
    let state =
      !link.isUp ? "down" : link.flags.contains(.lowerUp) && link.flags.contains(.running) ? "up" : "no carrier"
    self.init(
      name: link.name, mac: link.macAddress.map { "\($0)" }, mtu: link.mtu, link: state,
      // The kernel makes the link-local ones itself.
      addresses: addresses.filter { !($0.address.family == .v6 && $0.address.isLinkLocal) }.map {
        "\($0.cidr)" + ($0.isDuplicate ? " (duplicate)" : $0.isTentative ? " (tentative)" : "")
      },
      receivedBytes: link.statistics.receivedBytes, sentBytes: link.statistics.sentBytes,
      receivedPackets: link.statistics.receivedPackets, sentPackets: link.statistics.sentPackets,
      receiveDropped: link.statistics.receiveDropped, sendDropped: link.statistics.sendDropped,
      receiveErrors: link.statistics.receiveErrors, sendErrors: link.statistics.sendErrors)
  }
}

extension NetworkFacts.Route {
  init(_ route: Netlink.Route, _ interface: String?) {
    self.init(
      table: route.table.rawValue,
      destination: route.destination.prefixLength == 0 ? "default" : "\(route.destination)",
      gateway: route.gateway.map { "\($0)" }, interface: interface, source: route.preferredSource.map { "\($0)" })
  }
}

extension Duration {
  /// With fractions.
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

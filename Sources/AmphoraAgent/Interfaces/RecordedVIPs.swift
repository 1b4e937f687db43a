// Reading back from an interface file which VIPs it was made for. The controller leaves additional VIPs out when it plugs
// the VIP port again for a member subnet (contract agent-api §5 W33).

import Addresses

extension InterfaceFile {
  /// The VIPs of a VIP file in order, the primary first; empty for other files.
  ///
  /// It inverts the generator: VIPs are the addresses that say whose they are (`octavia_owned`), and each has one route to
  /// its subnet without source and table, behind its default route and before its host routes. A host route of a VIP also
  /// stands in table 1, which tells it from one of a member subnet.
  package var recordedVIPs: [VIPAddress] {
    guard kind == .vip else { return [] }
    let addresses = assigned.filter { $0.ownedKey != nil }.map(\.address.value)
    let subnets = routes.indices.filter {
      routes[$0].isLinkScope && routes[$0].tableKey == nil && routes[$0].preferredSource == nil
    }
    guard addresses.count == subnets.count else { return [] }
    var vips: [VIPAddress] = []
    for (position, (address, start)) in zip(addresses, subnets).enumerated() {
      let subnet = routes[start].destination.value.network
      guard subnet.address.family == address.family else { return [] }
      let end = position + 1 < subnets.count ? subnets[position + 1] : routes.endIndex
      let hostRoutes = routes[start..<end].compactMap { route -> HostRoute? in
        guard route.table == Self.vipTable, !route.isDefault, let gateway = route.gateway else { return nil }
        return HostRoute(to: route.destination, via: gateway)
      }
      vips.append(VIPAddress(address, subnet: subnet, gateway: gateway(before: start), hostRoutes: hostRoutes))
    }
    return vips
  }

  /// The gateway of the default route right before a VIP's subnet route; in SINGLE its twin in table 1 stands between.
  private func gateway(before start: Int) -> AsWritten<IPAddress>? {
    let family = routes[start].destination.value.address.family
    for route in routes[..<start].suffix(2).reversed() {
      guard route.isDefault, route.destination.value.address.family == family else { return nil }
      if route.tableKey == nil { return route.gateway }
    }
    return nil
  }

  /// Whether all that another file asks for is in this one.
  package func covers(_ other: InterfaceFile) -> Bool {
    kind == other.kind && mtu == other.mtu && isSRIOV == other.isSRIOV
      && Set(addresses).isSuperset(of: other.addresses) && Set(routes).isSuperset(of: other.routes)
      && Set(rules).isSuperset(of: other.rules) && Set(upScripts).isSuperset(of: other.upScripts)
  }
}

extension InterfaceFile.Route {
  fileprivate var isDefault: Bool { destination.value.prefixLength == 0 }
}

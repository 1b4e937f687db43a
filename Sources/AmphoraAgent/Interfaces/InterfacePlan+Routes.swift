// Which routes of a link to add, replace and delete.

import Addresses
import Netlink

extension InterfacePlan {
  /// What makes two routes the same for the agent.
  ///
  /// Flags, scope and metric do not count (contract networking §4.3).
  private struct Key: Hashable {
    let destination: CIDR
    let gateway: IPAddress?
    let source: IPAddress?
    let table: RoutingTable

    init(_ route: Route) {
      destination = route.destination
      gateway = route.gateway
      source = route.preferredSource
      table = route.table
    }
  }

  /// What only one static route can stand for.
  private struct Place: Hashable {
    let destination: CIDR
    let table: RoutingTable

    init(_ route: Route) {
      destination = route.destination
      table = route.table
    }
  }

  /// - Parameters:
  ///   - actual: the routes of the whole namespace.
  ///   - addresses: what the link has when the routes are set.
  static func routes(
    _ file: InterfaceFile, _ link: Link, _ actual: [Route], _ addresses: [InterfaceAddress]
  ) -> InterfacePlan {
    var plan = InterfacePlan()
    let wanted = wantedRoutes(file, link, &plan.warnings)
    let own = actual.filter(isOwn(of: link))
    let present = Set(own.map(Key.init))
    let keep = Set(wanted.map(Key.init))
    var stale = own.filter { !keep.contains(Key($0)) }
    let foreign = Set(actual.filter { !isOwn(of: link)($0) && isInTheWay($0) }.map(Place.init))

    for route in wanted where !present.contains(Key(route)) {
      // The kernel would answer EEXIST. For the link-scope route of an IPv4 subnet that is the rule, since the address
      // of the link brings one already (contract networking §3.4 A).
      if foreign.contains(Place(route)) { continue }
      if let source = route.preferredSource, isBeingChecked(source, link, addresses) {
        plan.steps.append(.awaitAddress(source))
      }
      // In one step, so that there is no moment without a route (N2).
      if let old = stale.firstIndex(where: { Place($0) == Place(route) && isInTheWay($0) }) {
        stale.remove(at: old)
        plan.steps.append(.replaceRoute(route))
      } else {
        plan.steps.append(.addRoute(route))
      }
    }
    plan.steps += stale.map(Step.deleteRoute)
    return plan
  }

  /// The file's routes; of several to one destination in one table the first wins (contract networking §3.4 E).
  private static func wantedRoutes(_ file: InterfaceFile, _ link: Link, _ warnings: inout [String]) -> [Route] {
    var seen: Set<Place> = []
    var wanted: [Route] = []
    for entry in file.routes {
      let family = entry.destination.value.address.family
      guard (entry.gateway?.value.family ?? family) == family, (entry.preferredSource?.value.family ?? family) == family
      else {
        warnings.append("route to \(entry.destination) skipped: it mixes IP versions")
        continue
      }
      let route = Route(
        to: entry.destination.value, via: entry.gateway?.value, onLink: entry.isOnLink, linkIndex: link.index,
        preferredSource: entry.preferredSource?.value, table: RoutingTable(rawValue: UInt32(clamping: entry.table)),
        scope: entry.isLinkScope ? .link : nil)
      if seen.insert(Place(route)).inserted { wanted.append(route) }
    }
    return wanted
  }

  private static func isOwn(of link: Link) -> (Route) -> Bool {
    { $0.linkIndex == link.index && $0.protocol == .static && $0.kind == .unicast && !$0.isMultipath }
  }

  /// Whether a route has the metric that the agent's get: then the kernel refuses a second one to its destination.
  private static func isInTheWay(_ route: Route) -> Bool {
    // net/ipv6/route.c: IP6_RT_PRIO_USER
    route.metric == (route.destination.address.family == .v4 ? 0 : 1024)
  }

  private static func isBeingChecked(_ address: IPAddress, _ link: Link, _ addresses: [InterfaceAddress]) -> Bool {
    addresses.contains { $0.linkIndex == link.index && $0.address == address && $0.isTentative }
  }
}

// The difference between an interface file and the kernel, as steps. Pure: what to do is decided here, from values, and
// done elsewhere (contract networking §4.3; items N1…N20 are its section 10).

package import Addresses
package import Netlink

/// The steps that lead from the kernel's state to an interface file's.
package struct InterfacePlan: Hashable, Sendable {
  /// One request to the kernel, or one thing to wait for.
  package enum Step: Hashable, Sendable {
    case setMTU(UInt32)
    case bringUp
    case addAddress(InterfaceAddress)
    /// Deleting the first IPv4 address of a network would take the others with it; a setting of the link keeps them (N6).
    case keepSecondaries(linkName: String)
    case deleteAddress(InterfaceAddress)
    /// Duplicate detection of an address still runs, and the route that follows needs the address.
    case awaitAddress(IPAddress)
    case addRoute(Route)
    case replaceRoute(Route)
    case deleteRoute(Route)
    case addRule(RoutingRule)
    case deleteRule(RoutingRule)
  }

  /// In the order of execution.
  package var steps: [Step] = []
  /// Entries of the file that cannot be carried out, and why.
  package var warnings: [String] = []

  /// Whether the kernel is as the file says.
  package var isEmpty: Bool { steps.isEmpty }

  /// All steps for a link, as far as they can be known before the first is done: a link that comes up gets routes of
  /// the kernel's own, and an address that goes takes routes along.
  ///
  /// Whoever executes reads again between the parts.
  package init(file: InterfaceFile, link: Link, addresses: [InterfaceAddress], routes: [Route], rules: [RoutingRule]) {
    for part in [
      Self.link(file, link), Self.addresses(file, link, addresses), Self.routes(file, link, routes, addresses),
      Self.rules(file, rules),
    ] {
      steps += part.steps
      warnings += part.warnings
    }
  }

  init() {}

  /// MTU first, so that no packet of the old size leaves.
  ///
  /// The MTU also counts on a link that is up (N15).
  static func link(_ file: InterfaceFile, _ link: Link) -> InterfacePlan {
    var plan = InterfacePlan()
    if let mtu = file.mtu.map({ UInt32(clamping: $0) }), mtu != link.mtu { plan.steps.append(.setMTU(mtu)) }
    if !link.isUp { plan.steps.append(.bringUp) }
    return plan
  }

  static func rules(_ file: InterfaceFile, _ actual: [RoutingRule]) -> InterfacePlan {
    var plan = InterfacePlan()
    guard file.kind == .vip else { return plan }
    var wanted: [RoutingRule] = []
    for entry in file.rules {
      guard let source = CIDR(address: entry.source.value, prefixLength: entry.sourceLength) else { continue }
      let rule = RoutingRule(from: source, lookup: RoutingTable(rawValue: UInt32(clamping: entry.table)))
      if !wanted.contains(rule) { wanted.append(rule) }
    }
    // Other programs' rules are at other priorities or carry their protocol (keepalived's: 18). Deleting names exactly
    // what was read, so only the agent's own go (N20).
    let own = actual.filter {
      $0.priority == RoutingRule.defaultPriority && $0.protocol == .unspecified && $0.source != nil
        && $0.action == .lookup && !$0.hasOtherSelectors
    }
    plan.steps += wanted.filter { !own.contains($0) }.map(Step.addRule)
    plan.steps += own.filter { !wanted.contains($0) }.map(Step.deleteRule)
    return plan
  }
}

extension InterfacePlan.Step: CustomStringConvertible {
  /// For logs: what ip(8) would be told.
  package var description: String {
    switch self {
    case .setMTU(let mtu): "set MTU \(mtu)"
    case .bringUp: "set up"
    case .addAddress(let address): "add address \(address.cidr)"
    case .keepSecondaries: "keep secondary addresses"
    case .deleteAddress(let address): "delete address \(address.cidr)"
    case .awaitAddress(let address): "await \(address)"
    case .addRoute(let route): "add route \(route)"
    case .replaceRoute(let route): "replace route \(route)"
    case .deleteRoute(let route): "delete route \(route)"
    case .addRule(let rule): "add rule \(rule)"
    case .deleteRule(let rule): "delete rule \(rule)"
    }
  }
}

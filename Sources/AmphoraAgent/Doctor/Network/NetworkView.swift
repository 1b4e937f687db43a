// What the network checks look at: the interface files and the namespace, read at one moment. A fault of one layer has
// faults of the next as its consequence, so each check asks here whether what it builds on is sound, and else is silent.

import Addresses
import Files
import Netlink

/// The wanted and the actual state of the namespace.
struct NetworkView: Sendable {
  /// An interface that has a file.
  struct Interface: Sendable {
    let file: InterfaceFile
    /// Nil when there is no such link in the namespace.
    let link: Link?
    /// How the kernel differs from the file; nil without a link.
    let difference: InterfacePlan?

    /// Whether it is as its file says and has a carrier, so that packets may be expected to pass.
    var isSound: Bool {
      guard let link, let difference else { return false }
      return difference.isEmpty && (link.flags.contains(.lowerUp) || link.flags.contains(.loopback))
    }
  }

  let unreadable: [InterfaceFileStore.Unreadable]
  /// The loopback first.
  let interfaces: [Interface]
  let links: [Link]
  let addresses: [InterfaceAddress]
  let routes: [Route]
  let rules: [RoutingRule]

  /// Looks; nil when the namespace is not there, which is another check's to say.
  static func read(_ amphora: LocalAmphora) async -> NetworkView? {
    let paths = amphora.interfaces
    return try? await paths.namespace.run { try NetworkView(paths.store.loadAll(), NetlinkSocket()) }
  }

  /// Blocks.
  init(_ contents: InterfaceFileStore.Contents, _ socket: NetlinkSocket) throws {
    let (links, addresses) = (try socket.links(), try socket.addresses())
    let (routes, rules) = (try socket.routes(), try socket.rules())
    var contents = contents
    // Each start of the agent writes this file; haproxy needs the loopback link although it is gone.
    if contents.files[.loopback] == nil { contents.files[.loopback] = .loopback }
    unreadable = contents.unreadable
    interfaces = contents.ordered.map { file in
      let link = links.first { $0.name == file.name.text }
      return Interface(
        file: file, link: link,
        difference: link.map {
          InterfacePlan(file: file, link: $0, addresses: addresses, routes: routes, rules: rules)
        })
    }
    self.links = links
    self.addresses = addresses
    self.routes = routes
    self.rules = rules
  }

  /// Whether all files can be read and all interfaces are sound.
  var isSound: Bool { unreadable.isEmpty && interfaces.allSatisfy(\.isSound) }

  /// The addresses that move with the load balancer, not with the machine.
  var vips: Set<IPAddress> { Set(interfaces.flatMap(\.file.vips)) }

  /// The address to ask for a VIP from: one of the link that stays when VIPs go; nil when there is none.
  func source(forVIP vip: IPAddress, on link: Link) -> IPAddress? {
    let vips = vips
    return source(for: vip, among: addresses.filter { $0.linkIndex == link.index && !vips.contains($0.address) })
  }

  /// The address to ask for a neighbour from, rather not a VIP; nil when there is none that can be used yet.
  func source(for neighbour: IPAddress, on link: Link) -> IPAddress? {
    source(forVIP: neighbour, on: link)
      ?? source(for: neighbour, among: addresses.filter { $0.linkIndex == link.index })
  }

  private func source(for target: IPAddress, among addresses: [InterfaceAddress]) -> IPAddress? {
    let usable = addresses.filter { $0.address.family == target.family && !$0.isTentative && !$0.isDuplicate }
    return (usable.first { $0.cidr.contains(target) } ?? usable.first { !$0.address.isLinkLocal } ?? usable.first)?
      .address
  }

  /// The main table's way to an address: the longest matching route.
  func way(to address: IPAddress) -> Route? {
    routes.filter { $0.table == .main && $0.kind == .unicast && $0.destination.contains(address) }
      .max { ($0.destination.prefixLength, $1.metric) < ($1.destination.prefixLength, $0.metric) }
  }

  /// The interface that a route leaves by, when it has a file.
  func interface(of route: Route) -> Interface? { interfaces.first { $0.link?.index == route.linkIndex } }
}

extension InterfaceFile {
  /// The VIPs: the addresses that say whose they are.
  var vips: [IPAddress] { kind == .vip ? assigned.filter { $0.ownedKey != nil }.map(\.address.value) : [] }
}

extension LocalAmphora {
  /// What an operator types to bring an interface into its file's state.
  func upCommand(_ name: InterfaceName) -> String {
    "ip netns exec \(interfaces.namespace) amphora-agent interface up \(name)" + configurationOption
  }

  /// Names the configuration file where it is not the usual one.
  var configurationOption: String {
    configurationFile == "/etc/octavia/amphora-agent.conf" ? "" : " --config-file \(configurationFile)"
  }
}

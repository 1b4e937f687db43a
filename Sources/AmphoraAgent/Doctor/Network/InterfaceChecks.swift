// Interface files, and whether the kernel is as they say.

import Addresses
import AmphoraProtocol
import Files
import Netlink

/// Whether every interface file can be read.
struct InterfaceFilesCheck: DoctorCheck {
  let name = "interface-files"

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    let contents = amphora.interfaces.store.loadAll()
    guard contents.unreadable.isEmpty else {
      return contents.unreadable.map {
        .failure(
          name, "\($0)",
          remedy: "restore the file from a backup, or have the controller fail this amphora over; until then "
            + "\($0.stem) does not come back after a reboot")
      }
    }
    let names = contents.ordered.map(\.name.text).joined(separator: ", ")
    return [.pass(name, "\(amphora.interfaces.interfaces): \(names.isEmpty ? "none yet" : names)")]
  }
}

/// Whether each interface is in the kernel what its file says.
struct InterfaceCheck: DoctorCheck {
  let name = "interface"

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    guard let view = await NetworkView.read(amphora) else { return [] }
    let findings = view.interfaces.compactMap { finding($0, view, amphora) }
    if !findings.isEmpty { return findings }
    let names = view.interfaces.map(\.file.name.text).joined(separator: ", ")
    return [.pass(name, "\(names): as their files say")]
  }

  private func finding(_ interface: NetworkView.Interface, _ view: NetworkView, _ amphora: LocalAmphora) -> Finding? {
    let file = interface.file
    guard let link = interface.link, let difference = interface.difference else { return missing(file.name, amphora) }
    var faults = FaultTexts.list(difference, link, file)
    if file.wantsDHCP, !DHCPClient(interface: file.name, paths: amphora.interfaces).isRunning {
      faults.append("no DHCP client runs")
    }
    guard !faults.isEmpty else { return nil }
    return .failure(name, "\(file.name): \(FaultTexts.joined(faults))", remedy: amphora.upCommand(file.name))
  }

  /// A NIC that is still in the root namespace only has to be moved; another one is the cloud's to give.
  private func missing(_ interface: InterfaceName, _ amphora: LocalAmphora) -> Finding {
    let paths = amphora.interfaces
    let mac = PluggedInterfaces(path: paths.pluggedInterfaces).entries.last { $0.name == interface }?.mac
    let evidence = "\(interface): there is no such link in \(paths.namespace)"
    guard let mac else {
      return .failure(
        name, "\(evidence), and no NIC is listed for it in \(paths.pluggedInterfaces)",
        remedy: "have the controller fail this amphora over: openstack loadbalancer amphora failover "
          + amphora.amphoraIDText)
    }
    let root = try? paths.rootNamespace.map { try NetlinkSocket(in: $0) } ?? NetlinkSocket()
    if let link = try? root?.link(mac: mac) {
      return .failure(
        name, "\(evidence); its NIC \(mac) is in the root namespace as \(link.name)",
        remedy: "amphora-agent doctor --fix" + amphora.configurationOption)
    }
    return .failure(
      name, "\(evidence), and the machine has no NIC \(mac)",
      remedy: "attach the port again (openstack port list --mac-address \(mac), openstack server add port), or: "
        + "openstack loadbalancer amphora failover \(amphora.amphoraIDText)")
  }
}

/// How a plan's steps read as faults, in the words of ip(8).
enum FaultTexts {
  static func list(_ plan: InterfacePlan, _ link: Link, _ file: InterfaceFile) -> [String] {
    // Without the link there are no routes, and none can be expected.
    let isDown = plan.steps.contains(.bringUp)
    return plan.steps.compactMap { isDown && $0.isRoute ? nil : text($0, link) }
  }

  /// One line, however much is wrong.
  static func joined(_ faults: [String]) -> String {
    let shown = faults.prefix(6).joined(separator: "; ")
    return faults.count > 6 ? "\(shown); and \(faults.count - 6) more" : shown
  }

  private static func text(_ step: InterfacePlan.Step, _ link: Link) -> String? {
    switch step {
    case .setMTU(let mtu): "mtu \(link.mtu) instead of \(mtu)"
    case .bringUp: "state DOWN"
    case .addAddress(let address): "missing: address \(address.cidr)"
    case .deleteAddress(let address): "too many: address \(address.cidr)"
    case .addRoute(let route): "missing: route \(words(route, link))"
    case .replaceRoute(let route): "another one instead of: route \(words(route, link))"
    case .deleteRoute(let route): "too many: route \(words(route, link))"
    case .addRule(let rule): "missing: rule \(rule)"
    case .deleteRule(let rule): "too many: rule \(rule)"
    case .keepSecondaries, .awaitAddress: nil
    }
  }

  /// What was done about a fault.
  static func change(_ step: InterfacePlan.Step, _ link: Link) -> String? {
    switch step {
    case .setMTU(let mtu): "mtu set to \(mtu)"
    case .bringUp: "set up"
    case .addAddress(let address): "address \(address.cidr) added"
    case .deleteAddress(let address): "address \(address.cidr) deleted"
    case .addRoute(let route): "route \(words(route, link)) added"
    case .replaceRoute(let route): "route \(words(route, link)) replaced another one"
    case .deleteRoute(let route): "route \(words(route, link)) deleted"
    case .addRule(let rule): "rule \(rule) added"
    case .deleteRule(let rule): "rule \(rule) deleted"
    case .keepSecondaries, .awaitAddress: nil
    }
  }

  /// As `ip route` prints it.
  private static func words(_ route: Route, _ link: Link) -> String {
    var text = route.destination.prefixLength == 0 ? "default" : "\(route.destination)"
    if let gateway = route.gateway { text += " via \(gateway)" }
    text += " dev \(link.name)"
    if route.table != .main { text += " table \(route.table.rawValue)" }
    if let source = route.preferredSource { text += " src \(source)" }
    if route.isOnLink { text += " onlink" }
    return text
  }
}

extension InterfacePlan.Step {
  /// Whether it is about a route.
  fileprivate var isRoute: Bool {
    switch self {
    case .addRoute, .replaceRoute, .deleteRoute: true
    default: false
    }
  }
}

extension LocalAmphora {
  /// The amphora's id for commands, or a word in its place.
  var amphoraIDText: String {
    guard case .success(let configuration) = configuration, let id = configuration.amphoraID else {
      return "AMPHORA-ID"
    }
    return id
  }
}

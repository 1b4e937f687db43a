// The namespace, its settings and its interfaces as the files say.

import Files
import Netlink

extension Repair {
  /// Returns whether the namespace is there.
  func mendNamespace(_ outcome: inout Outcome) async -> Bool {
    let namespace = amphora.interfaces.namespace
    do {
      if !namespace.exists {
        try await setup.prepare(systemSettings: systemSettings)
        outcome.changes.append("network namespace \(namespace): made, with its settings")
      }
      let (changes, failures) = try await namespace.run { NamespaceSetup.applyDifferingSettings() }
      outcome.changes += changes
      outcome.failures += failures
      return true
    } catch {
      outcome.failures.append("network namespace \(namespace): \(error)")
      return false
    }
  }

  private var setup: NamespaceSetup {
    let plugger = InterfacePlugger(configurator: InterfaceConfigurator(paths: amphora.interfaces), logger: logger)
    return NamespaceSetup(interfaces: plugger, namespace: amphora.interfaces.namespace, logger: logger)
  }

  /// Moves listed NICs that are in the root namespace.
  func moveNICs(_ outcome: inout Outcome) async {
    let paths = amphora.interfaces
    do {
      guard try Self.hasStrandedNIC(paths) else { return }
      // An agent that is just plugging one lists it, and moves it right after.
      try await Task.sleep(for: .seconds(1))
      guard try Self.hasStrandedNIC(paths) else { return }
      let root = try RootLinks(namespace: paths.rootNamespace, arrivalLimit: .zero)
      let logger = logger
      let report = try await paths.namespace.run {
        var report = RestoreReport()
        try PlugFlow(paths: paths, configurator: InterfaceConfigurator(paths: paths), root: root, logger: logger)
          .moveListed(&report)
        return report
      }
      outcome.changes += report.moved.map { "\($0): NIC moved into \(paths.namespace)" }
      outcome.failures += report.failures.map { "\($0.interface): \($0.reason)" }
    } catch {
      outcome.failures.append("NICs: \(error)")
    }
  }

  private static func hasStrandedNIC(_ paths: InterfacePaths) throws -> Bool {
    let list = PluggedInterfaces(path: paths.pluggedInterfaces)
    let socket = try paths.rootNamespace.map { try NetlinkSocket(in: $0) } ?? NetlinkSocket()
    return try socket.links().contains { $0.macAddress.flatMap(list.name) != nil }
  }

  /// Brings up each interface that differs from its file.
  func mendInterfaces(_ outcome: inout Outcome) async {
    guard let view = await NetworkView.read(amphora) else { return }
    outcome.failures += view.unreadable.map { "\($0)" }
    for interface in view.interfaces {
      let file = interface.file
      guard let link = interface.link, let difference = interface.difference else {
        outcome.failures.append("\(file.name): there is no such link in \(amphora.interfaces.namespace)")
        continue
      }
      let wantsClient = file.wantsDHCP && !DHCPClient(interface: file.name, paths: amphora.interfaces).isRunning
      if !difference.isEmpty || wantsClient { await bringUp(file, link, &outcome) }
    }
    await mendPacketFilter(&outcome)
  }

  private func bringUp(_ file: InterfaceFile, _ link: Link, _ outcome: inout Outcome) async {
    let paths = amphora.interfaces
    var configurator = InterfaceConfigurator(paths: paths)
    configurator.onStep = onStep
    var wanted = file
    // Again when a plug request has written another file meanwhile.
    for _ in 0..<3 {
      do {
        let result = try await paths.namespace.run { [wanted, configurator] in try configurator.up(wanted) }
        outcome.changes += result.changes.compactMap { FaultTexts.change($0, link) }.map { "\(file.name): \($0)" }
        if result.automaticConfigurationChanged {
          outcome.changes.append("\(file.name): DHCP or router advertisements")
        }
        outcome.failures += result.warnings.map { "\(file.name): \($0)" }
      } catch {
        outcome.failures.append("\(file.name): \(error)")
      }
      guard let now = paths.store.load(file.name), now != wanted else { return }
      wanted = now
    }
  }

  /// Loads rules that are missing, which an interface that is right otherwise does not tell.
  private func mendPacketFilter(_ outcome: inout Outcome) async {
    guard let view = await NetworkView.read(amphora),
      let faults = try? await PacketFilterFaults(view, amphora.interfaces), let name = faults.interface,
      let interface = view.interfaces.first(where: { $0.file.name == name }), let link = interface.link
    else { return }
    await bringUp(interface.file, link, &outcome)
    guard let after = try? await PacketFilterFaults(view, amphora.interfaces) else { return }
    outcome.changes += [(faults.firewall, after.firewall), (faults.masquerade, after.masquerade)].compactMap {
      $0.0 != nil && $0.1 == nil ? "packet filter: rules loaded (\($0.0 ?? ""))" : nil
    }
    outcome.failures += [after.firewall, after.masquerade].compactMap { $0 }
  }
}

extension NamespaceSetup {
  /// Writes the settings that differ, in the calling thread's namespace; a line for each.
  static func applyDifferingSettings() -> (changes: [String], failures: [String]) {
    var lines: (changes: [String], failures: [String]) = ([], [])
    for setting in differingSettings() {
      let key = setting.key.replacing("/", with: ".")
      do {
        try Sysctl.write(setting.key, setting.wanted)
        lines.changes.append("\(key) = \(setting.wanted) (was \(setting.actual))")
      } catch {
        lines.failures.append("\(key): \(error)")
      }
    }
    return lines
  }
}

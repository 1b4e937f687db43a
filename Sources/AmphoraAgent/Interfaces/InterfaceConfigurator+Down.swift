// Taking an interface down, for operators; the agent itself never does (contract networking §4.6).

import Netlink

extension InterfaceConfigurator {
  /// Releases leases, removes what the file lists and sets the link down.
  ///
  /// A link that is down already stays as it is.
  package func down(_ file: InterfaceFile) throws -> Outcome {
    var outcome = Outcome()
    try releaseAutomatic(file, &outcome)
    let socket = try askKernel { () throws(NetlinkError) in try NetlinkSocket() }
    let link = try find(file.name, socket)
    guard link.isUp else { return outcome }
    remove(file, link, socket, &outcome)
    try InterfaceScripts(paths: paths, onStep: onStep).runDown(file, socket, &outcome.warnings)
    return outcome
  }

  private func releaseAutomatic(_ file: InterfaceFile, _ outcome: inout Outcome) throws {
    if file.wantsDHCP {
      try DHCPClient(interface: file.name, paths: paths).stop()
      outcome.automaticConfigurationChanged = true
    }
    if file.wantsRouterAdvertisements {
      let automatic = AutomaticConfiguration(file: file, paths: paths)
      if try automatic.disableRouterAdvertisements() { outcome.automaticConfigurationChanged = true }
    }
  }

  /// Every error is only noted: the aim is a link that is down.
  private func remove(_ file: InterfaceFile, _ link: Link, _ socket: NetlinkSocket, _ outcome: inout Outcome) {
    var warnings: [String] = []
    var changes: [InterfacePlan.Step] = []
    func attempt(_ step: InterfacePlan.Step?, _ request: () throws(NetlinkError) -> Void) {
      do throws(NetlinkError) {
        try request()
        if let step { changes.append(step) }
      } catch {
        if !error.isNotFound { warnings.append("\(error)") }
      }
    }
    // The plan of an empty file of this kind deletes all that the agent made on the link.
    let empty = InterfaceFile(name: file.name, kind: file.kind)
    for step in InterfacePlan.rules(empty, (try? socket.rules()) ?? []).steps {
      if case .deleteRule(let rule) = step { attempt(step) { () throws(NetlinkError) in try socket.delete(rule) } }
    }
    for step in InterfacePlan.routes(empty, link, (try? socket.routes()) ?? [], []).steps {
      if case .deleteRoute(let route) = step { attempt(step) { () throws(NetlinkError) in try socket.delete(route) } }
    }
    // All addresses, keepalived's and dynamic ones too. One that went with another is not found, which is fine.
    for address in (try? socket.addresses(on: link)) ?? [] {
      attempt(.deleteAddress(address)) { () throws(NetlinkError) in try socket.delete(address) }
    }
    attempt(nil) { () throws(NetlinkError) in try socket.setDown(link) }
    outcome.changes += changes
    outcome.warnings += warnings
  }
}

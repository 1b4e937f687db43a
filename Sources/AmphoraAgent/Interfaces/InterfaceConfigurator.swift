// Brings an interface of the namespace into the state that its file describes, and takes it down (contract networking §4).

import Addresses
import Glibc
import Netlink

/// Configures interfaces in the calling thread's namespace; blocks.
///
/// The program `amphora-interface` calls it directly, since it is started inside the namespace. The agent calls it inside
/// `NetworkNamespace.run`.
package struct InterfaceConfigurator: Sendable {
  /// What a bring-up or take-down did.
  package struct Outcome: Sendable {
    /// The steps that were taken; none when the kernel was as the file says already.
    package var changes: [InterfacePlan.Step] = []
    /// Whether a DHCP client was started or stopped, or the handling of router advertisements changed.
    package var automaticConfigurationChanged = false
    /// What did not work but does not keep the interface from working: a refused MTU, a host route of a user.
    package var warnings: [String] = []
    /// Whether anything had to be done.
    package var isUnchanged: Bool { changes.isEmpty && !automaticConfigurationChanged }
  }

  /// Called before each step with its text.
  ///
  /// Tests throw from it, to end the work at any point as a crash would.
  package typealias StepHook = @Sendable (_ step: String) throws -> Void

  /// Files and programs.
  package let paths: InterfacePaths
  /// The longest time that duplicate address detection may take of one bring-up.
  package var detectionLimit: Duration = .seconds(20)
  /// See ``StepHook``.
  package var onStep: StepHook = { _ in }

  /// Makes a configurator.
  package init(paths: InterfacePaths) { self.paths = paths }

  /// Brings the interface into the state of the file.
  ///
  /// On one that is in it already nothing changes.
  package func up(_ file: InterfaceFile) throws -> Outcome {
    var outcome = Outcome()
    try prepareFirewall(file, &outcome)
    let socket = try askKernel { () throws(NetlinkError) in try NetlinkSocket() }
    let link = try find(file.name, socket)
    let automatic = AutomaticConfiguration(file: file, paths: paths)
    // Before the link comes up, since routers are asked right after that.
    outcome.automaticConfigurationChanged = try automatic.applyRouterAdvertisements()
    try bringUp(file, link, socket, &outcome)
    if try automatic.applyDHCP(&outcome.warnings) { outcome.automaticConfigurationChanged = true }
    try setAddresses(file, link, socket, &outcome)
    try setRoutes(file, link, socket, &outcome)
    try run(
      InterfacePlan.rules(file, try askKernel { () throws(NetlinkError) in try socket.rules() }), socket, &outcome)
    try InterfaceScripts(paths: paths, onStep: onStep).runUp(file, socket, &outcome.warnings)
    return outcome
  }

  /// What differs between the file and the kernel; nothing is changed.
  package func difference(_ file: InterfaceFile) throws -> InterfacePlan {
    let socket = try NetlinkSocket()
    let link = try find(file.name, socket)
    return InterfacePlan(
      file: file, link: link, addresses: try socket.addresses(on: link), routes: try socket.routes(),
      rules: try socket.rules())
  }

  func find(_ name: InterfaceName, _ socket: NetlinkSocket) throws(InterfaceError) -> Link {
    guard let link = try askKernel({ () throws(NetlinkError) in try socket.link(named: name.text) }) else {
      throw .linkMissing(name)
    }
    return link
  }

  private func prepareFirewall(_ file: InterfaceFile, _ outcome: inout Outcome) throws {
    guard file.isSRIOV else { return }
    try onStep("load firewall")
    do throws(VIPFirewall.Failure) {
      if let refusal = try paths.firewall.guardPort() {
        outcome.warnings.append("\(refusal); until the controller sends new ones, nothing is let in")
      }
    } catch {
      throw InterfaceError.firewall(file.name, error)
    }
  }

  private func bringUp(_ file: InterfaceFile, _ link: Link, _ socket: NetlinkSocket, _ outcome: inout Outcome) throws {
    for step in InterfacePlan.link(file, link).steps {
      try onStep("\(step)")
      if case .setMTU(let mtu) = step {
        do throws(NetlinkError) {
          try socket.setMTU(mtu, of: link)
        } catch {
          // A refused MTU costs performance; a link that stays down costs everything (N14).
          outcome.warnings.append("\(error)")
          continue
        }
      } else {
        try askKernel { () throws(NetlinkError) in try socket.setUp(link) }
      }
      outcome.changes.append(step)
    }
  }

  private func setAddresses(
    _ file: InterfaceFile, _ link: Link, _ socket: NetlinkSocket, _ outcome: inout Outcome
  ) throws {
    // A second look finds what deletions took along, and IPv6 addresses that had to go before they could come with
    // another prefix length. More than that cannot happen by our own doing.
    for _ in 0..<3 {
      let actual = try askKernel { () throws(NetlinkError) in try socket.addresses(on: link) }
      let plan = InterfacePlan.addresses(file, link, actual)
      if plan.isEmpty { return }
      try run(plan, socket, &outcome)
      if !plan.steps.contains(where: { if case .deleteAddress = $0 { true } else { false } }) { return }
    }
  }

  private func setRoutes(_ file: InterfaceFile, _ link: Link, _ socket: NetlinkSocket, _ outcome: inout Outcome) throws
  {
    let routes = try askKernel { () throws(NetlinkError) in try socket.routes() }
    let addresses = try askKernel { () throws(NetlinkError) in try socket.addresses(on: link) }
    try run(InterfacePlan.routes(file, link, routes, addresses), socket, &outcome)
  }

  private func run(_ plan: InterfacePlan, _ socket: NetlinkSocket, _ outcome: inout Outcome) throws {
    outcome.warnings += plan.warnings
    guard !plan.isEmpty else { return }
    var execution = PlanExecution(socket: socket, detectionLimit: detectionLimit, onStep: onStep)
    defer {
      outcome.changes += execution.done
      outcome.warnings += execution.warnings
    }
    try execution.run(plan.steps)
  }
}

/// Runs requests whose failure makes the interface unusable.
func askKernel<Value>(_ request: () throws(NetlinkError) -> Value) throws(InterfaceError) -> Value {
  do throws(NetlinkError) { return try request() } catch { throw .kernel(error) }
}

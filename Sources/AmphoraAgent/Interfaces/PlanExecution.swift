// The steps of a plan as requests to the kernel, and which refusals matter (contract networking §4.4).

import Addresses
import Glibc
import Netlink

/// Carries out steps on one link.
struct PlanExecution {
  let socket: NetlinkSocket
  let onStep: InterfaceConfigurator.StepHook
  private(set) var done: [InterfacePlan.Step] = []
  private(set) var warnings: [String] = []
  private let deadline: ContinuousClock.Instant
  private var unusable: Set<IPAddress> = []
  private var unreachable: [InterfacePlan.Step] = []

  init(socket: NetlinkSocket, detectionLimit: Duration, onStep: @escaping InterfaceConfigurator.StepHook) {
    self.socket = socket
    self.onStep = onStep
    deadline = .now + detectionLimit
  }

  mutating func run(_ steps: [InterfacePlan.Step]) throws {
    for step in steps { try run(step, isSecondTry: false) }
    // A gateway without `onlink` may be reachable only through a route that came later in the file.
    let again = unreachable
    unreachable = []
    for step in again { try run(step, isSecondTry: true) }
  }

  private mutating func run(_ step: InterfacePlan.Step, isSecondTry: Bool) throws {
    try onStep("\(step)")
    do {
      if try !attempt(step) { return }
      done.append(step)
    } catch let error as NetlinkError {
      try judge(error, step, isSecondTry)
    }
  }

  /// Returns whether something was changed.
  private mutating func attempt(_ step: InterfacePlan.Step) throws -> Bool {
    switch step {
    case .addAddress(let address): try socket.add(address)
    case .deleteAddress(let address): try socket.delete(address)
    case .keepSecondaries(let name): try Sysctl.write("net/ipv4/conf/\(name)/promote_secondaries", "1")
    case .awaitAddress(let address):
      try awaitAddress(address)
      return false
    case .addRoute(let route), .replaceRoute(let route):
      if let source = route.preferredSource, unusable.contains(source) { return false }
      if case .addRoute = step { try socket.add(route) } else { try socket.replace(route) }
    case .deleteRoute(let route): try socket.delete(route)
    case .addRule(let rule): try socket.add(rule)
    case .deleteRule(let rule): try socket.delete(rule)
    // Steps of the link, which the configurator takes itself.
    case .setMTU, .bringUp: return false
    }
    return true
  }

  private mutating func judge(_ error: NetlinkError, _ step: InterfacePlan.Step, _ isSecondTry: Bool) throws {
    switch step {
    case .addAddress, .addRule:
      if !error.isExists { throw InterfaceError.kernel(error) }
    case .addRoute, .replaceRoute:
      if error.isExists { return }
      if error.isUnreachable, !isSecondTry {
        unreachable.append(step)
      } else {
        // Host routes come from users; a bad one must not cost the interface (N17).
        warnings.append("\(error)")
      }
    case .deleteAddress, .deleteRoute, .deleteRule:
      if !error.isNotFound { warnings.append("\(error)") }
    // Without the setting addresses may go, and the next look at them brings them back.
    case .keepSecondaries, .awaitAddress, .setMTU, .bringUp: warnings.append("\(error)")
    }
  }

  /// Waits until duplicate detection of an address is through, or has failed: only of this one, and only now that a
  /// route needs it as its source (N5).
  private mutating func awaitAddress(_ address: IPAddress) throws {
    let events = try LinkEvents([.ipv6Addresses])
    let left = ContinuousClock.now.duration(to: deadline)
    let result = try events.wait(atMost: max(.zero, left)) { [socket] () -> Bool? in
      guard let current = try socket.addresses().first(where: { $0.address == address }) else { return false }
      if current.isDuplicate { return false }
      return current.isTentative ? nil : true
    }
    if result == true { return }
    unusable.insert(address)
    warnings.append(
      result == nil
        ? "duplicate detection of \(address) did not end in time; routes from it are left out"
        : "another host has \(address) (duplicate detection failed); routes from it are left out")
  }
}

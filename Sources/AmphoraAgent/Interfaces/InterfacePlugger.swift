// Plugging: a NIC that appeared in the root namespace becomes an interface of the amphora's (contract networking §2).

package import Addresses
import AmphoraProtocol
import Files
package import Logging
import Netlink

/// Takes NICs into the namespace, and brings all of it back after a reboot.
///
/// One lock for all of it, taken in the order of arrival: names, list, files and moves depend on each other (N19). Every
/// call can be repeated: a crash at any point is repaired by the repetition, or by ``restoreAll()``.
package actor InterfacePlugger {
  /// What a plug request came to.
  package enum Outcome: Hashable, Sendable {
    /// The NIC is an interface now (status 202).
    case plugged(InterfaceName, addresses: [IPAddress])
    /// It was one, configured as its file says (status 409, which controllers take for success).
    case alreadyPlugged(InterfaceName)
    /// It was one, and has a new configuration now (status 202).
    case updated(InterfaceName)

    /// The contract's text for `details` of a 202; nil for the 409.
    package var details: String? {
      switch self {
      case .plugged(let name, let addresses) where !addresses.isEmpty:
        "VIPs plugged on interface \(name): \(addresses.map(\.exploded).joined(separator: ", "))"
      case .plugged(let name, _): "Plugged on interface \(name)"
      case .updated(let name): "Updated existing interface \(name)"
      case .alreadyPlugged: nil
      }
    }
  }

  /// Files, programs, namespaces.
  nonisolated package let paths: InterfacePaths
  nonisolated let configurator: InterfaceConfigurator
  nonisolated let logger: Logger
  private let advertiser: AddressAdvertiser
  private let arrivalLimit: Duration
  private var isBusy = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// Makes a plugger.
  ///
  /// - Parameters:
  ///   - configurator: how interfaces are brought up.
  ///   - arrivalLimit: how long a request waits for a NIC that is not there yet. The controller comes back after 5 s.
  package init(configurator: InterfaceConfigurator, logger: Logger, arrivalLimit: Duration = .seconds(1)) {
    paths = configurator.paths
    self.configurator = configurator
    self.logger = logger
    self.arrivalLimit = arrivalLimit
    advertiser = AddressAdvertiser(namespace: configurator.paths.namespace, logger: logger)
  }

  /// `POST /1.0/plug/vip/{vip}`.
  package func plugVIP(_ plug: VIPPlug, topology: Topology) async throws -> Outcome {
    let outcome = try await inNamespace { try $0.plugVIP(plug, topology) }
    logger.info("VIP plug done", metadata: ["mac": "\(plug.mac)", "outcome": "\(outcome)"])
    return outcome
  }

  /// `POST /1.0/plug/network`.
  ///
  /// The addresses are advertised afterwards, without the caller waiting for it.
  package func plugNetwork(_ plug: NetworkPlug, topology: Topology) async throws -> Outcome {
    let outcome = try await inNamespace { try $0.plugNetwork(plug, topology) }
    logger.info("network plug done", metadata: ["mac": "\(plug.mac)", "outcome": "\(outcome)"])
    advertiser.advertiseInBackground(plug.fixedIPs.map(\.address.value))
    return outcome
  }

  /// `PUT /1.0/interface/{ip}/rules`: replaces what may come in through an SR-IOV VIP port.
  package func allow(_ rules: [VIPRule]) async throws {
    try await inNamespace { try $0.paths.firewall.allow(rules) }
    logger.info("firewall rules loaded", metadata: ["rules": "\(rules.count)"])
  }

  /// Makes the namespace if it is missing, moves listed NICs into it and brings all interfaces up, as each boot does.
  ///
  /// An error on one interface does not stop the others.
  package func restoreAll() async throws -> RestoreReport {
    let report = try await inNamespace { try $0.restoreAll() }
    for failure in report.failures {
      logger.error(
        "interface not restored", metadata: ["interface": "\(failure.interface)", "error": "\(failure.reason)"])
    }
    return report
  }

  /// Runs work that depends on the state of the interfaces, such as loading firewall rules, alone.
  package func exclusively<T: Sendable>(_ body: @Sendable () async throws -> T) async throws -> T {
    if isBusy { await withCheckedContinuation { waiting.append($0) } }
    isBusy = true
    // The lock goes from hand to hand: while somebody waits it is never free, so that nobody overtakes.
    defer { if waiting.isEmpty { isBusy = false } else { waiting.removeFirst().resume() } }
    return try await body()
  }

  /// Runs a flow alone, on a thread of its own inside the namespace, since it blocks.
  ///
  /// A missing namespace is made.
  private func inNamespace<T: Sendable>(_ body: @escaping @Sendable (PlugFlow) throws -> T) async throws -> T {
    let (paths, configurator, logger, limit) = (paths, configurator, logger, arrivalLimit)
    return try await exclusively {
      do {
        if !paths.namespace.exists { try paths.namespace.create(ifMissing: true) }
        let root = try RootLinks(namespace: paths.rootNamespace, arrivalLimit: limit)
        return try await paths.namespace.run(
          RequestID.carried(
            KillPoint.carried {
              try body(PlugFlow(paths: paths, configurator: configurator, root: root, logger: logger))
            }))
      } catch let error as NetworkNamespaceError {
        throw PlugError.namespace(error)
      } catch let error as NetlinkError {
        throw PlugError.kernel(error)
      } catch let error as DurableFile.Failure {
        throw PlugError.file(error)
      }
    }
  }
}

// The agent's view of the traffic namespace: plugging, looking up, announcing, all with the same paths.

package import Addresses
import AmphoraProtocol
import Logging
import Netlink

/// The parts that work on the traffic namespace.
struct AgentInterfaces: Sendable {
  let plugger: InterfacePlugger
  let lookup: InterfaceLookup
  let advertiser: VIPAdvertiser
  let files: InterfaceFileStore
  let namespace: NetworkNamespace
  private let configuration: LiveConfiguration
  private let logger: Logger

  init(paths: InterfacePaths, configuration: LiveConfiguration, logger: Logger) {
    self.configuration = configuration
    self.logger = logger
    namespace = paths.namespace
    files = paths.store
    plugger = InterfacePlugger(configurator: InterfaceConfigurator(paths: paths), logger: logger)
    lookup = InterfaceLookup(namespace: paths.namespace)
    advertiser = VIPAdvertiser(advertiser: AddressAdvertiser(namespace: paths.namespace, logger: logger))
  }

  /// The topology in force; it may change at run time.
  var topology: Topology { configuration.value.loadBalancerTopology }

  /// Bytes through the namespace's interfaces; none when the namespace cannot be looked at.
  func counters() async -> [String: DetailsBody.Network] {
    do {
      return try await lookup.counters()
    } catch {
      logger.warning("interface counters not read", metadata: ["error": "\(error)"])
      return [:]
    }
  }
}

extension InterfacePaths {
  /// The contract's paths, with those that the configuration names.
  init(_ configuration: AgentConfiguration) {
    self.init(namespace: .amphoraHAProxy)
    interfaces = configuration.agentServerNetworkDir
  }
}

/// Announces VIPs off the request path.
package struct VIPAdvertiser: VIPAdvertising {
  let advertiser: AddressAdvertiser

  package func advertise(_ addresses: [IPAddress]) async { advertiser.advertiseInBackground(addresses) }
}

// The load balancers of this amphora (normally one): what the haproxy routes do. Callers run at most one changing call
// per load balancer at a time (API/OperationLanes.swift); reads may come at any time.

package import Addresses
package import AmphoraProtocol
import Files
package import Logging

/// Operations on haproxy load balancers.
package struct LoadBalancers: Sendable {
  let paths: AgentPaths
  let store: LoadBalancerStore
  let stopped: StopOrders
  let configuration: LiveConfiguration
  let supervisor: any ServiceSupervisor
  let checkScripts: VRRPCheckScripts
  let advertiser: any VIPAdvertising
  /// Between two questions to a haproxy that crashed while it reloaded, and between two reloads of it.
  let racePause: Duration
  let metrics: AgentMetrics
  let logger: Logger

  /// - Parameter racePause: 1 s by contract agent-api §3.6; tests have less patience.
  package init(
    paths: AgentPaths, configuration: LiveConfiguration, supervisor: any ServiceSupervisor,
    checkScripts: VRRPCheckScripts,
    advertiser: any VIPAdvertising, racePause: Duration = .seconds(1), metrics: AgentMetrics = AgentMetrics(),
    logger: Logger
  ) {
    self.paths = paths
    store = LoadBalancerStore(paths: paths)
    stopped = StopOrders(paths: paths)
    self.configuration = configuration
    self.supervisor = supervisor
    self.checkScripts = checkScripts
    self.advertiser = advertiser
    self.racePause = racePause
    self.metrics = metrics
    self.logger = logger
  }

  /// Whether a request about this id is one for a load balancer here, known or half deleted.
  package func owns(_ id: LoadBalancerID) async throws -> Bool {
    try await BlockingIO.run { [self] in store.exists(id) || isDeleted(id) }
  }

  /// The stored configuration.
  package func download(_ id: LoadBalancerID) async throws -> [UInt8] {
    do {
      return try await BlockingIO.run { [store] in try store.configuration(of: id) }
    } catch let error as DurableFile.Failure where error.isMissing {
      throw LoadBalancerError.unknown(ServiceObjectID(unchecked: id.text))
    }
  }

  /// Removes a load balancer; an unknown one is removed already (contract agent-api §3.7).
  package func delete(_ id: LoadBalancerID) async throws {
    if isDeleted(id) { return try await finishDelete(id) }
    let (isKnown, wasRunning) = try await BlockingIO.run { [store] in (store.exists(id), store.isRunning(id)) }
    guard isKnown else { return }
    let unit = ServiceUnit.unitName(of: id)
    do {
      // Also when it does not run: it may just be started again after a crash, and would come back without supervision.
      try await supervisor.stop(unit)
    } catch {
      if wasRunning { throw LoadBalancerError.stopBeforeDeleteFailed(output: error.output) }
      logger.debug("not stopped before the delete", metadata: ["unit": "\(unit)", "output": "\(error.output)"])
    }
    try await BlockingIO.run { [paths] in
      try DurableFile.move(paths.configuration(of: id), to: paths.deletedConfiguration(of: id))
    }
    try await finishDelete(id)
  }

  /// The listeners of all load balancers (contract agent-api §3.8).
  package func listeners() async throws -> [ListenerStatusBody] {
    try await BlockingIO.run { [store] in
      try store.ids().flatMap { id in
        try (store.parsedIfKnown(id)?.frontends ?? []).map {
          ListenerStatusBody(status: "ACTIVE", uuid: $0.name, type: $0.type)
        }
      }
    }
  }
}

/// Announces that addresses are here now; never fails, never holds its caller up (contract agent-api §3.0 ADVERTISE).
package protocol VIPAdvertising: Sendable {
  func advertise(_ addresses: [IPAddress]) async
}

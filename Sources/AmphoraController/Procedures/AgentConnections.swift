// The clients of one run's amphorae, made when they are first needed.

import Addresses
import AmphoraProtocol

/// Clients by amphora; ``shutdown()`` must be called at the end.
actor AgentConnections {
  private let settings: ControllerSettings
  private var clients: [AmphoraEndpoint: AmphoraClient] = [:]

  init(_ settings: ControllerSettings) { self.settings = settings }

  /// The client of an amphora whose address is known.
  func client(of amphora: AmphoraRecord) throws -> AmphoraClient {
    guard let text = amphora.address, let address = IPAddress(text.rawValue) else {
      throw ProcedureError.inconsistent("amphora \(amphora.id) has no management address")
    }
    let endpoint = AmphoraEndpoint(
      amphora: amphora.id, address: address, zone: amphora.zone, port: amphora.agentPort ?? 9443)
    if let client = clients[endpoint] { return client }
    let client = try AmphoraClient(
      endpoint: endpoint, credentials: settings.credentials, retry: settings.patience, timeouts: settings.timeouts,
      logger: settings.logger)
    clients[endpoint] = client
    return client
  }

  /// Closes all connections.
  func shutdown() async {
    let all = clients.values
    clients = [:]
    for client in all { try? await client.shutdown() }
  }
}

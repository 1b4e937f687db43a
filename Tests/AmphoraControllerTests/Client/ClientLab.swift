// Two CAs, an amphora and a controller, made once per test run.

import Addresses
import AmphoraController
import AmphoraProtocol
import Testing

struct ClientLab: Sendable {
  static let shared = Result { try ClientLab() }

  static let amphoraText = "6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8"
  let amphora: AmphoraID
  let otherAmphora: AmphoraID
  let serverCA: String
  let clientCA: String
  let strangeCA: String
  let server: String
  let controller: String
  let strangeController: String

  init() throws {
    amphora = try #require(AmphoraID(Self.amphoraText))
    otherAmphora = try #require(AmphoraID("7e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8"))
    let serverAuthority = try CertificateAuthority.create(name: "server CA")
    let clientAuthority = try CertificateAuthority.create(name: "client CA")
    let strangeAuthority = try CertificateAuthority.create(name: "server CA")
    serverCA = try serverAuthority.certificatePEM()
    clientCA = try clientAuthority.certificatePEM()
    strangeCA = try strangeAuthority.certificatePEM()
    server = try serverAuthority.issueAmphoraCertificate(id: amphora).pem
    controller = try clientAuthority.issueControllerCertificate(name: "controller").pem
    strangeController = try strangeAuthority.issueControllerCertificate(name: "controller").pem
  }

  var credentials: ControllerCredentials { ControllerCredentials(clientPEM: controller, serverCAPEM: serverCA) }

  /// Starts a server with the script, runs the body with a client of it, and ends both.
  static func run<Value: Sendable>(
    script: [AgentStep] = [], retry: RetryProfile = .normal, clock: any Clock<Duration> = RecordingClock(),
    timeouts: RequestTimeouts = RequestTimeouts(),
    _ body: (AmphoraClient, ScriptedAgent) async throws -> Value
  ) async throws -> Value {
    let lab = try shared.get()
    let agent = try await ScriptedAgent.start(identityPEM: lab.server, clientCAPEM: lab.clientCA, script: script)
    let address = try #require(IPAddress("127.0.0.1"))
    let client = try AmphoraClient(
      endpoint: AmphoraEndpoint(amphora: lab.amphora, address: address, port: agent.port), credentials: lab.credentials,
      retry: retry, timeouts: timeouts, clock: clock)
    return try await closing(client, agent) { try await body(client, agent) }
  }

  /// Runs the body, then ends client and server whatever came.
  static func closing<Value: Sendable>(
    _ client: AmphoraClient, _ agent: ScriptedAgent?, _ body: () async throws -> Value
  ) async throws -> Value {
    let result: Result<Value, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    try? await client.shutdown()
    try? await agent?.stop()
    return try result.get()
  }
}

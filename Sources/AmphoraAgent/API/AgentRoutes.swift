// Routes 16 and 17: the agent's own certificate and configuration.

import AmphoraProtocol

extension AgentAPI {
  func rotateCertificate(_ body: [UInt8]) async throws -> APIResponse {
    try await agent.replaceServerCertificate(body)
    return .ok(202)
  }

  func updateConfiguration(_ body: [UInt8]) async throws -> APIResponse {
    do {
      try await agent.replaceConfiguration(body)
      return .ok(202)
    } catch {
      return .json(
        500, MessageBody(message: "Unable to update amphora-agent configuration.", details: "\(error)"))
    }
  }
}

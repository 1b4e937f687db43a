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
      throw ConfigurationRefused(description: "\(error)")
    }
  }
}

/// A pushed configuration that was not taken.
struct ConfigurationRefused: Error, CustomStringConvertible {
  let description: String
}

// The agent's own certificate and configuration, as controllers replace them (contract agent-api §3.14, §3.15).

import AmphoraCrypto
import Files
package import Logging

/// Why a new server certificate was not taken.
package struct ServerCertificateRefusal: Error, CustomStringConvertible, Sendable {
  package let description: String
}

/// Replaces the agent's own files.
package struct AgentFiles: Sendable {
  private let file: String
  private let environment: [String: String]
  private let configuration: LiveConfiguration
  private let onChange: @Sendable (AgentConfiguration) async -> Void
  private let logger: Logger

  /// - Parameters:
  ///   - file: the configuration file the agent was started with.
  ///   - onChange: told of each configuration put into force.
  package init(
    file: String, environment: [String: String], configuration: LiveConfiguration, logger: Logger,
    onChange: @escaping @Sendable (AgentConfiguration) async -> Void
  ) {
    self.file = file
    self.environment = environment
    self.configuration = configuration
    self.logger = logger
    self.onChange = onChange
  }

  /// Replaces the server certificate and key; the next TLS connection uses them.
  ///
  /// What would lock controllers out (key and certificate that do not belong together, expired, another amphora's) is
  /// refused, and the old file stays.
  package func replaceServerCertificate(_ pem: [UInt8]) async throws {
    let current = configuration.value
    do {
      _ = try ServerIdentity.validate(pem: pem, amphoraID: current.amphoraID, now: UnixTime.now)
    } catch {
      throw ServerCertificateRefusal(description: "\(error)")
    }
    try await BlockingIO.run { try DurableFile.write(pem, to: current.agentServerCert, mode: 0o600) }
    logger.notice("server certificate replaced", metadata: ["file": "\(current.agentServerCert)"])
  }

  /// Checks a whole new configuration file, stores it, and puts what can change at run time into force.
  package func replaceConfiguration(_ text: [UInt8]) async throws {
    let new = try AgentConfiguration.parse(text, file: file, environment: environment)
    let changes = new.liveChanges(from: configuration.value)
    try await BlockingIO.run { [file] in try DurableFile.write(text, to: file, mode: 0o600) }
    // Controllers render the file for their default topology or the flavor's, not this load balancer's.
    if new.loadBalancerTopology != configuration.value.loadBalancerTopology {
      logger.warning(
        "the new configuration changes the topology", metadata: ["topology": "\(new.loadBalancerTopology.rawValue)"])
    }
    for warning in new.warnings { logger.warning("configuration", metadata: ["problem": "\(warning)"]) }
    logger.notice("configuration replaced", metadata: ["changes": "\(changes)"])
    await onChange(configuration.adopt(new))
  }
}

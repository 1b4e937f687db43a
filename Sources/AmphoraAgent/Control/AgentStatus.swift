// What a running agent says of itself on its own socket, beyond what others can read of files and the kernel.

/// The answer to `status`.
///
/// Times are seconds since 1970 by the wall clock. New fields are optional, so that a newer program can ask an older agent.
package struct AgentStatus: Codable, Hashable, Sendable {
  /// A request that was answered.
  package struct Request: Codable, Hashable, Sendable {
    package var method: String
    package var path: String
    /// The HTTP status.
    package var status: Int
    /// As in the response's header and in the journal.
    package var id: String
    /// When the answer was complete.
    package var time: Double
    package var milliseconds: Double
    /// The client's address.
    package var client: String
  }

  /// A heartbeat that left.
  package struct Heartbeat: Codable, Hashable, Sendable {
    package var destination: String
    package var bytes: Int
    package var time: Double
    package var sequence: Int
    /// What was done to make it fit.
    package var form: String
  }

  /// Reloads of one load balancer since the agent started.
  package struct Reloads: Codable, Hashable, Sendable {
    package var count: Int
    /// `reloaded`, `rolled back` or `failed`.
    package var lastOutcome: String
    package var time: Double
    package var milliseconds: Double
  }

  /// A request in progress.
  package struct Work: Codable, Hashable, Sendable {
    package var method: String
    package var path: String
    package var id: String
    package var client: String
    /// Since its head was read.
    package var seconds: Double
    /// `working`, or `waiting` for its turn in a lane, or `holding` the lane.
    package var state: String
    /// What it changes: a load balancer's or listener's id, `network`, `vrrp` or `agent`.
    package var lane: String?
    /// Since it is in that state.
    package var stateSeconds: Double
  }

  package var version: String
  package var pid: Int32
  package var started: Double
  /// `debug` or `info`.
  package var logLevel: String
  /// When the level goes back to the configured one.
  package var logLevelUntil: Double?
  /// Requests answered.
  package var requests: Int
  package var lastRequest: Request?
  package var heartbeatsSent: Int
  package var lastHeartbeat: Heartbeat?
  /// Why the last heartbeat was not sent; nil when it was.
  package var heartbeatSilence: String?
  /// By the load balancer's id.
  package var reloads: [String: Reloads]
  /// What ``logLevel`` goes back to.
  package var configuredLogLevel: String?
  /// The oldest first.
  package var requestsInProgress: [Work]?
  package var openConnections: Int?
  /// Descriptors of the agent's process.
  package var openFiles: Int?
  /// Heartbeats the kernel refused to send.
  package var heartbeatSendErrors: Int?
  /// The kernel's text for the last of them.
  package var heartbeatSendError: String?
  /// What could not be read for the last heartbeat, with the reason.
  package var heartbeatProblems: [String: String]?
}

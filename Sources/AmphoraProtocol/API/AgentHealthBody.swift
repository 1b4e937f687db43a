// The answer to `GET /1.0/health`, an extension for alarms.

/// Whether an amphora does its work.
///
/// With HTTP status 200 when it is ready, 503 when it is degraded; the body is the same.
public struct AgentHealthBody: Codable, Hashable, Sendable {
  /// The whole.
  public enum Status: String, Codable, Hashable, Sendable {
    /// Every check passes.
    case ready
    /// At least one fails.
    case degraded
  }

  /// One thing that was looked at.
  public struct Check: Codable, Hashable, Sendable {
    /// How it went.
    public enum Status: String, Codable, Hashable, Sendable {
      case pass
      case fail
    }

    /// Such as `disk`, or `haproxy` with the load balancer's id.
    public var name: String
    /// How it went.
    public var status: Status
    /// The evidence, for people; its words may change.
    public var detail: String

    /// Makes a check's result.
    public init(name: String, status: Status, detail: String) {
      self.name = name
      self.status = status
      self.detail = detail
    }
  }

  /// The whole: ready when every check passes.
  public var status: Status
  /// All checks.
  public var checks: [Check]

  /// Makes a body; the status follows from the checks.
  public init(checks: [Check]) {
    status = checks.allSatisfy { $0.status == .pass } ? .ready : .degraded
    self.checks = checks
  }
}

// `amphora-agent log-level`: what level a running agent logs at, and until when.

import FoundationEssentials

/// The log level of a running agent.
package struct LogLevelReport: Encodable, Hashable, Sendable {
  /// `debug` or `info`.
  package let level: String
  /// What the configuration says.
  package let configured: String
  /// When the level goes back to the configured one, in seconds since 1970; nil when it is that.
  package let until: Double?

  /// Takes it from what the agent tells.
  package init(_ status: AgentStatus) {
    level = status.logLevel
    configured = status.configuredLogLevel ?? status.logLevel
    until = status.logLevelUntil
  }

  /// One line for a terminal.
  ///
  /// - Parameter now: seconds since 1970.
  package func text(now: Double = UnixTime.precise) -> String {
    guard let until else { return "\(level), as configured" }
    return "\(level) for another \(TimeSpan(seconds: max(1, Int((until - now).rounded())))), then \(configured)"
  }

  /// For machines.
  package func json() -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    // Encoding it cannot fail: two texts and a finite number.
    return String(decoding: (try? encoder.encode(self)) ?? Data(), as: UTF8.self)
  }
}

// What may be asked of a running agent over its control socket: one line per connection. Both ends use this type.

/// A line of the control socket.
package enum ControlCommand: Hashable, Sendable, CustomStringConvertible {
  /// A level that an operator may set.
  package enum Level: String, Hashable, Sendable, CaseIterable {
    case debug
    case info
  }

  /// Why a line is not understood.
  package enum Problem: Error, Hashable, Sendable, CustomStringConvertible {
    case unknown(String)
    case level(String)
    case seconds(String)

    package var description: String {
      switch self {
      case .unknown(let word): "unknown command '\(word)'; there are metrics, status and log-level"
      case .level(let text): "unknown log level '\(text)'; there are debug, info and configured"
      case .seconds(let text): "'\(text)' is no number of seconds from 1 to \(ControlCommand.longest)"
      }
    }
  }

  /// The metrics as exposition text, for the proxy.
  case metrics
  /// ``AgentStatus`` as JSON.
  case status
  /// Another log level for a time.
  case logLevel(Level, seconds: Int)
  /// Back to the configured log level at once.
  case configuredLogLevel

  /// The longest time for another log level, in seconds: what is forgotten ends within a day.
  package static let longest = 24 * 3600

  /// Reads a line without its end.
  package init(parsing line: String) throws(Problem) {
    let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    switch (words[0], words.count) {
    case ("metrics", 1): self = .metrics
    case ("status", 1): self = .status
    case ("log-level", 2) where words[1] == "configured": self = .configuredLogLevel
    case ("log-level", 2), ("log-level", 3):
      guard let level = Level(rawValue: words[1]) else { throw .level(Self.printable(words[1])) }
      let text = words.count == 3 ? words[2] : ""
      guard let seconds = Int(text), (1...Self.longest).contains(seconds) else { throw .seconds(Self.printable(text)) }
      self = .logLevel(level, seconds: seconds)
    default: throw .unknown(Self.printable(words[0]))
    }
  }

  /// The line, without its end.
  package var description: String {
    switch self {
    case .metrics: "metrics"
    case .status: "status"
    case .logLevel(let level, let seconds): "log-level \(level.rawValue) \(seconds)"
    case .configuredLogLevel: "log-level configured"
    }
  }

  private static func printable(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.prefix(40).filter { (0x20..<0x7F).contains($0.value) }))
  }
}

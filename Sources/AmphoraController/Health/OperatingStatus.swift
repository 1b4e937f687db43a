// What users see of an object, and the tables that make it from heartbeats (contract heartbeat-and-config §3.5).

/// How an object works, as the Octavia API calls it.
public enum OperatingStatus: String, Codable, Hashable, Sendable {
  case online = "ONLINE"
  case offline = "OFFLINE"
  case degraded = "DEGRADED"
  case error = "ERROR"
  case draining = "DRAINING"
  case noMonitor = "NO_MONITOR"
}

/// What a table says of a status word.
enum StatusReading: Hashable {
  case becomes(OperatingStatus)
  /// The object keeps its status; this is the rule and not worth a word.
  case stays
  /// The object keeps its status because nobody knows the word.
  case unknownWord
}

/// The columns "in message" and "result" of contract heartbeat-and-config §3.5.
enum StatusTable {
  /// A listener's word.
  static func listener(_ word: String) -> StatusReading {
    switch word {
    case "OPEN": .becomes(.online)
    case "FULL": .becomes(.degraded)
    default: .unknownWord
    }
  }

  /// A pool's word, before its members have their say.
  static func pool(_ word: String) -> StatusReading {
    switch word {
    case "UP": .becomes(.online)
    case "DOWN": .becomes(.error)
    default: .unknownWord
    }
  }

  /// A member's word.
  static func member(_ word: String) -> StatusReading {
    switch word {
    case "DRAIN": .becomes(.draining)
    case "MAINT": .becomes(.offline)
    case "no check": .becomes(.noMonitor)
    case "RESTARTING": .stays
    case _ where word.hasPrefix("UP"): .becomes(.online)
    case _ where word.hasPrefix("DOWN"): .becomes(.error)
    default: .unknownWord
    }
  }
}

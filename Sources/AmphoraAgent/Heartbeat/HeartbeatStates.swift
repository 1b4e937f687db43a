// What a controller would show differently: the base for extra heartbeats (contract heartbeat-and-config §7 row 13).

import AmphoraProtocol

/// The states in a report, in the words controllers tell apart.
struct HeartbeatStates: Sendable {
  private var listeners: [String: String] = [:]
  private var others: [String: String] = [:]

  init(_ report: HeartbeatReport) {
    for listener in report.listeners { listeners[listener.id] = listener.status }
    for pool in report.pools {
      others[pool.key] = pool.status
      for member in pool.members { others[pool.key + "/" + member.id] = Self.effective(member.status) }
    }
  }

  /// Whether these states, seen after `earlier`, are worth an extra heartbeat.
  ///
  /// They are not while listeners of `earlier` are missing: haproxy may just be restarting.
  func isNews(since earlier: HeartbeatStates) -> Bool {
    guard earlier.listeners.keys.allSatisfy({ listeners[$0] != nil }) else { return false }
    return listeners != earlier.listeners || others != earlier.others
  }

  /// `UP 1/3` and `DOWN 1/2` count progress of a check; controllers see only up and down.
  private static func effective(_ status: String) -> String {
    for word in ["UP", "DOWN"] where status.hasPrefix(word) { return word }
    return status
  }
}

// Listeners, pools and members with what an operator asks about them. Heartbeats carry less.

/// A listener.
package struct ListenerFacts: Codable, Hashable, Sendable {
  package var id: String
  /// `HTTP`, `TCP`, `TERMINATED_HTTPS`, `UDP` or `SCTP`.
  package var mode: String
  /// `203.0.113.10:80`, `[2001:db8::10]:80`.
  package var binds: [String]
  /// `OPEN`, `FULL`, `STOP` …; nil when the process does not say.
  package var state: String?
  /// Connections now.
  package var sessions: Int?
  package var sessionLimit: Int?
  package var totalSessions: Int?
  /// New connections in the last second.
  package var rate: Int?
  /// Requests in the last second, of HTTP listeners.
  package var requestRate: Int?
  /// Requests that were none (bad, or the client left), and that a rule denied.
  package var requestErrors: Int?
  package var deniedRequests: Int?
  /// Answers with a status from 500 on, of HTTP listeners.
  package var serverErrors: Int?
  package var bytesIn: Int?
  package var bytesOut: Int?

  /// Whether it takes connections and has room for more: below nine tenths of its limit.
  package var isWell: Bool {
    guard state == "OPEN" else { return false }
    guard let sessions, let sessionLimit, sessionLimit > 0 else { return true }
    return sessions < sessionLimit / 10 * 9
  }
}

/// A pool as one listener uses it.
package struct PoolFacts: Codable, Hashable, Sendable {
  package var id: String
  /// The listener; nil where the name does not say.
  package var listener: String?
  /// `UP` or `DOWN`.
  package var state: String
  package var algorithm: String?
  package var sessions: Int?
  /// Requests that wait for a member.
  package var queued: Int?
  package var members: [MemberFacts]

  /// The members that get no new traffic, or might not.
  package var notUp: [MemberFacts] { members.filter { !$0.isUp } }
}

/// A member.
package struct MemberFacts: Codable, Hashable, Sendable {
  package var id: String
  /// `10.0.1.21:8080`; nil when the configuration does not say.
  package var address: String?
  /// In heartbeats' words: `UP`, `DOWN`, `DRAIN`, `MAINT`, `no check`, `DOWN 1/2` and so on.
  package var state: String
  package var weight: Int?
  package var isBackup: Bool
  package var sessions: Int?
  package var queued: Int?
  /// haproxy's code of the last check: `L4CON`, `L7STS` and so on.
  package var check: String?
  /// The code in words, with what the check said: `Layer4 connection problem: Connection refused`.
  package var reason: String?
  /// What the last check took, in milliseconds.
  package var checkMilliseconds: Int?
  /// Since it is in this state, in seconds.
  package var changed: Int?
  /// How often it went down.
  package var timesDown: Int?
  /// How long it was down in all, in seconds.
  package var downtime: Int?

  /// Whether it gets new traffic, and its check found nothing amiss.
  package var isUp: Bool { (state == "UP" || state == "no check") && weight != 0 }
}

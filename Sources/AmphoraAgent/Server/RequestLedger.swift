// Which requests are at work and what became of the last one: for operators who wonder what the agent is doing.

import Synchronization

/// The requests in progress, and the last one answered.
package final class RequestLedger: Sendable {
  /// How far a request has come.
  package enum Stage: Hashable, Sendable {
    /// It is read, or only looks.
    case working
    /// Others are before it, or it is a repeat of one that is at work.
    case waiting(Lane)
    case holding(Lane)
  }

  /// A request in progress.
  package struct Work: Hashable, Sendable {
    package let id: RequestID
    package let method: String
    package let path: String
    package let client: String
    package let since: ContinuousClock.Instant
    package var stage = Stage.working
    /// Since when it is at that stage.
    package var stageSince: ContinuousClock.Instant
  }

  private struct State {
    var works: [RequestID: Work] = [:]
    var answered = 0
    var last: AgentStatus.Request?
    var connections = 0
  }

  private let state = Mutex(State())

  /// Makes an empty ledger.
  package init() {}

  /// A request's head was read.
  package func begin(_ id: RequestID, method: String, path: String, client: String) {
    let now = ContinuousClock.now
    // Paths may be of any length.
    let work = Work(
      id: id, method: method, path: String(path.prefix(512)), client: client, since: now, stageSince: now)
    state.withLock { $0.works[id] = work }
  }

  /// A request has come further.
  package func move(_ id: RequestID?, to stage: Stage) {
    guard let id else { return }
    let now = ContinuousClock.now
    state.withLock { state in
      state.works[id]?.stage = stage
      state.works[id]?.stageSince = now
    }
  }

  /// A request was answered.
  package func answered(_ id: RequestID, status: Int) {
    let (now, time) = (ContinuousClock.now, UnixTime.precise)
    state.withLock { state in
      guard let work = state.works.removeValue(forKey: id) else { return }
      state.answered += 1
      state.last = AgentStatus.Request(
        method: work.method, path: work.path, status: status, id: "\(id)", time: time,
        milliseconds: AgentMetrics.seconds(now - work.since) * 1000, client: work.client)
    }
  }

  /// A request is over, answered or not.
  package func end(_ id: RequestID) { state.withLock { $0.works[id] = nil } }

  /// A connection was opened or, with -1, closed.
  package func count(connections change: Int) { state.withLock { $0.connections += change } }

  /// The requests at work, the oldest first.
  package var works: [Work] { state.withLock { $0.works.values.sorted { $0.since < $1.since } } }

  /// Requests answered since the start, the last of them, and open connections.
  package var summary: (answered: Int, last: AgentStatus.Request?, connections: Int) {
    state.withLock { ($0.answered, $0.last, $0.connections) }
  }
}

extension Lane: CustomStringConvertible {
  /// For operators: what the lane is of.
  package var description: String {
    switch self {
    case .object(let id): id
    case .network: "network"
    case .vrrp: "vrrp"
    case .agent: "agent"
    }
  }
}

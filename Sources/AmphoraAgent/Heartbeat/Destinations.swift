// Whom to send the next heartbeat to: contract heartbeat-and-config §2.8. Names are looked up on threads of their own, so
// that a name server that does not answer delays nothing; what was resolved before stays in use meanwhile.

import Synchronization

/// The controllers, in turn.
package final class Destinations: Sendable {
  /// Looks a name up; may block.
  package typealias Resolver = @Sendable (ControllerEndpoint) -> ResolvedDestination?

  /// The answer to "whom next?".
  package enum Choice: Sendable, Hashable {
    case send(ControllerEndpoint, ResolvedDestination)
    /// No endpoint is configured.
    case unconfigured
    /// No endpoint is resolved yet, but lookups are under way for the first time.
    case resolving
    /// None could be resolved; the next call tries again.
    case unresolvable
  }

  private struct Entry {
    let isLiteral: Bool
    var destination: ResolvedDestination?
    var lookedUpAt: ContinuousClock.Instant?
    var isLookingUp = false
    var failed = false
  }

  private struct State {
    var endpoints: [ControllerEndpoint] = []
    var entries: [ControllerEndpoint: Entry] = [:]
    var next = 0
    var onResolved: (@Sendable () -> Void)?
  }

  /// How long a resolved name is used before it is looked up again: a controller may move.
  package static let refreshPeriod = Duration.seconds(60)
  /// The most lookups at a time; each has a thread.
  private static let maximumLookups = 8

  private let state = Mutex(State())
  private let resolver: Resolver

  /// Makes an empty set of destinations.
  package init(resolver: @escaping Resolver = ResolvedDestination.resolve) { self.resolver = resolver }

  /// Calls `handler` whenever an endpoint has become usable.
  package func onResolved(_ handler: (@Sendable () -> Void)?) { state.withLock { $0.onResolved = handler } }

  /// Sets the configured list.
  ///
  /// A list that differs starts over at its first item; known addresses are kept.
  package func replace(_ endpoints: [ControllerEndpoint], at now: ContinuousClock.Instant = .now) {
    state.withLock { state in
      guard endpoints != state.endpoints else { return }
      state.endpoints = endpoints
      state.next = 0
      let old = state.entries
      state.entries = [:]
      for endpoint in endpoints where state.entries[endpoint] == nil {
        let literal = ResolvedDestination.literal(endpoint)
        state.entries[endpoint] = old[endpoint] ?? Entry(isLiteral: literal != nil, destination: literal)
      }
    }
    lookUpDue(at: now)
  }

  /// Whether a heartbeat could be sent now.
  package var isUsable: Bool { state.withLock { $0.entries.values.contains { $0.destination != nil } } }

  /// The next destination in turn; endpoints without an address are passed over.
  ///
  /// Starts lookups that are due.
  package func next(at now: ContinuousClock.Instant = .now) -> Choice {
    let choice = state.withLock { state -> Choice in
      for _ in state.endpoints {
        let endpoint = state.endpoints[state.next]
        state.next = (state.next + 1) % state.endpoints.count
        if let destination = state.entries[endpoint]?.destination { return .send(endpoint, destination) }
      }
      if state.endpoints.isEmpty { return .unconfigured }
      return state.entries.values.allSatisfy(\.failed) ? .unresolvable : .resolving
    }
    lookUpDue(at: now)
    return choice
  }

  /// Looks an endpoint up again, because sending to it failed.
  package func sendingFailed(to endpoint: ControllerEndpoint, at now: ContinuousClock.Instant = .now) {
    state.withLock { $0.entries[endpoint]?.lookedUpAt = nil }
    lookUpDue(at: now)
  }

  /// Starts lookups of names that have no address or an old one.
  private func lookUpDue(at now: ContinuousClock.Instant) {
    let due = state.withLock { state -> [ControllerEndpoint] in
      var free = Self.maximumLookups - state.entries.values.count(where: \.isLookingUp)
      var due: [ControllerEndpoint] = []
      for endpoint in state.endpoints where free > 0 {
        guard let entry = state.entries[endpoint], !entry.isLiteral, !entry.isLookingUp else { continue }
        let age = entry.lookedUpAt.map { now - $0 } ?? Self.refreshPeriod
        guard entry.destination == nil || age >= Self.refreshPeriod else { continue }
        state.entries[endpoint]?.isLookingUp = true
        state.entries[endpoint]?.lookedUpAt = now
        due.append(endpoint)
        free -= 1
      }
      return due
    }
    for endpoint in due {
      let isStarted = BackgroundThread.detach(name: "resolve") { [self] in finish(endpoint, resolver(endpoint)) }
      if !isStarted { finish(endpoint, nil) }
    }
  }

  private func finish(_ endpoint: ControllerEndpoint, _ found: ResolvedDestination?) {
    let handler = state.withLock { state -> (@Sendable () -> Void)? in
      // The list may have changed meanwhile.
      guard var entry = state.entries[endpoint] else { return nil }
      let isNew = entry.destination == nil && found != nil
      entry.isLookingUp = false
      entry.failed = found == nil
      // A name that cannot be looked up now keeps its last address.
      entry.destination = found ?? entry.destination
      state.entries[endpoint] = entry
      return isNew ? state.onResolved : nil
    }
    handler?()
  }
}

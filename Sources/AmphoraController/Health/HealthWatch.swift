// The ledger behind a lock, with its clock and its readers.

import Synchronization

/// Serialises what socket, rounds and user do, so that all readers see the same events in the same order.
final class HealthWatch: Sendable {
  private struct State {
    var ledger: HealthLedger
    var readers: [EventBuffer] = []
    var isFinished = false
  }

  private let state: Mutex<State>
  private let now: @Sendable () -> Duration
  private let maximumWaitingEvents: Int

  init(configuration: AmphoraHealthMonitor.Configuration, now: @escaping @Sendable () -> Duration) {
    self.now = now
    maximumWaitingEvents = configuration.maximumWaitingEvents
    state = Mutex(State(ledger: HealthLedger(configuration: configuration)))
  }

  func take(_ heartbeats: [IncomingHeartbeat]) {
    run { ledger, now, events in
      for heartbeat in heartbeats { ledger.take(heartbeat, now: now, into: &events) }
    }
  }

  func check() {
    run { ledger, now, events in ledger.check(now: now, into: &events) }
  }

  func withLedger<Result: Sendable>(_ body: (inout HealthLedger, Duration) -> Result) -> Result {
    let now = now()
    return state.withLock { body(&$0.ledger, now) }
  }

  func withLedger<Result: Sendable>(_ body: (inout HealthLedger) -> Result) -> Result {
    state.withLock { body(&$0.ledger) }
  }

  func events() -> HealthEvents {
    let buffer = EventBuffer(limit: maximumWaitingEvents)
    let isFinished = state.withLock { state in
      if !state.isFinished { state.readers.append(buffer) }
      return state.isFinished
    }
    if isFinished { buffer.finish() }
    return HealthEvents(owner: EventReader(buffer: buffer))
  }

  /// Ends all event sequences.
  func finish() {
    let readers = state.withLock { state in
      state.isFinished = true
      defer { state.readers = [] }
      return state.readers
    }
    for reader in readers { reader.finish() }
  }

  private func run(_ body: (inout HealthLedger, Duration, inout [HealthEvent]) -> Void) {
    let now = now()
    state.withLock { state in
      var events: [HealthEvent] = []
      body(&state.ledger, now, &events)
      guard !events.isEmpty, !state.readers.isEmpty else { return }
      state.readers.removeAll(where: \.isFinished)
      // Within the lock: two batches must not overtake each other on the way to a reader.
      for reader in state.readers { reader.append(events) }
    }
  }
}

// From the monitor to its readers: each has a buffer of its own, bounded, with a stated loss.

import Synchronization

/// Events of a monitor in their order, for one reader.
///
/// A reader that is too slow loses the oldest events; the next thing it gets is ``HealthEvent/missed(_:)`` with their number.
/// Events are changes, and what they change is in ``AmphoraHealthMonitor/amphorae`` and
/// ``AmphoraHealthMonitor/loadBalancer(_:)``: after a loss, read these. The sequence ends when the monitor is closed.
public struct HealthEvents: AsyncSequence, Sendable {
  /// The events.
  public typealias Element = HealthEvent
  /// The events never fail.
  public typealias Failure = Never

  let owner: EventReader

  /// The events, for one reader.
  public func makeAsyncIterator() -> Iterator { Iterator(owner: owner) }

  /// Takes events out of the buffer.
  public struct Iterator: AsyncIteratorProtocol {
    let owner: EventReader

    /// The next event; nil when the monitor is closed or the task is cancelled.
    public mutating func next(isolation actor: isolated (any Actor)? = #isolation) async -> HealthEvent? {
      await owner.buffer.next()
    }

    /// The next event; nil when the monitor is closed or the task is cancelled.
    public mutating func next() async -> HealthEvent? { await owner.buffer.next() }
  }
}

/// Ends its buffer when the last copy of a sequence and its iterators is gone, so that the monitor fills it no longer.
final class EventReader: Sendable {
  let buffer: EventBuffer

  init(buffer: EventBuffer) { self.buffer = buffer }

  deinit { buffer.finish() }
}

/// The buffer of one reader.
final class EventBuffer: Sendable {
  private struct State {
    var events: [HealthEvent] = []
    /// Where the oldest event is: taking it must not move the others.
    var head = 0
    var missed = 0
    var isFinished = false
    var reader: CheckedContinuation<HealthEvent?, Never>?

    var count: Int { events.count - head }

    mutating func pop() -> HealthEvent? {
      if missed > 0 {
        defer { missed = 0 }
        return .missed(missed)
      }
      guard count > 0 else { return nil }
      defer { drop(1) }
      return events[head]
    }

    mutating func drop(_ number: Int) {
      head += number
      if head * 2 > events.count {
        events.removeFirst(head)
        head = 0
      }
    }
  }

  private let limit: Int
  private let state = Mutex(State())

  init(limit: Int) { self.limit = max(1, limit) }

  /// Adds events and wakes the reader.
  func append(_ events: [HealthEvent]) {
    let (reader, event) = state.withLock { state -> (CheckedContinuation<HealthEvent?, Never>?, HealthEvent?) in
      guard !state.isFinished else { return (nil, nil) }
      state.events.append(contentsOf: events)
      let excess = state.count - limit
      if excess > 0 {
        state.missed += excess
        state.drop(excess)
      }
      guard let reader = state.reader, let event = state.pop() else { return (nil, nil) }
      state.reader = nil
      return (reader, event)
    }
    reader?.resume(returning: event)
  }

  /// Ends the sequence behind the events that are there.
  func finish() {
    let reader = state.withLock { state -> CheckedContinuation<HealthEvent?, Never>? in
      state.isFinished = true
      defer { state.reader = nil }
      return state.reader
    }
    reader?.resume(returning: nil)
  }

  var isFinished: Bool { state.withLock { $0.isFinished } }

  func next() async -> HealthEvent? {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let outcome = state.withLock { state -> (isReady: Bool, event: HealthEvent?) in
          if let event = state.pop() { return (true, event) }
          // A second reader of one iterator is not served; it would starve the first.
          if state.isFinished || Task.isCancelled || state.reader != nil { return (true, nil) }
          state.reader = continuation
          return (false, nil)
        }
        if outcome.isReady { continuation.resume(returning: outcome.event) }
      }
    } onCancel: {
      let reader = state.withLock { state -> CheckedContinuation<HealthEvent?, Never>? in
        defer { state.reader = nil }
        return state.reader
      }
      reader?.resume(returning: nil)
    }
  }
}

// A clock whose sleeps return at once and are written down.

import Synchronization

final class RecordingClock: Clock {
  struct Instant: InstantProtocol {
    var offset: Swift.Duration
    func advanced(by duration: Swift.Duration) -> Instant { Instant(offset: offset + duration) }
    func duration(to other: Instant) -> Swift.Duration { other.offset - offset }
    static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
  }

  private let state = Mutex<(now: Swift.Duration, pauses: [Swift.Duration])>((.zero, []))

  var now: Instant { Instant(offset: state.withLock { $0.now }) }
  var minimumResolution: Swift.Duration { .zero }
  var pauses: [Swift.Duration] { state.withLock { $0.pauses } }

  func sleep(until deadline: Instant, tolerance: Swift.Duration?) async throws {
    try Task.checkCancellation()
    state.withLock {
      $0.pauses.append(deadline.offset - $0.now)
      $0.now = deadline.offset
    }
  }
}

// When heartbeats are due: slots at a fixed distance on a monotonic clock, so that the time a heartbeat takes does not
// add up (contract heartbeat-and-config §7 row 25).

/// The times of heartbeats.
struct HeartbeatSchedule<Instant: InstantProtocol> where Instant.Duration == Duration {
  /// The largest part of the interval by which a heartbeat may come before its slot.
  ///
  /// Amphorae that boot together would else keep sending together; never later, so that the distance to the timeout
  /// is not shortened.
  static var maximumJitter: Double { 0.1 }

  private(set) var interval: Duration
  /// When the next heartbeat is due.
  private(set) var due: Instant
  private var slot: Instant

  /// A schedule whose first heartbeat is due at once.
  init(interval: Duration, startingAt now: Instant) {
    self.interval = interval
    slot = now
    due = now
  }

  /// Moves on to the next slot, after a heartbeat at `now`; `random` is 0..<1.
  mutating func advance(at now: Instant, random: Double) {
    slot = slot.advanced(by: interval)
    // Slots missed while the machine slept are not made up for.
    if slot <= now { slot = now.advanced(by: interval) }
    due = slot.advanced(by: .zero - interval * (Self.maximumJitter * random))
    // An extra heartbeat just before the slot counts for it.
    if due <= now { due = slot }
  }

  /// Makes a heartbeat due at `time`; the slots after it follow from there.
  mutating func restart(at time: Instant, interval: Duration) {
    self.interval = interval
    slot = time
    due = time
  }
}

// What to do next and when: a state machine without clock, threads or sockets.

/// Something that may change what is due.
enum HeartbeatEvent: Sendable {
  case timer(Int)
  case reloaded
  case hurry
  case resolved
  case finished(HeartbeatOutcome)
}

/// A piece of work for the sender's thread.
enum HeartbeatWork: Sendable, Equatable {
  case beat
  /// Look for changed states.
  case look(within: Duration)
  /// No work: a heartbeat was due twice while the thread was at another.
  case overrun
}

/// How a piece of work ended.
struct HeartbeatOutcome: Sendable {
  let work: HeartbeatWork
  /// A look found a change.
  let changed: Bool
  /// Something could not be read.
  let hasProblems: Bool
  let took: Duration
}

/// Decides on heartbeats, extra heartbeats and looks for changes.
struct HeartbeatPacing<Instant: InstantProtocol> where Instant.Duration == Duration {
  /// The distance of extra heartbeats (contract heartbeat-and-config §7 row 13).
  static var extraDistance: Duration { .seconds(1) }
  /// The longest a look may take; none begins so shortly before a heartbeat is due.
  static var lookBudget: Duration { .milliseconds(500) }
  /// Looks may cost 1/50 of one processor: on a large load balancer they are rarer than the period says.
  static var lookCostFactor: Int { 50 }

  private var schedule: HeartbeatSchedule<Instant>
  private let watchPeriod: Duration?
  private var nextLook: Instant?
  private var lastBeat: Instant?
  private var isBusy = false
  private var isBeatWaiting = false

  init(interval: Duration, watchPeriod: Duration?, startingAt now: Instant) {
    schedule = HeartbeatSchedule(interval: interval, startingAt: now)
    self.watchPeriod = watchPeriod
  }

  /// When something is due next.
  var wakeUp: Instant { isBusy ? schedule.due : nextLook.map { min($0, schedule.due) } ?? schedule.due }

  /// What to begin now; call until it returns nil.
  mutating func begin(at now: Instant, random: Double) -> HeartbeatWork? {
    if now >= schedule.due {
      schedule.advance(at: now, random: random)
      if isBusy, isBeatWaiting { return .overrun }
      isBeatWaiting = true
    }
    guard !isBusy else { return nil }
    if isBeatWaiting {
      isBeatWaiting = false
      isBusy = true
      lastBeat = now
      nextLook = nil
      return .beat
    }
    guard let look = nextLook, now >= look else { return nil }
    nextLook = nil
    guard now.duration(to: schedule.due) > Self.lookBudget else { return nil }
    isBusy = true
    return .look(within: Self.lookBudget)
  }

  mutating func finish(_ outcome: HeartbeatOutcome, at now: Instant) {
    isBusy = false
    if outcome.changed { hurry(at: now) }
    // A stuck source would make a look take its whole budget, so there is none before the next heartbeat.
    guard let watchPeriod, !outcome.hasProblems else { return }
    nextLook = now.advanced(by: max(watchPeriod, outcome.took * Self.lookCostFactor))
  }

  /// Makes a heartbeat due as soon as the distance of extra heartbeats allows.
  mutating func hurry(at now: Instant) {
    let earliest = lastBeat.map { max(now, $0.advanced(by: Self.extraDistance)) } ?? now
    guard earliest < schedule.due else { return }
    schedule.restart(at: earliest, interval: schedule.interval)
  }

  /// Makes a heartbeat due at once, unless one is on its way.
  mutating func retry(at now: Instant) {
    if !isBusy, !isBeatWaiting { schedule.restart(at: now, interval: schedule.interval) }
  }

  /// Applies another interval; a heartbeat is due at once.
  mutating func reload(interval: Duration, at now: Instant) { schedule.restart(at: now, interval: interval) }
}

/// Wakes the sender's loop at one time, which may be moved.
struct HeartbeatTimer<C: Clock> where C.Duration == Duration {
  private let clock: C
  private let feed: AsyncStream<HeartbeatEvent>.Continuation
  private var deadline: C.Instant?
  private var task: Task<Void, Never>?
  private var generation = 0

  init(clock: C, feed: AsyncStream<HeartbeatEvent>.Continuation) {
    self.clock = clock
    self.feed = feed
  }

  mutating func set(_ time: C.Instant) {
    // A timer that has fired must be set anew even for the same time.
    guard time != deadline || time <= clock.now else { return }
    deadline = time
    task?.cancel()
    generation += 1
    task = Task { [clock, feed, generation] in
      guard (try? await clock.sleep(until: time, tolerance: nil)) != nil else { return }
      feed.yield(.timer(generation))
    }
  }

  func cancel() { task?.cancel() }
}

// The long-running part that sends heartbeats: it keeps time, and leaves everything that blocks to a thread of its own.

package import Logging
import Synchronization

/// Sends heartbeats for as long as ``run()`` runs.
package final class HeartbeatSender: Sendable {
  private struct State {
    var settings: HeartbeatSettings
    var status = HeartbeatStatus()
    // Apart from `status`, which a heartbeat at work replaces as a whole.
    var overruns = 0
    var feed: AsyncStream<HeartbeatEvent>.Continuation?
  }

  private let state: Mutex<State>
  private let cycle: Mutex<HeartbeatCycle>
  private let destinations: Destinations
  private let watchPeriod: Duration?
  private let random: @Sendable () -> Double
  private let logger: Logger

  /// Makes a sender; nothing is sent before ``run()``.
  ///
  /// - Parameters:
  ///   - watchPeriod: how often to look for changed states between heartbeats, at most; nil for never.
  ///   - random: gives 0..<1 for each heartbeat's jitter.
  package init(
    configuration: AgentConfiguration, sources: [any HeartbeatSource], paths: AgentPaths,
    watchPeriod: Duration? = .seconds(1), resolver: @escaping Destinations.Resolver = ResolvedDestination.resolve,
    random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }, logger: Logger
  ) {
    let destinations = Destinations(resolver: resolver)
    state = Mutex(State(settings: HeartbeatSettings(configuration)))
    cycle = Mutex(HeartbeatCycle(sources: sources, paths: paths, destinations: destinations, logger: logger))
    self.destinations = destinations
    self.watchPeriod = watchPeriod
    self.random = random
    self.logger = logger
  }

  /// What has been done so far.
  package var status: HeartbeatStatus {
    state.withLock { state in
      var status = state.status
      if state.overruns > 0 { status.skipped[.overrun] = state.overruns }
      return status
    }
  }

  /// Applies a new configuration at once: the next heartbeat follows immediately if anything about them changed.
  package func reload(_ configuration: AgentConfiguration) {
    let settings = HeartbeatSettings(configuration)
    let isChange = state.withLock { state in
      defer { state.settings = settings }
      return settings != state.settings
    }
    if isChange { emit(.reloaded) }
  }

  /// Asks for an extra heartbeat soon, because something changed; there is at most one per second.
  package func hurry() { emit(.hurry) }

  /// Sends heartbeats, the first at once, until the task is cancelled.
  package func run() async { await run(on: ContinuousClock()) }

  /// As ``run()``, on another clock.
  package func run<C: Clock>(on clock: C) async where C.Duration == Duration {
    guard let thread = BackgroundThread(name: "heartbeat") else {
      // Whoever supervises this service restarts it or the agent.
      logger.critical("heartbeat: no thread to be had, heartbeats are not sent")
      return
    }
    let (events, feed) = AsyncStream.makeStream(of: HeartbeatEvent.self)
    let settings = state.withLock { state in
      state.feed = feed
      return state.settings
    }
    destinations.onResolved { feed.yield(.resolved) }
    destinations.replace(settings.endpoints)
    var pacing = HeartbeatPacing(interval: settings.interval, watchPeriod: watchPeriod, startingAt: clock.now)
    var timer = HeartbeatTimer(clock: clock, feed: feed)
    feed.yield(.timer(0))
    for await event in events {
      take(event, &pacing, at: clock.now)
      while let work = pacing.begin(at: clock.now, random: random()) {
        if work == .overrun { noteOverrun() } else { start(work, on: thread, feed) }
      }
      timer.set(pacing.wakeUp)
    }
    timer.cancel()
    destinations.onResolved(nil)
    state.withLock { $0.feed = nil }
    await thread.stop()
  }

  private func emit(_ event: HeartbeatEvent) { state.withLock { $0.feed }?.yield(event) }

  private func take<I: InstantProtocol>(
    _ event: HeartbeatEvent, _ pacing: inout HeartbeatPacing<I>, at now: I
  ) where I.Duration == Duration {
    switch event {
    case .timer: break
    case .reloaded:
      let settings = state.withLock { $0.settings }
      destinations.replace(settings.endpoints)
      pacing.reload(interval: settings.interval, at: now)
    case .hurry: pacing.hurry(at: now)
    case .resolved: break
    case .finished(let outcome): pacing.finish(outcome, at: now)
    }
    // A heartbeat that lacked only an address follows as soon as there is one. Looked at after each event, because the
    // address may come while the thread still works on the heartbeat without.
    let waitsForNames = state.withLock { $0.status.silence?.isAboutNames == true }
    if waitsForNames, destinations.isUsable { pacing.retry(at: now) }
  }

  private func start(
    _ work: HeartbeatWork, on thread: BackgroundThread, _ feed: AsyncStream<HeartbeatEvent>.Continuation
  ) {
    thread.run { [self] in
      let begun = ContinuousClock.now
      let (changed, hasProblems) = cycle.withLock { cycle in
        let changed = perform(work, &cycle)
        return (changed, cycle.hasProblems)
      }
      feed.yield(.finished(.init(work: work, changed: changed, hasProblems: hasProblems, took: .now - begun)))
    }
  }

  /// Does a piece of work; whether it found a change to report.
  private func perform(_ work: HeartbeatWork, _ cycle: inout HeartbeatCycle) -> Bool {
    if case .look(let budget) = work { return cycle.hasChanged(within: budget) }
    // On a copy: `status` must be readable while this takes its time.
    let settings = state.withLock { $0.settings }
    var status = state.withLock { $0.status }
    cycle.beat(settings, status: &status)
    state.withLock { $0.status = status }
    return false
  }

  private func noteOverrun() {
    let isFirst = state.withLock { state in
      state.overruns += 1
      defer { state.status.silence = .overrun }
      return state.status.silence != .overrun
    }
    if isFirst { logger.error("heartbeat: no heartbeat: \(HeartbeatStatus.SkipReason.overrun.rawValue)") }
  }
}

extension HeartbeatStatus.SkipReason {
  fileprivate var isAboutNames: Bool { self == .resolving || self == .unresolvable }
}

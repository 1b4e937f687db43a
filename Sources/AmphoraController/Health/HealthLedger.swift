// The state behind a monitor, without socket, clock and threads: what comes in returns events.

import AmphoraProtocol

/// Everything that is known of the watched amphorae.
///
/// Times are durations since the ledger began.
struct HealthLedger {
  /// Ids that should not exist and of which a heartbeat was told; more are counted only.
  private static let maximumZombies = 10_000

  var configuration: AmphoraHealthMonitor.Configuration
  private(set) var zombies = 0
  private(set) var late = 0
  private(set) var isMassLoss = false
  private var amphorae: [String: WatchedAmphora] = [:]
  private var loadBalancers: [String: WatchedLoadBalancer] = [:]
  private var toldZombies: [String: Duration] = [:]
  /// The first round comes after this: amphorae must have had the time to be heard.
  private var graceEnd: Duration
  private var lastRound: Duration?

  init(configuration: AmphoraHealthMonitor.Configuration) {
    self.configuration = configuration
    graceEnd = configuration.staleness.heartbeatTimeout
  }

  // MARK: What is expected

  /// Watches a load balancer, or takes its changed expectations.
  mutating func expect(_ view: LoadBalancerView, amphorae ids: [AmphoraID]) {
    let balancer = loadBalancers[view.id]
    if let balancer {
      balancer.view = view.keepingStatuses(of: balancer.view)
    }
    let kept = balancer ?? WatchedLoadBalancer(view)
    loadBalancers[view.id] = kept
    for amphora in amphorae.values where amphora.loadBalancer === kept && !ids.contains(amphora.id) {
      amphora.loadBalancer = nil
      amphora.status = .deleted
    }
    for id in ids {
      let amphora = amphorae[id.text] ?? WatchedAmphora(id)
      amphora.loadBalancer = kept
      amphora.status = .allocated
      amphorae[id.text] = amphora
      toldZombies[id.text] = nil
    }
  }

  mutating func setProvisioningStatus(_ status: ProvisioningStatus, of loadBalancer: String) {
    loadBalancers[loadBalancer]?.view.provisioningStatus = status
  }

  /// From now on a heartbeat of it is that of a zombie.
  mutating func amphoraDeleted(_ id: AmphoraID) {
    let amphora = amphorae[id.text] ?? WatchedAmphora(id)
    amphora.status = .deleted
    amphora.loadBalancer = nil
    amphorae[id.text] = amphora
  }

  mutating func forget(_ id: AmphoraID) { amphorae[id.text] = nil }

  mutating func forget(loadBalancer: String) {
    guard let balancer = loadBalancers.removeValue(forKey: loadBalancer) else { return }
    for amphora in amphorae.values where amphora.loadBalancer === balancer { amphorae[amphora.id.text] = nil }
  }

  /// The next round may tell again that it is stale.
  mutating func reportAgain(_ id: AmphoraID) { amphorae[id.text]?.isBusy = false }

  // MARK: What is asked

  func loadBalancer(_ id: String) -> LoadBalancerView? { loadBalancers[id]?.view }

  func amphora(_ id: AmphoraID, now: Duration) -> AmphoraHealth? { amphorae[id.text]?.health(now: now) }

  func allAmphorae(now: Duration) -> [AmphoraHealth] { amphorae.values.map { $0.health(now: now) } }

  var amphoraCount: Int { amphorae.count }

  // MARK: What happens

  /// Takes a verified heartbeat.
  mutating func take(_ heartbeat: IncomingHeartbeat, now: Duration, into events: inout [HealthEvent]) {
    guard let amphora = watched(heartbeat, now: now, into: &events) else { return }
    switch amphora.window.take(heartbeat.message.sequence, digest: heartbeat.digest) {
    case .repeated:
      amphora.repeated += 1
      return
    case .restarted:
      amphora.restarts += 1
      events.append(.restarted(amphora.id))
    case .fresh: break
    }
    var verdict = HealthVerdict()
    if let balancer = amphora.loadBalancer {
      verdict = balancer.view.apply(
        heartbeat.message, delay: heartbeat.delay, limit: configuration.heartbeatInterval,
        matching: configuration.listenerMatching)
    } else {
      verdict.isLate = heartbeat.delay >= configuration.heartbeatInterval
      verdict.recordsAlive = !verdict.isLate
    }
    if verdict.isLate { late += 1 }
    amphora.heard(heartbeat, now: now)
    amphora.judge(verdict, now: now, into: &events)
    for change in verdict.changes { events.append(.statusChanged(change, by: amphora.id)) }
  }

  /// The amphora that a heartbeat is from; nil for one that should not exist.
  private mutating func watched(
    _ heartbeat: IncomingHeartbeat, now: Duration, into events: inout [HealthEvent]
  ) -> WatchedAmphora? {
    let known = amphorae[heartbeat.message.id]
    if let known, known.status != .deleted, known.loadBalancer?.view.provisioningStatus != .deleted { return known }
    guard let id = known?.id ?? AmphoraID(heartbeat.message.id) else { return nil }
    if known == nil, configuration.unknownAmphorae == .areWatched, amphorae.count < configuration.maximumAmphorae {
      let amphora = WatchedAmphora(id)
      amphorae[id.text] = amphora
      return amphora
    }
    zombies += 1
    tell(
      Zombie(amphora: id, kind: known == nil ? .unknown : .deleted, source: "\(heartbeat.source)"), now: now, &events)
    return nil
  }

  private mutating func tell(_ zombie: Zombie, now: Duration, _ events: inout [HealthEvent]) {
    let id = zombie.amphora.text
    if let told = toldZombies[id], now - told < configuration.staleness.heartbeatTimeout { return }
    if toldZombies[id] == nil, toldZombies.count >= Self.maximumZombies {
      toldZombies = toldZombies.filter { now - $0.value < configuration.staleness.heartbeatTimeout }
      guard toldZombies.count < Self.maximumZombies else { return }
    }
    toldZombies[id] = now
    events.append(.zombie(zombie))
  }

  /// One round of contract heartbeat-and-config §4.2, if its time has come.
  mutating func check(now: Duration, into events: inout [HealthEvent]) {
    let policy = configuration.staleness
    // A monitor that was itself stopped or starved has heard nobody, and learns that from its own rounds.
    if let lastRound, now - lastRound > policy.checkInterval + policy.heartbeatTimeout / 2 {
      graceEnd = now + policy.heartbeatTimeout
    }
    lastRound = now
    guard now >= graceEnd else { return }
    let round = StalenessRound(amphorae.values.lazy.compactMap(\.row), now: now, policy: policy)
    for id in round.recovered { amphorae[id.text]?.status = .allocated }
    for id in round.stopped { amphorae[id.text]?.status = .failoverStopped }
    if round.isMassLoss, !isMassLoss {
      let silent = amphorae.values.filter { $0.status == .failoverStopped }.map(\.id).sorted { $0.text < $1.text }
      events.append(.massLoss(MassLoss(amphorae: silent, threshold: round.threshold ?? 0)))
    } else if isMassLoss, !round.isMassLoss {
      events.append(.massLossOver(stillSilent: round.stale))
    }
    isMassLoss = round.isMassLoss
    for id in round.failOver {
      guard let amphora = amphorae[id.text] else { continue }
      amphora.isBusy = true
      events.append(.stale(amphora.stale(now: now, timeout: policy.heartbeatTimeout)))
    }
  }
}

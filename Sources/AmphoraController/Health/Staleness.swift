// Which amphorae have been silent for too long, and whether to believe it (contract heartbeat-and-config §4.1, §4.2). A pure
// function: whoever has a database of his own can use it without the monitor.

public import AmphoraProtocol

/// When amphorae count as dead, and when so many do that it is not believed.
public struct StalenessPolicy: Hashable, Sendable {
  /// When a mass loss stops failovers.
  public enum Breaker: Hashable, Sendable {
    /// Never, as Octavia without `failover_threshold`.
    case none
    /// From this many stale amphorae on, as Octavia's `failover_threshold`.
    case count(Int)
    /// From this share of the amphorae with heartbeats on, but not below a number.
    case share(Double, atLeast: Int)

    /// How many stale amphorae open the breaker, of `watched`; nil for no number.
    public func threshold(watched: Int) -> Int? {
      switch self {
      case .none: nil
      case .count(let count): max(1, count)
      case .share(let share, let least): max(1, least, Int((Double(watched) * share).rounded(.up)))
      }
    }
  }

  /// How long an amphora may be silent: Octavia's `heartbeat_timeout`; also the grace after the monitor's start.
  public var heartbeatTimeout: Duration = .seconds(60)
  /// The pause between rounds: Octavia's `health_check_interval`.
  public var checkInterval: Duration = .seconds(3)
  /// How many amphorae a round gives up at most: Octavia's `failover_threads`.
  public var maximumPerRound = 10
  /// When a mass loss stops failovers.
  ///
  /// The default differs from Octavia's, which is none: half of all amphorae, and more than four, do not die in one minute;
  /// the network or the monitor is ill.
  public var breaker = Breaker.share(0.5, atLeast: 5)

  /// Makes a policy with Octavia's timings.
  public init() {}
}

/// What is stored of one amphora that has sent an accepted heartbeat.
public struct HealthRow: Hashable, Sendable {
  /// The amphora's id.
  public var amphora: AmphoraID
  /// When the last accepted heartbeat came, on the clock of `now`.
  public var lastUpdate: Duration
  /// Whether somebody is at work on it already.
  public var isBusy: Bool
  /// What the controller knows of the amphora.
  public var status: AmphoraStatus
  /// What the controller is doing with its load balancer; nil when it has none.
  public var loadBalancerStatus: ProvisioningStatus?

  /// Makes a row.
  public init(
    amphora: AmphoraID, lastUpdate: Duration, isBusy: Bool = false, status: AmphoraStatus = .allocated,
    loadBalancerStatus: ProvisioningStatus? = .active
  ) {
    self.amphora = amphora
    self.lastUpdate = lastUpdate
    self.isBusy = isBusy
    self.status = status
    self.loadBalancerStatus = loadBalancerStatus
  }
}

/// The decisions of one round.
public struct StalenessRound: Hashable, Sendable {
  /// How many amphorae are stale and not busy.
  public var stale = 0
  /// The number from which on failovers stop; nil for none.
  public var threshold: Int?
  /// Whether there are so many that nobody fails over.
  public var isMassLoss = false
  /// Amphorae that were stopped by a mass loss and are heard again: status ``AmphoraStatus/allocated`` from now on.
  public var recovered: [AmphoraID] = []
  /// Amphorae that a mass loss keeps from failing over: status ``AmphoraStatus/failoverStopped`` from now on.
  public var stopped: [AmphoraID] = []
  /// Amphorae to fail over, the longest silent first; busy from now on.
  public var failOver: [AmphoraID] = []

  /// Decides one round.
  ///
  /// Octavia picks at random, so that several controllers do not collide, and ends the round at the first load balancer that
  /// is being changed; here the longest silent come first, and such a load balancer waits for the next round while the others
  /// go on (contract §7 row 21).
  ///
  /// - Parameters:
  ///   - rows: the amphorae that have ever been heard.
  ///   - now: the time on the clock of the rows.
  ///   - policy: what counts as stale.
  public init(_ rows: some Sequence<HealthRow>, now: Duration, policy: StalenessPolicy) {
    let cutoff = now - policy.heartbeatTimeout
    var silent: [HealthRow] = []
    var watched = 0
    for row in rows {
      watched += 1
      guard !row.isBusy else { continue }
      if row.lastUpdate < cutoff {
        silent.append(row)
      } else if row.status == .failoverStopped {
        recovered.append(row.amphora)
      }
    }
    stale = silent.count
    threshold = policy.breaker.threshold(watched: watched)
    if let threshold, stale >= threshold {
      isMassLoss = true
      stopped = silent.filter { $0.status != .deleted && $0.status != .pendingDelete && $0.status != .failoverStopped }
        .map(\.amphora)
      return
    }
    silent = silent.filter(\.mayFailOver)
    silent.sort { ($0.lastUpdate, $0.amphora.text) < ($1.lastUpdate, $1.amphora.text) }
    failOver = silent.prefix(max(1, policy.maximumPerRound)).map(\.amphora)
  }
}

extension HealthRow {
  fileprivate var mayFailOver: Bool {
    guard status == .allocated || status == .failoverStopped else { return false }
    switch loadBalancerStatus {
    case nil, .active, .error: return true
    case .pendingCreate, .pendingUpdate, .pendingDelete, .deleted: return false
    }
  }
}

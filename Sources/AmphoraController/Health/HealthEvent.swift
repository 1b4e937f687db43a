// What a monitor tells its user.

public import AmphoraProtocol

/// Something that happened to what a monitor watches.
public enum HealthEvent: Hashable, Sendable {
  /// An amphora's first accepted heartbeat.
  case appeared(AmphoraID)
  /// An object has another operating status: a member is down, a listener is full, and so on.
  case statusChanged(StatusChange, by: AmphoraID)
  /// An amphora is heard but does not serve the listeners it should; told once until it does.
  case listenersDiffer(AmphoraID, ListenerMismatch)
  /// An amphora has been silent for too long and may be failed over; told once until it is back or asked for again.
  case stale(StaleAmphora)
  /// An amphora that was told to be stale, or was held back by a mass loss, is alive.
  case back(AmphoraID, silentFor: Duration)
  /// So many amphorae fell silent that none of them is told to be stale; told when it begins.
  case massLoss(MassLoss)
  /// The mass loss is over; who is silent still is told to be stale from now on.
  case massLossOver(stillSilent: Int)
  /// A heartbeat of an amphora that should not exist; told once per timeout.
  case zombie(Zombie)
  /// An amphora's agent has started anew.
  case restarted(AmphoraID)
  /// The reader was too slow: so many events were dropped, the oldest first. The state is in the monitor.
  case missed(Int)
}

/// An amphora that has been silent for too long.
public struct StaleAmphora: Hashable, Sendable {
  /// Why it does not count as alive.
  public enum Cause: Hashable, Sendable {
    /// Nothing was heard.
    case silence
    /// It is heard, but it does not serve the listeners it should (contract heartbeat-and-config §7 row 20): another amphora
    /// of the same configuration may fare no better.
    case listenersDiffer(ListenerMismatch)
  }

  /// The amphora's id.
  public let amphora: AmphoraID
  /// Its load balancer; nil when none was named.
  public let loadBalancer: String?
  /// How long no heartbeat was accepted.
  public let silentFor: Duration
  /// Why.
  public let cause: Cause
}

/// More silent amphorae than are believed.
public struct MassLoss: Hashable, Sendable {
  /// The silent amphorae.
  public let amphorae: [AmphoraID]
  /// The number that opened the breaker.
  public let threshold: Int
}

/// An amphora that sends heartbeats and should not exist (contract heartbeat-and-config §3.4 step 1).
public struct Zombie: Hashable, Sendable {
  /// What is wrong with it.
  public enum Kind: Hashable, Sendable {
    /// Nobody knows it: an operator must look for its VM.
    case unknown
    /// It was deleted: its VM can be deleted at once.
    case deleted
  }

  /// The id in the heartbeat.
  public let amphora: AmphoraID
  /// What is wrong with it.
  public let kind: Kind
  /// Where the heartbeat came from; for finding the VM, it proves nothing.
  public let source: String
}

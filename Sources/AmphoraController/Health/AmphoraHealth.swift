// What a monitor knows of one amphora.

public import AmphoraProtocol

/// The state of an amphora at the moment it was asked for.
public struct AmphoraHealth: Sendable {
  /// The amphora's id.
  public let amphora: AmphoraID
  /// Its load balancer; nil when none was named.
  public let loadBalancer: String?
  /// What the controller knows of it; ``AmphoraStatus/failoverStopped`` while a mass loss holds it back.
  public let status: AmphoraStatus
  /// How long ago the last accepted heartbeat came; nil when none ever did.
  public let age: Duration?
  /// Whether it was told to be stale and is not back.
  public let isStale: Bool
  /// The last heartbeat, accepted or not; nil when none ever came.
  public let message: HeartbeatMessage?
  /// Where it came from; for logs only, it proves nothing.
  public let source: String?
  /// Why the last heartbeat was not accepted, when its listeners were not those expected.
  public let mismatch: ListenerMismatch?
  /// How many heartbeats came, repeated ones not counted.
  public let heartbeats: Int
  /// How many datagrams were repeated and therefore ignored.
  public let repeated: Int
  /// How often the agent has started anew.
  public let restarts: Int
  /// What went through it.
  public let traffic: AmphoraTraffic

  /// The last heartbeat's sequence number.
  public var sequence: Int? { message?.sequence }
  /// The listeners of the last heartbeat.
  public var listeners: [HeartbeatMessage.Listener] { message?.listeners ?? [] }
  /// How many members are up, of those that a monitor checks or that are taken to be up without one.
  public var membersUp: Int { members { [.online, .noMonitor, .draining].contains($0) } }
  /// How many members are down.
  public var membersDown: Int { members { $0 == .error } }

  /// A member that stands in several pools' entries counts once per pool.
  private func members(_ isCounted: (OperatingStatus) -> Bool) -> Int {
    var pools: Set<Substring> = []
    var count = 0
    for pool in message?.pools ?? [] where pools.insert(pool.poolID).inserted {
      for member in pool.members {
        if case .becomes(let status) = StatusTable.member(member.status), isCounted(status) { count += 1 }
      }
    }
    return count
  }
}

/// What went through one amphora since the monitor began to watch it.
public struct AmphoraTraffic: Hashable, Sendable {
  /// Bytes from clients.
  public internal(set) var bytesIn = 0
  /// Bytes to clients.
  public internal(set) var bytesOut = 0
  /// Connections that were opened.
  public internal(set) var totalConnections = 0
  /// Requests that were wrong.
  public internal(set) var requestErrors = 0
  /// Connections open at the last heartbeat.
  public internal(set) var connections = 0
  /// Bytes from clients per second, between the last two heartbeats.
  public internal(set) var bytesInPerSecond = 0.0
  /// Bytes to clients per second, between the last two heartbeats.
  public internal(set) var bytesOutPerSecond = 0.0
}

extension AmphoraTraffic {
  /// Adds the numbers of a heartbeat (contract heartbeat-and-config §3.6); unusable ones leave everything as it is.
  ///
  /// - Parameters:
  ///   - message: the heartbeat.
  ///   - previous: the one before, from which totals of old agents are turned into increments.
  ///   - interval: the time between the two; nil at the first.
  mutating func add(_ message: HeartbeatMessage, previous: HeartbeatMessage?, interval: Duration?) {
    guard let sum = message.sum else { return }
    connections = sum.connections
    var increment = sum
    if !message.countersAreDeltas {
      // The first totals of an old agent are from before the watch.
      guard let before = previous?.sum else { return }
      increment = sum.increment(since: before)
    }
    bytesIn.add(increment.bytesIn)
    bytesOut.add(increment.bytesOut)
    totalConnections.add(increment.totalConnections)
    requestErrors.add(increment.requestErrors)
    guard let interval, interval > .zero else { return }
    bytesInPerSecond = Double(increment.bytesIn) / interval.inSeconds
    bytesOutPerSecond = Double(increment.bytesOut) / interval.inSeconds
  }
}

extension HeartbeatMessage {
  /// The numbers of all listeners together; nil when one of them is unusable.
  fileprivate var sum: Stats? {
    var sum = Stats()
    for listener in listeners {
      guard let stats = listener.stats else { return nil }
      sum.bytesIn.add(stats.bytesIn)
      sum.bytesOut.add(stats.bytesOut)
      sum.totalConnections.add(stats.totalConnections)
      sum.requestErrors.add(stats.requestErrors)
      sum.connections.add(stats.connections)
    }
    return sum
  }
}

extension HeartbeatMessage.Stats {
  /// A total that fell was begun anew (contract §2.5).
  fileprivate func increment(since old: Self) -> Self {
    func difference(_ new: Int, _ old: Int) -> Int { new >= old ? new - old : new }
    return Self(
      bytesOut: difference(bytesOut, old.bytesOut), bytesIn: difference(bytesIn, old.bytesIn), connections: connections,
      totalConnections: difference(totalConnections, old.totalConnections),
      requestErrors: difference(requestErrors, old.requestErrors))
  }
}

extension Int {
  /// Adds without overflow: a signed message may still carry any number.
  fileprivate mutating func add(_ other: Int) {
    let (sum, overflow) = addingReportingOverflow(other)
    self = overflow ? .max : sum
  }
}

extension Duration {
  /// The duration in seconds.
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

// What an amphora says about itself every few seconds (contract heartbeat-and-config §2.2). Encoding is in
// HeartbeatMessage+Encoding.swift, decoding of all versions in HeartbeatMessage+Decoding.swift.

/// One heartbeat: which listeners are served, with which numbers, and how their pools and members are.
///
/// Listeners, pools and members keep the order of the message, because where two entries name the same pool the later
/// one wins (contract heartbeat-and-config §3.5).
public struct HeartbeatMessage: Hashable, Sendable {
  /// The format this package writes.
  public static let currentVersion = 3

  /// The amphora's id.
  public var id: String
  /// 0 for the first message that this agent process built, one more for each after it; nil when absent (old agents).
  public var sequence: Int?
  /// The format's version; nil when absent (agents older than version 1).
  public var version: Int?
  /// The served listeners.
  public var listeners: [Listener]
  /// The pools.
  ///
  /// Nil when the message has no usable `pools`: pool, member and load balancer states then stay as they are,
  /// while the amphora counts as alive (contract heartbeat-and-config §2.9). Pools inside listeners, as in versions
  /// before 2, are found here too.
  public var pools: [Pool]?
  /// Parts of a decoded message that could not be used, one text each; empty in a good message.
  public var defects: [String] = []

  /// Makes a message of the current version.
  public init(id: String, sequence: Int?, listeners: [Listener] = [], pools: [Pool]? = []) {
    self.id = id
    self.sequence = sequence
    self.listeners = listeners
    self.pools = pools
    version = Self.currentVersion
  }

  /// Whether the four counters of ``Stats`` are increments since the last message; before version 3 they are totals.
  public var countersAreDeltas: Bool { (version ?? 0) >= 3 }
}

extension HeartbeatMessage {
  /// One served listener.
  public struct Listener: Hashable, Sendable {
    /// The listener's id.
    public var id: String
    /// The status as haproxy spells it: `OPEN`, `FULL`, …; always `OPEN` for LVS.
    public var status: String
    /// The listener's numbers; nil when a received message lacks them or they are unusable.
    public var stats: Stats?

    /// Makes a listener's entry.
    public init(id: String, status: String, stats: Stats?) {
      self.id = id
      self.status = status
      self.stats = stats
    }
  }

  /// Numbers of one listener.
  ///
  /// All but ``connections`` are increments since the last message.
  public struct Stats: Hashable, Sendable {
    /// Bytes sent to clients (`tx`).
    public var bytesOut: Int
    /// Bytes received from clients (`rx`).
    public var bytesIn: Int
    /// Connections open now (`conns`): always the absolute number.
    public var connections: Int
    /// Connections opened (`totconns`).
    public var totalConnections: Int
    /// Request errors (`ereq`).
    public var requestErrors: Int

    /// Makes a set of numbers.
    public init(
      bytesOut: Int = 0, bytesIn: Int = 0, connections: Int = 0, totalConnections: Int = 0, requestErrors: Int = 0
    ) {
      self.bytesOut = bytesOut
      self.bytesIn = bytesIn
      self.connections = connections
      self.totalConnections = totalConnections
      self.requestErrors = requestErrors
    }
  }

  /// One pool as one of its listeners sees it.
  public struct Pool: Hashable, Sendable {
    /// `<pool>:<listener>` for haproxy, `<pool>` for LVS.
    public var key: String
    /// `UP` or `DOWN`.
    public var status: String
    /// The members.
    public var members: [Member]

    /// Makes a pool's entry.
    public init(key: String, status: String, members: [Member]) {
      self.key = key
      self.status = status
      self.members = members
    }

    /// The pool's id: the key up to its last `:`.
    public var poolID: Substring { key.utf8.lastIndex(of: UInt8(ascii: ":")).map { key[..<$0] } ?? key[...] }
  }

  /// One member of a pool.
  public struct Member: Hashable, Sendable {
    /// The member's id.
    public var id: String
    /// `UP`, `DOWN`, `DRAIN`, `MAINT`, `no check`, `RESTARTING`, or a longer form of these.
    public var status: String

    /// Makes a member's entry.
    public init(id: String, status: String) {
      self.id = id
      self.status = status
    }
  }
}

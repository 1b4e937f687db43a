// What one heartbeat means (contract heartbeat-and-config §3.4-§3.6): a pure function of the message and of what the
// controller expects. Whoever has a database of his own can use it without the monitor.

public import AmphoraProtocol

/// An object whose operating status heartbeats tell.
public enum HealthObject: Hashable, Sendable {
  case loadBalancer(String)
  case listener(String)
  case pool(String)
  case member(String, pool: String)

  /// The object's id.
  public var id: String {
    switch self {
    case .loadBalancer(let id), .listener(let id), .pool(let id), .member(let id, _): id
    }
  }
}

/// An operating status that a heartbeat has changed.
public struct StatusChange: Hashable, Sendable {
  /// The object.
  public let object: HealthObject
  /// The load balancer it belongs to.
  public let loadBalancer: String
  /// The status stored before.
  public let from: OperatingStatus
  /// The status from now on.
  public let to: OperatingStatus
}

/// Listeners that a heartbeat lists although they are not expected, or does not list although they are.
///
/// An amphora that differs is not recorded as alive: its configuration lacks a listener, while the amphora itself may be
/// well (contract heartbeat-and-config §7 row 20).
public struct ListenerMismatch: Hashable, Sendable {
  /// How many listeners should be listed.
  public let expected: Int
  /// How many are listed.
  public let listed: Int
  /// Enabled listeners that are not listed.
  public let missing: [String]
  /// Listed ones that are unknown or disabled.
  public let unexpected: [String]
}

/// How the listeners of a heartbeat are compared with those expected.
public enum ListenerMatching: Hashable, Sendable {
  /// By their number, as Octavia does (contract heartbeat-and-config §3.4 step 3).
  case count
  /// By their ids (contract heartbeat-and-config §7 row 19).
  case identifiers
}

/// The result of judging one heartbeat.
public struct HealthVerdict: Hashable, Sendable {
  /// Whether the amphora counts as alive from now on.
  public var recordsAlive = false
  /// Why it does not, when its listeners are not those expected.
  public var mismatch: ListenerMismatch?
  /// Whether the message waited so long before it was read that it says nothing about now.
  public var isLate = false
  /// The statuses that changed, in the order listeners, pools with their members, load balancer.
  public var changes: [StatusChange] = []
  /// Status words that nobody knows, one text each.
  public var remarks: [String] = []
}

extension HeartbeatMessage {
  /// The numbers of all listeners, unless one of them is unusable: then the whole message's are (contract
  /// heartbeat-and-config §3.6).
  ///
  /// Where ``countersAreDeltas``, all but ``Stats/connections`` are to be added to what is stored.
  public var usableStatistics: [(listener: String, stats: Stats)]? {
    var all: [(listener: String, stats: Stats)] = []
    for listener in listeners {
      guard let stats = listener.stats else { return nil }
      all.append((listener.id, stats))
    }
    return all
  }
}

extension LoadBalancerView {
  /// Judges a heartbeat of one of the load balancer's amphorae and stores the statuses that it changes.
  ///
  /// - Parameters:
  ///   - message: the verified message.
  ///   - delay: how long it waited between arrival and this call.
  ///   - limit: the delay from which it says nothing about now: the controller's own heartbeat interval.
  ///   - matching: how listeners are compared.
  public mutating func apply(
    _ message: HeartbeatMessage, delay: Duration = .zero, limit: Duration = .seconds(10),
    matching: ListenerMatching = .count
  ) -> HealthVerdict {
    var verdict = HealthVerdict()
    verdict.mismatch = ignoresListeners ? nil : mismatch(message, matching)
    if verdict.mismatch == nil {
      guard delay < limit else {
        verdict.isLate = true
        return verdict
      }
      verdict.recordsAlive = true
    }
    var total: OperatingStatus = isEnabled ? .online : .offline
    applyListeners(message, &total, &verdict)
    // Without usable pools nothing is known of pools, members and the load balancer (contract §2.9).
    guard let pools = message.pools else { return verdict }
    applyPools(pools, &total, &verdict)
    verdict.set(.loadBalancer(id), of: id, &operatingStatus, total)
    return verdict
  }

  /// While a load balancer is being changed, or is disabled, its listeners are not counted (contract §3.4 step 2).
  private var ignoresListeners: Bool {
    switch provisioningStatus {
    case .pendingCreate, .pendingUpdate, .pendingDelete: true
    case .active, .error, .deleted: !isEnabled
    }
  }

  private func mismatch(_ message: HeartbeatMessage, _ matching: ListenerMatching) -> ListenerMismatch? {
    let isExpected = { (listener: Listener) in
      listener.isEnabled && !(message.version == nil && listener.isUDPWithoutMembers)
    }
    let expected = listeners.count(where: isExpected)
    if matching == .count, expected == message.listeners.count { return nil }
    let listed = Set(message.listeners.map(\.id))
    let wanted = Set(listeners.filter(isExpected).map(\.id))
    if matching == .identifiers, listed == wanted { return nil }
    return ListenerMismatch(
      expected: expected, listed: message.listeners.count, missing: wanted.subtracting(listed).sorted(),
      unexpected: listed.subtracting(wanted).sorted())
  }

  private mutating func applyListeners(
    _ message: HeartbeatMessage, _ total: inout OperatingStatus, _ verdict: inout HealthVerdict
  ) {
    let entries = Positions(message.listeners.map(\.id))
    for index in listeners.indices {
      let object = HealthObject.listener(listeners[index].id)
      guard let entry = entries[listeners[index].id] else {
        let isLost = listeners[index].isEnabled && provisioningStatus == .active
        verdict.set(object, of: id, &listeners[index].operatingStatus, isLost ? .error : .offline)
        continue
      }
      let word = message.listeners[entry].status
      switch StatusTable.listener(word) {
      case .becomes(let status):
        if status == .degraded, total == .online { total = .degraded }
        verdict.set(object, of: id, &listeners[index].operatingStatus, status)
      case .stays: break
      case .unknownWord: verdict.remarks.append("listener \(listeners[index].id) has the unknown status '\(word)'")
      }
    }
  }

  private mutating func applyPools(
    _ entries: [HeartbeatMessage.Pool], _ total: inout OperatingStatus, _ verdict: inout HealthVerdict
  ) {
    let positions = Positions(entries.map { String($0.poolID) })
    for index in pools.indices {
      guard let position = positions[pools[index].id] else {
        verdict.set(.pool(pools[index].id), of: id, &pools[index].operatingStatus, .offline)
        continue
      }
      applyPool(at: index, entries[position], &total, &verdict)
    }
  }

  private mutating func applyPool(
    at index: Int, _ entry: HeartbeatMessage.Pool, _ total: inout OperatingStatus, _ verdict: inout HealthVerdict
  ) {
    var status: OperatingStatus?
    switch StatusTable.pool(entry.status) {
    case .becomes(let value): status = value
    case .stays: break
    case .unknownWord: verdict.remarks.append("pool \(pools[index].id) has the unknown status '\(entry.status)'")
    }
    let hasDownMember = applyMembers(ofPoolAt: index, entry, &verdict)
    if status == .online, hasDownMember { status = .degraded }
    if status == .degraded, total == .online { total = .degraded }
    if status == .error { total = .error }
    if let status { verdict.set(.pool(pools[index].id), of: id, &pools[index].operatingStatus, status) }
  }

  /// Whether one of the members is down.
  private mutating func applyMembers(
    ofPoolAt index: Int, _ entry: HeartbeatMessage.Pool, _ verdict: inout HealthVerdict
  ) -> Bool {
    let positions = Positions(entry.members.map(\.id))
    let pool = pools[index].id
    var hasDownMember = false
    for member in pools[index].members.indices {
      let id = pools[index].members[member].id
      guard let position = positions[id] else {
        if pools[index].members[member].operatingStatus != .noMonitor {
          verdict.set(.member(id, pool: pool), of: self.id, &pools[index].members[member].operatingStatus, .offline)
        }
        continue
      }
      let word = entry.members[position].status
      switch StatusTable.member(word) {
      case .becomes(let status):
        if status == .error { hasDownMember = true }
        verdict.set(.member(id, pool: pool), of: self.id, &pools[index].members[member].operatingStatus, status)
      case .stays: break
      case .unknownWord: verdict.remarks.append("member \(id) has the unknown status '\(word)'")
      }
    }
    return hasDownMember
  }

}

extension HealthVerdict {
  /// Stores a status and notes the change, if it is one.
  fileprivate mutating func set(
    _ object: HealthObject, of loadBalancer: String, _ stored: inout OperatingStatus, _ status: OperatingStatus
  ) {
    guard stored != status else { return }
    changes.append(StatusChange(object: object, loadBalancer: loadBalancer, from: stored, to: status))
    stored = status
  }
}

/// Where each id stands; of two, the later one counts.
private struct Positions {
  /// Up to here, looking at each beats hashing all.
  private static let fewIDs = 12

  private let ids: [String]
  private let table: [String: Int]?

  init(_ ids: [String]) {
    self.ids = ids
    table = ids.count > Self.fewIDs ? Dictionary(ids.enumerated().map { ($1, $0) }) { $1 } : nil
  }

  subscript(id: String) -> Int? { table.map { $0[id] } ?? ids.lastIndex(of: id) }
}

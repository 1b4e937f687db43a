// The state behind `heartbeat listen`: one row per amphora, made from its last heartbeat.

import AmphoraController
import AmphoraProtocol
import Synchronization

/// What is known of an amphora.
struct HeartbeatRow: Sendable {
  var amphora: String
  var source: String
  var receivedAt: Double
  var receivedInstant: ContinuousClock.Instant
  var sequence: Int?
  var version: Int?
  var listeners: [(id: String, status: String)]
  var membersUp = 0
  var membersDown = 0
  /// Members in maintenance, draining, without checks, or in a state of which nobody knows.
  var membersOther = 0
  /// Bytes per second in both directions since the heartbeat before; nil with the first one.
  var bytesPerSecond: Double?
  var connections = 0
}

/// The rows of all amphorae.
final class HeartbeatTable: Sendable {
  /// A sender with the right key and ever new ids must not fill the memory.
  private static let maximumRows = 100_000

  private struct State {
    var rows: [String: HeartbeatRow] = [:]
    var totals: [String: Int] = [:]
  }

  private let state = Mutex(State())

  /// The rows by amphora id.
  var rows: [HeartbeatRow] { state.withLock { $0.rows.values.sorted { $0.amphora < $1.amphora } } }

  /// Takes a heartbeat and returns its amphora's row.
  func take(_ heartbeat: ReceivedHeartbeat) -> HeartbeatRow {
    let message = heartbeat.message
    var row = HeartbeatRow(
      amphora: message.id, source: heartbeat.source, receivedAt: heartbeat.receivedAt,
      receivedInstant: heartbeat.receivedInstant, sequence: message.sequence, version: message.version,
      listeners: message.listeners.map { ($0.id, $0.status) })
    row.countMembers(message)
    row.connections = message.listeners.reduce(0) { $0 + ($1.stats?.connections ?? 0) }
    return state.withLock { state in
      let bytes = message.listeners.reduce(into: 0) { sum, listener in
        sum += (listener.stats?.bytesIn ?? 0) &+ (listener.stats?.bytesOut ?? 0)
      }
      let last = state.rows[message.id]
      if let last {
        let increment = message.countersAreDeltas ? bytes : bytes - (state.totals[message.id] ?? bytes)
        let time = (heartbeat.receivedInstant - last.receivedInstant) / .seconds(1)
        if time > 0 { row.bytesPerSecond = Double(max(0, increment)) / time }
      }
      if last != nil || state.rows.count < Self.maximumRows {
        state.rows[message.id] = row
        state.totals[message.id] = bytes
      }
      return row
    }
  }
}

extension HeartbeatRow {
  /// Counts each member of a pool once, though each listener of the pool reports it (contract heartbeat-and-config §3.5:
  /// the later entry wins).
  fileprivate mutating func countMembers(_ message: HeartbeatMessage) {
    var statuses: [String: String] = [:]
    for pool in message.pools ?? [] {
      for member in pool.members { statuses["\(pool.poolID)/\(member.id)"] = member.status }
    }
    for status in statuses.values {
      if status.hasPrefix("UP") {
        membersUp += 1
      } else if status.hasPrefix("DOWN") {
        membersDown += 1
      } else {
        membersOther += 1
      }
    }
  }
}

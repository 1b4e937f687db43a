// The three faces of `heartbeat listen`.

import AmphoraController
import FoundationEssentials

/// Shows heartbeats.
protocol HeartbeatDisplay: Sendable {
  /// Whether it is to be refreshed while nothing comes.
  var isLive: Bool { get }
  /// Shows a heartbeat that just came.
  func show(_ row: HeartbeatRow, _ rows: [HeartbeatRow], _ counters: HeartbeatReceiver.Counters) throws
  /// Shows that time has passed.
  func refresh(_ rows: [HeartbeatRow], _ counters: HeartbeatReceiver.Counters) throws
}

extension HeartbeatDisplay {
  var isLive: Bool { false }
  func refresh(_ rows: [HeartbeatRow], _ counters: HeartbeatReceiver.Counters) throws {}
}

/// A line per heartbeat, for logs and pipes.
struct HeartbeatLines: HeartbeatDisplay {
  let output: Output

  func show(_ row: HeartbeatRow, _ rows: [HeartbeatRow], _ counters: HeartbeatReceiver.Counters) {
    let listeners = row.listeners.map { "\($0.id.prefix(8)) \($0.status)" }.joined(separator: ", ")
    let parts = [
      Quantity.iso8601(unixTime: Int64(row.receivedAt)), row.amphora, "seq \(row.sequence.map(String.init) ?? "-")",
      "listeners \(row.listeners.count)" + (listeners.isEmpty ? "" : " (\(listeners))"),
      "members \(row.membersUp) up, \(row.membersDown) down"
        + (row.membersOther == 0 ? "" : ", \(row.membersOther) other"),
      row.bytesPerSecond.map { "\(Quantity.metric($0))B/s" } ?? "-",
    ]
    output.line(Terminal.safe(parts.joined(separator: "  ")))
  }
}

/// An object per line.
struct HeartbeatJSON: HeartbeatDisplay {
  let output: Output

  private struct Body: Encodable {
    let amphora: String
    let source: String
    let receivedAt: Double
    let sequence: Int?
    let version: Int?
    let listeners: [String: String]
    let membersUp: Int
    let membersDown: Int
    let membersOther: Int
    let connections: Int
    let bytesPerSecond: Double?

    enum CodingKeys: String, CodingKey {
      case amphora, source, sequence, version, listeners, connections
      case receivedAt = "received_at"
      case membersUp = "members_up"
      case membersDown = "members_down"
      case membersOther = "members_other"
      case bytesPerSecond = "bytes_per_second"
    }
  }

  func show(_ row: HeartbeatRow, _ rows: [HeartbeatRow], _ counters: HeartbeatReceiver.Counters) throws {
    try output.jsonLine(
      Body(
        amphora: row.amphora, source: row.source, receivedAt: row.receivedAt, sequence: row.sequence,
        version: row.version, listeners: Dictionary(row.listeners.map { ($0.id, $0.status) }, uniquingKeysWith: { $1 }),
        membersUp: row.membersUp, membersDown: row.membersDown, membersOther: row.membersOther,
        connections: row.connections, bytesPerSecond: row.bytesPerSecond))
  }
}

/// A table that is drawn over itself.
final class LiveHeartbeatTable: HeartbeatDisplay {
  let isLive = true
  private let style: TextStyle
  private let stale: Duration

  init(style: TextStyle, stale: Duration) {
    self.style = style
    self.stale = stale
  }

  func show(_ row: HeartbeatRow, _ rows: [HeartbeatRow], _ counters: HeartbeatReceiver.Counters) {
    refresh(rows, counters)
  }

  func refresh(_ rows: [HeartbeatRow], _ counters: HeartbeatReceiver.Counters) {
    let size = Terminal.size()
    var lines = table(rows).lines(style: style, maximumColumns: size.columns - 1)
    let room = max(1, size.rows - 2)
    if lines.count > room { lines = lines.prefix(room - 1) + [style.dim("… \(lines.count - room + 1) more")] }
    lines.append(style.dim(String(footer(rows, counters).prefix(size.columns - 1))))
    // From the upper left corner; each line clears its rest, the last one what is below.
    StandardStream.write("\u{1B}[H" + lines.map { $0 + "\u{1B}[K\r\n" }.joined() + "\u{1B}[J", to: 1)
  }

  private func footer(_ rows: [HeartbeatRow], _ counters: HeartbeatReceiver.Counters) -> String {
    let refused = counters.rejected.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    return "\(rows.count) amphorae, \(counters.accepted) heartbeats, refused: "
      + (refused.isEmpty ? "none" : refused.joined(separator: ", "))
  }

  private func table(_ rows: [HeartbeatRow]) -> Table {
    var table = Table(
      ["AMPHORA", "AGE", "SEQ", "LISTENERS", "UP", "DOWN", "OTHER", "B/s"], right: [1, 2, 3, 4, 5, 6, 7])
    let now = ContinuousClock.now
    for row in rows {
      let age = now - row.receivedInstant
      let isStale = age > stale
      let bad = style
      let isOpen = row.listeners.allSatisfy { $0.status == "OPEN" }
      table.append([
        Table.Cell(row.amphora),
        Table.Cell(Quantity.age(seconds: age.components.seconds), style: isStale ? bad.bad : nil),
        Table.Cell(row.sequence.map(String.init) ?? "-"),
        Table.Cell("\(row.listeners.count)", style: isOpen ? nil : bad.warning),
        Table.Cell("\(row.membersUp)", style: row.membersUp > 0 ? style.good : nil),
        Table.Cell("\(row.membersDown)", style: row.membersDown > 0 ? bad.bad : nil), Table.Cell("\(row.membersOther)"),
        Table.Cell(row.bytesPerSecond.map(Quantity.metric) ?? "-"),
      ])
    }
    return table
  }
}

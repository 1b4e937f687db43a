// Listeners and pools out of haproxy's statistics: contract services §4.3 and §4.4.

extension StatsTable {
  /// A listener's row.
  package struct Listener: Hashable, Sendable {
    /// The listener's id: the frontend's name.
    package let id: String
    /// `OPEN`, `FULL`, `STOP` …, as haproxy spells it.
    package let status: String
    /// Connections open now.
    package let connections: Int
    /// Totals since haproxy started; nil where haproxy gave no number.
    package let bytesIn: Int?
    package let bytesOut: Int?
    package let totalConnections: Int?
    package let requestErrors: Int?
  }

  /// A pool's row with those of its members.
  package struct Pool: Hashable, Sendable {
    /// `<pool>:<listener>`.
    package let key: String
    /// `UP` or `DOWN`.
    package let status: String
    /// The members' ids and statuses, normalised by ``StatsTable/memberStatus(_:weight:)``.
    package let members: [Member]
  }

  /// A member's row.
  package struct Member: Hashable, Sendable {
    package let id: String
    package let status: String
  }

  /// The listeners in haproxy's order.
  ///
  /// A row without name or status is left out.
  package var listeners: [Listener] {
    guard let pxname = column("pxname"), let svname = column("svname"), let status = column("status") else { return [] }
    let numbers = ["scur", "bin", "bout", "stot", "ereq"].map(column)
    return rows.compactMap { row in
      guard row.matches(svname, "FRONTEND"), !row.bytes(pxname).isEmpty, !row.bytes(status).isEmpty else { return nil }
      return Listener(
        id: row.text(pxname) ?? "", status: row.text(status) ?? "", connections: row.number(numbers[0]) ?? 0,
        bytesIn: row.number(numbers[1]), bytesOut: row.number(numbers[2]), totalConnections: row.number(numbers[3]),
        requestErrors: row.number(numbers[4]))
    }
  }

  /// The pools in haproxy's order.
  ///
  /// Left out are proxies whose name is not `<pool>:<listener>` (contract services §8 item 23) and pools without a
  /// `BACKEND` row.
  package var pools: [Pool] {
    guard let pxname = column("pxname"), let svname = column("svname"), let status = column("status") else { return [] }
    let weight = column("weight")
    let type = column("type")
    var grouping = PoolGrouping()
    for row in rows {
      let key = row.bytes(pxname)
      guard !row.matches(svname, "FRONTEND"), key.contains(UInt8(ascii: ":")), !row.bytes(status).isEmpty,
        !row.bytes(svname).isEmpty
      else { continue }
      // Type 3 are a frontend's listening sockets, shown only with `option socket-stats`.
      if let type, row.matches(type, "3") { continue }
      grouping.enter(key) { row.text(pxname) ?? "" }
      let text = row.text(status) ?? ""
      if row.matches(svname, "BACKEND") {
        grouping.setStatus(text)
      } else {
        let member = Self.memberStatus(text, weight: row.text(weight) ?? "")
        grouping.append(Member(id: row.text(svname) ?? "", status: member))
      }
    }
    return grouping.pools
  }

  /// A member's status in the words health managers know (contract heartbeat-and-config §3.5, services §4.4).
  package static func memberStatus(_ status: String, weight: String) -> String {
    if status == "UP" && weight == "0" { return "DRAIN" }
    // `NOLB` is a server that takes only sessions it already has: draining.
    if status.hasPrefix("DRAIN") || status.hasPrefix("NOLB") { return "DRAIN" }
    return status.hasPrefix("MAINT") ? "MAINT" : status
  }
}

/// Pools under construction; the rows of one usually stand together.
private struct PoolGrouping {
  private struct Draft {
    let key: String
    var status: String?
    var members: [StatsTable.Member] = []
  }

  private var drafts: [Draft] = []
  private var positions: [ArraySlice<UInt8>: Int] = [:]
  private var current: (key: ArraySlice<UInt8>, position: Int)?

  mutating func enter(_ key: ArraySlice<UInt8>, name: () -> String) {
    if let current, current.key.elementsEqual(key) { return }
    if let position = positions[key] {
      current = (key, position)
    } else {
      drafts.append(Draft(key: name()))
      positions[key] = drafts.count - 1
      current = (key, drafts.count - 1)
    }
  }

  mutating func setStatus(_ status: String) {
    if let current { drafts[current.position].status = status }
  }

  mutating func append(_ member: StatsTable.Member) {
    if let current { drafts[current.position].members.append(member) }
  }

  var pools: [StatsTable.Pool] {
    drafts.compactMap { draft in
      draft.status.map { StatsTable.Pool(key: draft.key, status: $0, members: draft.members) }
    }
  }
}

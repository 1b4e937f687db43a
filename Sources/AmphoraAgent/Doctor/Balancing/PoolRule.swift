// Pools and members, as haproxy's health checks see them.

/// Whether every pool has members that are up, and all of them.
struct PoolRule: BalancerRule {
  let name = "pools"

  func findings(_ seen: BalancerObservation) -> [Finding] {
    guard let table = seen.live?.table else { return [] }
    let pools = PoolState.all(in: table, seen.sections)
    let findings = pools.compactMap(finding)
    guard findings.isEmpty, !pools.isEmpty else { return findings }
    let members = pools.reduce(0) { $0 + $1.members.count }
    return [.pass(name, "all \(members) members of \(pools.count) pool(s) are up, not checked or switched off")]
  }

  private func finding(_ pool: PoolState) -> Finding? {
    let title = "pool \(pool.id) (listener \(BalancerText.list(pool.listeners, limit: 2, separator: ", ")))"
    if pool.members.isEmpty {
      return .warning(
        name, "\(title) has no members: its clients get an error",
        remedy: "openstack loadbalancer member create --address ADDRESS --protocol-port PORT \(pool.id)")
    }
    let down = pool.members.filter(\.isDown)
    guard pool.isDown || !down.isEmpty else { return nil }
    guard let first = down.first else {
      return .failure(
        name, "\(title) has no member that is up: all \(pool.members.count) are switched off",
        remedy: "openstack loadbalancer member set --enable \(pool.id) \(pool.members[0].id)")
    }
    let words = BalancerText.list(down.map(\.text))
    let remedy = "mend the member's service; from here it looks like: \(first.probe)"
    guard pool.isDown else {
      return .warning(
        name, "\(title): \(down.count) of \(pool.members.count) members down: \(words)", remedy: remedy)
    }
    return .failure(name, "\(title) has no member that is up: \(words)", remedy: remedy)
  }
}

/// A pool with what haproxy says of it; one that serves several listeners counts once.
struct PoolState: Sendable {
  /// A member of a pool.
  struct Member: Sendable {
    let id: String
    /// `ADDRESS:PORT`; nil when the file does not have it.
    let address: String?
    /// As haproxy spells it, such as `UP`, `UP 1/3`, `DOWN`, `MAINT` and `no check`.
    let status: String
    /// The result of the last check, in haproxy's words; empty when there is none.
    let check: String
    /// In its state.
    let seconds: Int?

    var isDown: Bool { status.hasPrefix("DOWN") }

    var text: String {
      let since = seconds.map { ", for \(BalancerText.age(seconds: $0))" } ?? ""
      let place = address.map { " at \($0)" } ?? ""
      return "\(id)\(place) is \(status)\(check.isEmpty ? "" : ": \(check)")\(since)"
    }

    /// A command that shows an operator what haproxy sees.
    var probe: String {
      guard let address, let colon = address.lastIndex(of: ":") else { return "ping" }
      return
        "ip netns exec \(trafficNamespace) nc -vz \(address[..<colon]) \(address[address.index(after: colon)...])"
    }
  }

  let id: String
  var listeners: [String] = []
  /// For at least one of its listeners.
  var isDown = false
  /// Each once; where listeners differ, the one that is down.
  var members: [Member] = []

  /// The pools of a table in haproxy's order, with members' addresses from the file.
  static func all(in table: StatsTable, _ sections: HAProxySections) -> [PoolState] {
    guard let pxname = table.column("pxname"), let svname = table.column("svname") else { return [] }
    let status = table.column("status")
    let reader = MemberReader(table, sections)
    var (pools, positions, seats): ([PoolState], [Substring: Int], [String: Int]) = ([], [:], [:])
    for row in table.rows where !row.matches(svname, "FRONTEND") {
      let key = row.text(pxname) ?? ""
      guard let colon = key.firstIndex(of: ":") else { continue }
      let pool = key[..<colon]
      let index = positions[pool] ?? pools.count
      if index == pools.count {
        positions[pool] = index
        pools.append(PoolState(id: String(pool)))
      }
      if row.matches(svname, "BACKEND") {
        pools[index].listeners.append(String(key[key.index(after: colon)...]))
        if row.text(status)?.hasPrefix("DOWN") == true { pools[index].isDown = true }
        continue
      }
      let member = reader.member(row, of: key)
      if let seat = seats["\(pool)/\(member.id)"] {
        if member.isDown { pools[index].members[seat] = member }
      } else {
        seats["\(pool)/\(member.id)"] = pools[index].members.count
        pools[index].members.append(member)
      }
    }
    return pools
  }
}

/// Makes members of rows.
struct MemberReader {
  private let columns: [String: StatsTable.Column]
  private let addresses: [String: String]

  init(_ table: StatsTable, _ sections: HAProxySections) {
    let names = ["svname", "status", "lastchg", "check_status", "check_code", "last_chk", "check_desc"]
    columns = names.reduce(into: [:]) { $0[$1] = table.column($1) }
    addresses = sections.ofOctavia("backend").reduce(into: [:]) { addresses, pool in
      for server in pool.servers { addresses["\(pool.name ?? "")/\(server.id)"] = server.address }
    }
  }

  func member(_ row: StatsTable.Row, of key: String) -> PoolState.Member {
    func text(_ name: String) -> String { row.text(columns[name]) ?? "" }
    let id = text("svname")
    // `L4CON`, `* L7STS` while a check runs; then what it means, what the member said, and the HTTP status.
    let code = text("check_status").split(separator: " ").last.map(String.init) ?? ""
    var words: [String] = []
    for word in [
      code + (text("check_code").isEmpty ? "" : "/\(text("check_code"))"), text("check_desc"), text("last_chk"),
    ]
    where !word.isEmpty && !words.contains(word) { words.append(BalancerText.line(word)) }
    return PoolState.Member(
      id: id, address: addresses["\(key)/\(id)"], status: text("status"), check: words.joined(separator: ", "),
      seconds: row.number(columns["lastchg"]))
  }
}

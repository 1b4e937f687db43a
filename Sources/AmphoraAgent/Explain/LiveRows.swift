// haproxy's statistics by the objects of its configuration, as texts.

/// Finds rows by name.
struct LiveRows {
  /// One listener, pool or member.
  struct Row {
    /// The columns that are not empty, of those that tell a state.
    let state: [String: String]
    /// Of a member: its check, and since when.
    var member: PoolState.Member?

    private func number(_ column: String) -> String { BalancerText.number(state[column].flatMap { Int($0) } ?? 0) }
    private var status: String { state["status"] ?? "?" }
    private var since: String {
      state["lastchg"].flatMap { Int($0) }.map { " for \(BalancerText.age(seconds: $0))" } ?? ""
    }

    var listenerText: String {
      "\(status), \(number("scur")) of \(number("slim")) sessions, \(number("rate"))/s, \(number("stot")) in all, "
        + "\(number("ereq")) request errors"
    }

    var poolText: String {
      "\(status)\(since), \(number("act")) members up\(number("bck") == "0" ? "" : " and \(number("bck")) backups"), "
        + "\(number("scur")) sessions"
    }

    var text: String {
      let check = member?.check ?? ""
      let duration = state["check_duration"].map { " in \($0) ms" } ?? ""
      return "\(status)\(since)\(check.isEmpty ? "" : ", last check \(check)\(duration)"), \(number("scur")) sessions"
    }
  }

  private static let columns = [
    "status", "scur", "smax", "slim", "stot", "rate", "ereq", "act", "bck", "weight", "lastchg", "check_status",
    "check_code", "check_duration", "check_desc", "last_chk", "chkfail", "chkdown",
  ]
  private var rows: [String: Row] = [:]

  init(_ table: StatsTable, _ sections: HAProxySections) {
    guard let pxname = table.column("pxname"), let svname = table.column("svname") else { return }
    let columns = Self.columns.compactMap { name in table.column(name).map { (name, $0) } }
    let reader = MemberReader(table, sections)
    for row in table.rows {
      let state = columns.reduce(into: [String: String]()) { state, column in
        if !row.bytes(column.1).isEmpty { state[column.0] = row.text(column.1) }
      }
      let (proxy, server) = (row.text(pxname) ?? "", row.text(svname) ?? "")
      rows["\(proxy)/\(server)"] = Row(state: state, member: reader.member(row, of: proxy))
    }
  }

  func frontend(_ name: String) -> Row? { rows["\(name)/FRONTEND"] }
  func backend(_ name: String) -> Row? { rows["\(name)/BACKEND"] }
  func member(_ id: String, of pool: String) -> Row? { rows["\(pool)/\(id)"] }
}

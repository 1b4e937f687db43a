// Listeners: whether they take connections, and how many more.

/// Whether every listener is open.
struct ListenerRule: BalancerRule {
  let name = "listeners"

  func findings(_ seen: BalancerObservation) -> [Finding] {
    guard let listeners = seen.live?.table.listeners, !listeners.isEmpty else { return [] }
    // A full one takes connections again as soon as one ends, and is the business of the limits' check.
    let closed = listeners.filter { $0.status != "OPEN" && $0.status != "FULL" }
    guard !closed.isEmpty else {
      let ids = BalancerText.list(listeners.map(\.id), limit: 2, separator: ", ")
      return [.pass(name, "open: \(ids)")]
    }
    return closed.map {
      .failure(
        name, "listener \($0.id) is \($0.status): haproxy was told to take no connections for it",
        remedy: seen.remedy.restart)
    }
  }
}

/// Whether connections are near their limit.
struct ConnectionRule: BalancerRule {
  let name = "haproxy-connections"

  /// Octavia's limit where a listener has none of its own (contract config-rendering, `default_connection_limit`).
  private static let standard = 50_000

  private struct Load {
    let open: Int
    let limit: Int
    var isFull: Bool { open >= limit }
    /// From nine tenths on; a limit below ten has no such thing.
    var isNear: Bool { open * 10 >= limit * 9 }
    var text: String { "\(BalancerText.number(open)) of \(BalancerText.number(limit)) connections" }
  }

  func findings(_ seen: BalancerObservation) -> [Finding] {
    guard let live = seen.live else { return [] }
    let found = listeners(live.table).compactMap { finding(listener: $0, $1) }
    if !found.isEmpty { return found }
    guard let open = live.number("CurrConns"), let limit = live.number("Maxconn"), limit > 0 else { return [] }
    let all = Load(open: open, limit: limit)
    guard all.isNear else { return [.pass(name, "\(all.text) of \(seen.id) are in use")] }
    let evidence = "all listeners of \(seen.id) together: \(all.text)"
    let remedy = "openstack loadbalancer listener set --connection-limit \(limit * 2) LISTENER (limits add up)"
    return [all.isFull ? .failure(name, evidence, remedy: remedy) : .warning(name, evidence, remedy: remedy)]
  }

  private func listeners(_ table: StatsTable) -> [(String, Load)] {
    guard let pxname = table.column("pxname"), let svname = table.column("svname") else { return [] }
    let (scur, slim) = (table.column("scur"), table.column("slim"))
    return table.rows.compactMap { row in
      guard row.matches(svname, "FRONTEND"), let open = row.number(scur), let limit = row.number(slim), limit > 0
      else { return nil }
      return (row.text(pxname) ?? "", Load(open: open, limit: limit))
    }
  }

  private func finding(listener id: String, _ load: Load) -> Finding? {
    guard load.isNear else { return nil }
    let origin =
      load.limit == Self.standard ? ", the default of Octavia for listeners without a limit of their own" : ""
    let remedy = "openstack loadbalancer listener set --connection-limit \(load.limit * 2) \(id)"
    guard load.isFull else {
      return .warning(name, "listener \(id) is near its limit: \(load.text)\(origin)", remedy: remedy)
    }
    return .failure(
      name, "listener \(id) has reached its limit, further clients wait: \(load.text)\(origin)", remedy: remedy)
  }
}

// Load balancers with their listeners, pools and members.

extension StatusScreen {
  /// Up to so many listeners and pools are shown, all of them; of more, those that matter.
  private static let rowLimit = 12
  /// Up to so many members are shown, all of them; of more, those that are not up.
  private static let memberLimit = 20

  func add(_ balancer: LoadBalancerFacts, _ text: inout ScreenText) {
    text.blank()
    text.add([Span("load balancer \(balancer.id)", .strong)])
    var haproxy = [state(balancer.service)] + process(balancer.service)
    if let uptime = balancer.workerUptime { haproxy.append(Span("worker started \(age(uptime)) ago")) }
    if let connections = balancer.connections {
      haproxy.append(
        Span("\(connections.count) of \(connections.limit) connections", connections.fill >= 90 ? .bad : .plain))
    }
    for problem in balancer.problems { haproxy.append(Span(problem, .bad)) }
    text.field("haproxy", indent: 2, labelWidth: 7, haproxy)
    text.field("config", indent: 2, labelWidth: 7, configuration(balancer))
    addListeners(balancer.listeners, &text)
    addPools(balancer.pools, &text)
  }

  private func configuration(_ balancer: LoadBalancerFacts) -> [Span] {
    var parts = [Span(balancer.configurationAge.map { "written \(age($0)) ago" } ?? "cannot be read")]
    if balancer.isUntried { parts.append(Span("not the one that runs", .warning)) }
    if let rejected = balancer.rejectedAge { parts.append(Span("one was refused \(age(rejected)) ago", .warning)) }
    guard snapshot.agent.status != nil else { return parts }
    guard let reloads = balancer.reloads else { return parts + [Span("no reload since the agent started")] }
    return parts + [
      Span(Quantity.of(reloads.count, "reload")),
      Span(
        "the last \(age(snapshot.time - reloads.time)) ago: \(reloads.lastOutcome)",
        reloads.lastOutcome == "reloaded" ? .plain : .warning), Span(Quantity.milliseconds(reloads.milliseconds)),
    ]
  }

  func addLVS(_ text: inout ScreenText) {
    if snapshot.lvsListeners.isEmpty { return }
    text.blank()
    text.add([Span("UDP and SCTP listeners", .strong)])
    var table = TextTable([.left("KEEPALIVED OF"), .left("STATE"), .right("PID"), .right("CONFIG WRITTEN")])
    for facts in snapshot.lvsListeners {
      table.add([
        Span(names[facts.listener.id]), facts.isDisabled ? Span("listener disabled", .dim) : state(facts.service),
        Span(facts.service.pid.map { "\($0)" } ?? "-"),
        Span(facts.configurationAge.map { "\(age($0)) ago" } ?? "-"),
      ])
    }
    for line in table.lines(width: style.width) { text.add(line) }
    addListeners(snapshot.lvsListeners.map(\.listener), &text)
    addPools(snapshot.lvsListeners.compactMap(\.pool), &text)
  }
}

// Tables.
extension StatusScreen {
  private func addListeners(_ all: [ListenerFacts], _ text: inout ScreenText) {
    var table = TextTable([
      .left("LISTENER"), .left("BIND", least: 19), .left("MODE", least: 7), .left("STATE"), .right("SESSIONS"),
      .right("NEW/S"), .right("ERRORS", rank: rates == nil ? nil : 3), .right("5XX", rank: rates == nil ? nil : 4),
      .right(rates == nil ? "IN" : "IN/S", rank: 2), .right(rates == nil ? "OUT" : "OUT/S", rank: 1),
    ])
    let shown = selection(of: all)
    for listener in shown { table.add(row(listener)) }
    for line in table.lines(width: style.width) { text.add(line) }
    let rest = all.count - shown.count
    if rest == 0 { return }
    let ill = all.count { !isWell($0) } - shown.count { !isWell($0) }
    let kind = ill > 0 ? "\(ill) of them not well" : "open and less busy"
    let sessions = Quantity.count(all.compactMap(\.sessions).reduce(0, &+))
    let rate = Quantity.count(all.compactMap(\.rate).reduce(0, &+))
    text.add([
      Span(
        "  and \(rest) more, \(kind); all \(all.count): \(sessions) sessions, \(rate) new/s", ill > 0 ? .warning : .dim)
    ])
  }

  private func isWell(_ listener: ListenerFacts) -> Bool { listener.isWell || listener.state == "DISABLED" }

  private func row(_ listener: ListenerFacts) -> [Span] {
    func count(_ number: Int?, _ tone: Tone = .plain) -> Span {
      number.map { Span(Quantity.count($0), $0 > 0 ? tone : .plain) } ?? Span("-", .dim)
    }
    func bytes(_ number: Int?, _ rate: Double?) -> Span {
      (rates == nil ? number.map { Double($0) } : rate).map { Span(Quantity.bytes($0)) } ?? Span("-", .dim)
    }
    let traffic = rates?.listeners[listener.id]
    let more = listener.binds.count > 1 ? " +\(listener.binds.count - 1)" : ""
    let bind = style.showsAll ? listener.binds.joined(separator: " ") : (listener.binds.first ?? "-") + more
    let limit = listener.sessionLimit.map { "/\(Quantity.count($0))" } ?? ""
    let errors = listener.requestErrors.map { $0 &+ (listener.deniedRequests ?? 0) }
    return [
      Span(names[listener.id]), Span(bind), Span(listener.mode),
      Span(listener.state ?? "?", listener.state == "OPEN" ? .good : listener.state == "DISABLED" ? .dim : .bad),
      listener.sessions.map { Span(Quantity.count($0) + limit, listener.isWell ? .plain : .bad) } ?? Span("-", .dim),
      count(listener.rate), count(errors, .warning), count(listener.serverErrors, .warning),
      bytes(listener.bytesIn, traffic?.bytesIn), bytes(listener.bytesOut, traffic?.bytesOut),
    ]
  }

  private func addPools(_ all: [PoolFacts], _ text: inout ScreenText) {
    var table = TextTable([
      .left("POOL"), .left("LISTENER"), .left("STATE"), .left("MEMBERS", least: 12), .right("SESSIONS"),
      .right("QUEUED"), .left("ALGORITHM", least: 6),
    ])
    let isSelection = !style.showsAll && all.count > Self.rowLimit
    let ill = all.filter { $0.state != "UP" || !$0.notUp.isEmpty }
    let shown = isSelection ? ill.sorted { $0.notUp.count > $1.notUp.count }.prefix(Self.rowLimit) : all[...]
    for pool in shown {
      table.add([
        Span(names[pool.id]), Span(pool.listener.map { names[$0] } ?? "-"),
        Span(pool.state, pool.state == "UP" ? .good : .bad), counts(pool.members),
        Span(pool.sessions.map(Quantity.count) ?? "-"),
        Span(pool.queued.map(Quantity.count) ?? "-", pool.queued ?? 0 > 0 ? .warning : .plain),
        Span(pool.algorithm ?? "-"),
      ])
    }
    for line in table.lines(width: style.width) { text.add(line) }
    if isSelection {
      let hidden = ill.count - shown.count
      let well = all.count - ill.count
      let parts =
        (hidden > 0 ? ["\(hidden) more with members that are not up"] : [])
        + (well > 0 ? ["\(Quantity.of(well, "pool")) with all members up"] : [])
      if !parts.isEmpty {
        text.add([Span("  and \(parts.joined(separator: ", ")): --all", hidden > 0 ? .warning : .dim)])
      }
    }
    addMembers(all, &text)
  }

  /// `18 up, 1 DOWN, 1 DRAIN`.
  private func counts(_ members: [MemberFacts]) -> Span {
    if members.isEmpty { return Span("none", .warning) }
    let up = members.count(where: \.isUp)
    let others = Dictionary(
      grouping: members.filter { !$0.isUp }, by: { $0.state.prefix { $0 != " " } }
    ).map { (state: String($0), count: $1.count) }.sorted { $0.state < $1.state }
    let text = (up > 0 || others.isEmpty ? ["\(up) up"] : []) + others.map { "\($0.count) \($0.state)" }
    return Span(text.joined(separator: ", "), others.isEmpty ? .plain : up == 0 ? .bad : .warning)
  }

  private func addMembers(_ pools: [PoolFacts], _ text: inout ScreenText) {
    let all = pools.flatMap { pool in pool.members.map { (pool: pool, member: $0) } }
    if all.isEmpty { return }
    let isSelection = !style.showsAll && all.count > Self.memberLimit
    let wanted = isSelection ? all.filter { !$0.member.isUp } : all
    var table = TextTable([
      .left("MEMBER"), .left("POOL", rank: pools.count > 1 ? 1 : 9), .left("ADDRESS", least: 21), .left("STATE"),
      .right("FOR"), .right("WEIGHT", rank: 2), .right("SESSIONS"), .left("CHECK"), .right("TOOK", rank: 3),
    ])
    let shown = isSelection ? Self.spread(wanted) : wanted
    var former: [Span] = []
    for (pool, member) in shown {
      // Where all of a pool have one reason, it stands once.
      let notes = notes(member)
      table.add(row(member, pool), notes: notes == former && isSelection ? [] : notes)
      former = notes
    }
    for line in table.lines(width: style.width) { text.add(line) }
    if isSelection {
      let hidden = wanted.count - shown.count
      let up = all.count - wanted.count
      let parts = (hidden > 0 ? ["\(hidden) more that are not up"] : []) + (up > 0 ? ["\(up) that are up"] : [])
      text.add([Span("  and \(parts.joined(separator: ", ")): --all", hidden > 0 ? .warning : .dim)])
    }
  }

  /// A few of each pool, so that one does not hide the others.
  private static func spread(
    _ members: [(pool: PoolFacts, member: MemberFacts)]
  ) -> [(pool: PoolFacts, member: MemberFacts)] {
    if members.count <= memberLimit { return members }
    var taken: [String: Int] = [:]
    func key(_ pool: PoolFacts) -> String { pool.id + (pool.listener ?? "") }
    let share = max(1, memberLimit / Set(members.map { key($0.pool) }).count)
    return Array(
      members.filter { each in
        taken[key(each.pool), default: 0] += 1
        return taken[key(each.pool), default: 0] <= share
      }.prefix(memberLimit))
  }

  private func row(_ member: MemberFacts, _ pool: PoolFacts) -> [Span] {
    let tone: Tone = member.isUp ? .good : member.state.hasPrefix("DOWN") ? .bad : .warning
    return [
      Span(names[member.id]), Span(names[pool.id]), Span(member.address ?? "-"),
      Span(member.state + (member.isBackup ? " (backup)" : ""), tone),
      Span(member.changed.map { age(Double($0)) } ?? "-"), Span(member.weight.map { "\($0)" } ?? "-"),
      Span(member.sessions.map(Quantity.count) ?? "-"), Span(member.check ?? "-", member.isUp ? .plain : tone),
      Span(member.checkMilliseconds.map { Quantity.milliseconds(Double($0)) } ?? "-"),
    ]
  }

  /// For a member that is not up: why, in words, and whether that happens often.
  private func notes(_ member: MemberFacts) -> [Span] {
    guard !member.isUp, member.state != "MAINT" else { return [] }
    let took = member.checkMilliseconds.map { " (\(Quantity.milliseconds(Double($0))))" } ?? ""
    var parts = member.reason.map { [$0 + took] } ?? []
    // Once is what the row says already.
    if let times = member.timesDown, times > 1 {
      parts.append("down \(times) times, \(age(Double(member.downtime ?? 0))) in all")
    }
    // Behind the name, which has eight characters or a few more.
    let line = parts.joined(separator: "; ")
    if parts.count < 2 || line.count <= style.width - 20 { return parts.isEmpty ? [] : [Span(line, .warning)] }
    return parts.map { Span($0, .warning) }
  }

  /// All of a few; of many those that are not well, then the busiest.
  private func selection(of all: [ListenerFacts]) -> [ListenerFacts] {
    if style.showsAll || all.count <= Self.rowLimit { return all }
    let byRate = all.sorted { ($0.rate ?? 0, $0.sessions ?? 0) > ($1.rate ?? 0, $1.sessions ?? 0) }
    return Array((byRate.filter { !isWell($0) } + byRate.filter(isWell)).prefix(Self.rowLimit))
  }
}

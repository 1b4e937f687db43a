// What of all that is on the screen should be looked at first. The screen shows only what is plain to see; whether all is as it
// should be, the doctor finds out.

/// Sentences about what is conspicuous, the worst first.
struct Attention: Sendable {
  private(set) var items: [Span] = []

  init(_ snapshot: AmphoraSnapshot) {
    for problem in snapshot.configurationProblems { add(.bad, problem) }
    addAgent(snapshot)
    addServing(snapshot)
    if let problem = snapshot.network.problem { add(.bad, problem) }
    for interface in snapshot.network.interfaces {
      if interface.link != "up" { add(.bad, "\(interface.name) is \(interface.link)") }
      if interface.addresses.isEmpty { add(.warning, "\(interface.name) has no address") }
      for address in interface.addresses where address.hasSuffix(")") { add(.bad, "\(interface.name): \(address)") }
    }
    for certificate in snapshot.certificates { add(certificate) }
    addMachine(snapshot.machine)
    items = items.filter { $0.tone == .bad } + items.filter { $0.tone != .bad }
  }

  private mutating func add(_ tone: Tone, _ text: String) { items.append(Span(text, tone)) }

  private mutating func addAgent(_ snapshot: AmphoraSnapshot) {
    let agent = snapshot.agent
    if !agent.service.isUp {
      add(.bad, "the agent does not run: no heartbeats, no changes by controllers")
    } else if let silence = agent.silence {
      add(.warning, silence)
    }
    if let silence = agent.status?.heartbeatSilence { add(.bad, "no heartbeats: \(silence)") }
    if let last = agent.status?.lastHeartbeat, let interval = agent.heartbeatInterval,
      snapshot.time - last.time > 3 * interval + 1
    {
      add(.bad, "the last heartbeat left \(Quantity.age(snapshot.time - last.time)) ago")
    }
    guard let vrrp = snapshot.vrrp else { return }
    switch vrrp.role {
    case .down: add(.bad, "keepalived does not run: this amphora cannot take the VIP")
    case .stale: add(.bad, "keepalived does not run, but the VIP is here: the peer may have it too")
    case .master, .backup: break
    }
  }

  private mutating func addServing(_ snapshot: AmphoraSnapshot) {
    let names = snapshot.names
    for balancer in snapshot.loadBalancers {
      add(balancer.service, "haproxy of load balancer \(names[balancer.id])")
      for problem in balancer.problems { add(.bad, problem) }
      if balancer.isUntried { add(.warning, "haproxy.cfg of \(names[balancer.id]) is not the one that haproxy runs") }
    }
    for listener in snapshot.lvsListeners {
      if !listener.isDisabled { add(listener.service, "keepalived of listener \(names[listener.listener.id])") }
      for problem in listener.problems { add(.bad, problem) }
    }
    for listener in snapshot.listeners where listener.state != nil && !listener.isWell && listener.state != "DISABLED" {
      let fill = listener.sessionLimit.map { ", \(listener.sessions ?? 0) of \($0) sessions" } ?? ""
      add(
        .bad,
        "listener \(names[listener.id]) is \(listener.state == "OPEN" ? "nearly full" : listener.state ?? "")\(fill)")
    }
    let pools = snapshot.pools
    let down = pools.filter { $0.state.hasPrefix("DOWN") }
    if !down.isEmpty {
      add(.bad, "\(Quantity.of(down.count, "pool")) of \(pools.count) \(down.count == 1 ? "is" : "are") down")
    }
    let members = pools.flatMap(\.members)
    let notUp = members.count { !$0.isUp }
    if notUp > 0 {
      add(.warning, "\(notUp) of \(Quantity.of(members.count, "member")) \(notUp == 1 ? "is" : "are") not up")
    }
  }

  private mutating func add(_ service: ServiceFacts, _ what: String) {
    if service.isStoppedByOrder {
      add(.warning, "\(what) was stopped by a controller")
    } else if !service.isUp {
      add(.bad, "\(what) does not run: \(service.state)\(service.failure.map { ", \($0)" } ?? "")")
    }
  }

  private mutating func add(_ certificate: CertificateFacts) {
    if let problem = certificate.problem {
      add(.bad, problem.contains(certificate.file) ? problem : "\(certificate.file): \(problem)")
    }
    // Controllers replace the agent's own two weeks before its end.
    guard let days = certificate.daysLeft, days < 10 else { return }
    let when = days < 0 ? "has expired" : "expires in \(Quantity.of(days, "day"))"
    add(days < 3 ? .bad : .warning, "\(certificate.file) \(when)")
  }

  private mutating func addMachine(_ machine: MachineFacts) {
    for disk in machine.disks where disk.fill >= 90 {
      add(disk.fill >= 98 ? .bad : .warning, "\(disk.path) is \(disk.fill) % full")
    }
    if machine.memoryFill >= 90 { add(.warning, "\(machine.memoryFill) % of the memory is in use") }
    if let conntrack = machine.conntrack, conntrack.fill >= 80 {
      add(conntrack.fill >= 95 ? .bad : .warning, "the connection tracking table is \(conntrack.fill) % full")
    }
  }
}

extension AmphoraSnapshot {
  /// Of haproxy and of the kernel.
  var listeners: [ListenerFacts] { loadBalancers.flatMap(\.listeners) + lvsListeners.map(\.listener) }

  /// Of haproxy and of the kernel.
  var pools: [PoolFacts] { loadBalancers.flatMap(\.pools) + lvsListeners.compactMap(\.pool) }

  var names: ShortNames {
    let members = pools.flatMap(\.members).map(\.id)
    return ShortNames(loadBalancers.map(\.id) + listeners.map(\.id) + pools.map(\.id) + members)
  }
}

// The amphora as a whole: who it is, what part it plays, its agent and its machine.

extension StatusScreen {
  func addHead(_ text: inout ScreenText) {
    let machine = snapshot.machine
    text.field(
      "amphora",
      [
        Span(snapshot.amphoraID ?? "unknown id", .strong), Span("host \(machine.hostname)"),
        Span("up \(age(machine.uptime))"), Span("\(Quantity.time(snapshot.time)) UTC"),
      ])
    text.field("image", image)
    text.field("role", role)
    text.field("agent", agent)
    if let line = lastRequest { text.field("", line) }
    text.field("", heartbeat)
    text.field("machine", machineParts)
  }

  private var image: [Span] {
    let image = snapshot.image
    var parts: [Span] = []
    if let build = image.build { parts.append(Span("build \(build)")) }
    if let system = image.system { parts.append(Span(system)) }
    if let time = image.packagesChanged { parts.append(Span("packages of \(Quantity.day(time))")) }
    if let kernel = image.kernel { parts.append(Span("kernel \(kernel)")) }
    if let haproxy = image.haproxy { parts.append(Span("haproxy \(haproxy)")) }
    if let keepalived = image.keepalived { parts.append(Span("keepalived \(keepalived)")) }
    return parts.isEmpty ? ["unknown"] : parts
  }

  private var role: [Span] {
    var parts = [Span(snapshot.topology ?? "unknown topology")]
    guard let vrrp = snapshot.vrrp else {
      if snapshot.topology == "ACTIVE_STANDBY" { parts.append(Span("VRRP is not set up", .warning)) }
      return parts
    }
    let since = vrrp.since.map { " for \(age($0))" } ?? ""
    parts.append(Span(vrrp.role.rawValue + since, vrrp.role == .down || vrrp.role == .stale ? .bad : .strong))
    if let problem = vrrp.problem { parts.append(Span(problem, .bad)) }
    if !vrrp.vips.isEmpty { parts.append(Span("VIP \(vrrp.vips.joined(separator: " "))")) }
    if let priority = vrrp.priority { parts.append(Span("priority \(priority)")) }
    if !vrrp.peers.isEmpty { parts.append(Span("peer \(vrrp.peers.joined(separator: " "))")) }
    if let uptime = vrrp.uptime { parts.append(Span("keepalived up \(age(uptime))")) }
    return parts
  }

  private var agent: [Span] {
    let agent = snapshot.agent
    var parts = [state(agent.service)] + process(agent.service)
    guard let status = agent.status else {
      if agent.service.isUp { parts.append(Span("does not answer", .warning)) }
      return parts
    }
    parts.append(Span("version \(status.version)"))
    if status.logLevel == "debug" {
      let until = status.logLevelUntil.map { " for \(age($0 - snapshot.time))" } ?? ""
      parts.append(Span("logs at debug\(until)"))
    }
    for work in status.requestsInProgress ?? [] {
      parts.append(
        Span("\(work.method) \(work.path) \(work.state) for \(age(work.seconds))", work.seconds > 60 ? .bad : .strong))
    }
    return parts
  }

  private var lastRequest: [Span]? {
    guard let status = snapshot.agent.status else { return nil }
    guard let last = status.lastRequest else { return [Span("no request yet")] }
    return [
      Span("last request \(age(snapshot.time - last.time)) ago"), Span("\(last.method) \(last.path)"),
      Span("status \(last.status)", last.status >= 500 ? .warning : .plain), Span("from \(last.client)"),
      Span(Quantity.milliseconds(last.milliseconds)), Span("\(Quantity.of(status.requests, "request")) in all"),
    ]
  }

  private var heartbeat: [Span] {
    let agent = snapshot.agent
    let destinations = agent.destinations.map { $0.isEmpty ? "to nobody" : "to \($0.joined(separator: " "))" }
    guard let status = agent.status else {
      return [Span("heartbeats \(destinations ?? "to whom is unknown")")]
    }
    var parts: [Span] = []
    if let last = status.lastHeartbeat {
      parts = [
        Span("last heartbeat \(age(snapshot.time - last.time)) ago"), Span("to \(last.destination)"),
        Span("\(last.bytes) B"), Span("number \(last.sequence)"),
      ]
    } else {
      parts = [Span("no heartbeat yet", .warning), Span(destinations ?? "")]
    }
    if let silence = status.heartbeatSilence { parts.append(Span("silent: \(silence)", .bad)) }
    if let error = status.heartbeatSendError { parts.append(Span("send error: \(error)", .warning)) }
    return parts
  }

  private var machineParts: [Span] {
    let machine = snapshot.machine
    var parts = [
      Span("load \(machine.load.joined(separator: " ")) on \(Quantity.of(machine.processors, "CPU"))"),
      Span(
        "memory \(machine.memoryFill) % of \(Quantity.bytes(Double(machine.memoryBytes)))",
        machine.memoryFill >= 90 ? .warning : .plain),
    ]
    for disk in machine.disks {
      parts.append(
        Span(
          "\(disk.path) \(disk.fill) % full (\(Quantity.bytes(Double(disk.availableBytes))) free)",
          disk.fill >= 98 ? .bad : disk.fill >= 90 ? .warning : .plain))
    }
    if let conntrack = machine.conntrack {
      parts.append(
        Span("conntrack \(conntrack.count) of \(conntrack.limit)", conntrack.fill >= 80 ? .warning : .plain))
    }
    return parts
  }
}

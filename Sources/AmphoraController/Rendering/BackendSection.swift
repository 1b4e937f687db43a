// A `backend` section of haproxy.cfg (contract §4.6): one for each pool of each enabled listener.

/// What a listener's traffic for a pool goes to.
struct BackendSection {
  let input: HAProxyInput
  let listener: EffectiveListener
  let pool: Pool

  /// The agent and controllers cut the name at the colon.
  static func name(_ pool: Pool, _ listener: EffectiveListener) -> String { "\(pool.id):\(listener.listener.id)" }

  func write(to text: inout ConfigurationText) throws {
    text.line("backend \(Self.name(pool, listener))")
    text.entry("mode \(mode.rawValue)")
    // In mode http the pool is HTTP, or PROXY under a listener of that mode.
    if input.version.isAtLeast(1, 6), mode == .http { text.entry("http-reuse safe") }
    text.entry("balance \(balance)")
    try SessionPersistenceLines(input: input, pool: pool).write(to: &text)
    if let monitor = pool.enabledMonitor {
      try HealthMonitorLines(input: input, monitor: monitor).write(to: &text)
    }
    for line in listener.listener.insertHeaders.lines(for: listener.listener.protocol, pool: pool.protocol) {
      text.entry(line)
    }
    text.entry("fullconn \(listener.connectionLimit)")
    text.entry("option allbackups")
    text.entry("timeout connect \(listener.timeoutMemberConnect)")
    text.entry("timeout server \(listener.timeoutMemberData)")
    let server = ServerLine(input: input, listener: listener.listener, pool: pool)
    let options = try server.poolWords
    for member in pool.presentMembers { text.entry(server.line(for: member, options: options)) }
  }

  private var mode: EffectiveListener.Mode {
    switch pool.protocol {
    case .proxy, .proxyV2: listener.mode
    case .http: .http
    case .tcp, .https, .udp, .sctp: .tcp
    }
  }

  private var balance: String {
    switch pool.algorithm {
    case .roundRobin, .sourceIPPort: "roundrobin"
    case .leastConnections: "leastconn"
    case .sourceIP: "source"
    }
  }
}

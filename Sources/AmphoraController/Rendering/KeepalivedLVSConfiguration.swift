// lvs-<listener id>.conf (contract §6): UDP and SCTP listeners, which the kernel balances.

import Addresses

/// The configuration of keepalived for a UDP or SCTP listener.
public struct KeepalivedLVSConfiguration {
  private let document: LoadBalancerDocument
  private let listener: Listener
  private let pool: Pool?

  /// The name of a listener's file.
  public static func fileName(_ listener: ObjectID) -> String { "lvs-\(listener).conf" }

  /// Renders the text for one of the document's UDP or SCTP listeners; fails with a ``DocumentError``.
  public static func render(_ document: LoadBalancerDocument, listener id: ObjectID) throws -> String {
    try document.check()
    guard let listener = document.loadBalancer.listeners.first(where: { $0.id == id && $0.protocol.usesLVS }) else {
      throw DocumentError("loadbalancer.listeners", "have no UDP or SCTP listener \(id)")
    }
    return KeepalivedLVSConfiguration(checked: document, listener, PoolIndex(document.loadBalancer)).text()
  }

  init(checked document: LoadBalancerDocument, _ listener: Listener, _ pools: PoolIndex) {
    self.document = document
    self.listener = listener
    pool = pools.defaultPool(of: listener).flatMap { $0.isBeingDeleted ? nil : $0 }
  }

  func text() -> String {
    var text = ConfigurationText()
    text.line("# Configuration for Loadbalancer \(document.loadBalancer.id)")
    text.line(
      listener.adminStateUp ? "# Configuration for Listener \(listener.id)" : "# Listener \(listener.id) is disabled")
    text.blank()
    text.line("net_namespace amphora-haproxy")
    text.blank()
    guard document.loadBalancer.adminStateUp, listener.adminStateUp else { return text.text }
    if let pool {
      for family in [IPAddress.Family.v4, .v6] { write(pool, for: family, to: &text) }
    }
    text.blank()
    return text.text
  }

  private func write(_ pool: Pool, for family: IPAddress.Family, to text: inout ConfigurationText) {
    let balancer = document.loadBalancer
    let vips = ([balancer.vipAddress] + balancer.additionalVIPs.map(\.ipAddress)).filter { $0.family == family }
    guard !vips.isEmpty else { return }
    let group = family == .v4 ? "ipv4-group" : "ipv6-group"
    text.line("virtual_server_group \(group) {")
    for vip in vips { text.entry("\(vip) \(listener.protocolPort)") }
    text.line("}")
    text.blank()
    text.line("virtual_server group \(group) {")
    writeServerHead(pool, for: family, to: &text)
    text.blank(2)
    writePool(pool, for: family, to: &text)
    text.line("}")
  }

  private func writeServerHead(_ pool: Pool, for family: IPAddress.Family, to text: inout ConfigurationText) {
    text.entry("lb_algo \(Self.scheduler(pool.algorithm))")
    text.entry("lb_kind NAT")
    text.entry("protocol \(listener.protocol.rawValue)")
    if let persistence = pool.sessionPersistence, persistence.type == .sourceIP {
      let timeout = persistence.timeout.flatMap { $0 == 0 ? nil : $0 } ?? 360
      text.entry("persistence_timeout \(timeout)")
      let granularity = persistence.granularity?.rawValue ?? (family == .v4 ? "255.255.255.255" : "128")
      text.entry("persistence_granularity \(granularity)")
    }
    if let monitor = pool.enabledMonitor {
      text.entry("delay_loop \(monitor.delay)")
      text.entry("delay_before_retry \(monitor.delay)")
      text.entry("retry \(monitor.maxRetriesDown)")
    }
  }

  private func writePool(_ pool: Pool, for family: IPAddress.Family, to text: inout ConfigurationText) {
    text.entry(pool.adminStateUp ? "# Configuration for Pool \(pool.id)" : "# Pool \(pool.id) is disabled")
    if let monitor = pool.enabledMonitor { text.entry("# Configuration for HealthMonitor \(monitor.id)") }
    guard pool.adminStateUp else { return }
    for member in pool.presentMembers where member.address.family == family {
      RealServer(options: document.context.options, listener: listener, monitor: pool.enabledMonitor, member: member)
        .write(to: &text)
      text.blank()
    }
  }

  private static func scheduler(_ algorithm: LoadBalancingAlgorithm) -> String {
    switch algorithm {
    case .roundRobin, .sourceIPPort: "wrr"
    case .leastConnections: "lc"
    case .sourceIP: "sh"
    }
  }
}

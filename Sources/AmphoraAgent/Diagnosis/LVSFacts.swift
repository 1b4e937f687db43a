// A UDP or SCTP listener: its keepalived, and what the kernel has of it.

import Addresses
import AmphoraProtocol
import Files
import Netlink

/// A listener that the kernel balances.
package struct LVSFacts: Codable, Hashable, Sendable {
  package var service: ServiceFacts
  /// Since its configuration was written, in seconds.
  package var configurationAge: Double?
  package var isDisabled: Bool
  package var listener: ListenerFacts
  package var pool: PoolFacts?
  package var problems: [String]

  /// All of them, with one look at the kernel for each namespace.
  static func gather(
    _ paths: AgentPaths, _ states: ServiceStates,
    snapshot: @escaping @Sendable (NetworkNamespace) throws -> IPVSSnapshot = IPVSSnapshot.read
  ) -> [LVSFacts] {
    let store = LVSStore(paths: paths)
    let ids = store.ids()
    if ids.isEmpty { return [] }
    // Heartbeats' own judgement, so that both say the same.
    let report = LVSHeartbeatSource(paths: paths, snapshot: snapshot).collect(within: .seconds(1))
    return ids.compactMap { id in
      guard let configuration = try? store.parsed(id) else { return nil }
      let pid = FileRead.liveProcess(pidFile: paths.lvsPIDFile(of: id), named: "keepalived")
      let namespace = configuration.namespace.flatMap { NetworkNamespace($0) } ?? .amphoraHAProxy
      let services = (try? snapshot(namespace))?.table.services(of: configuration) ?? []
      let reading = report.listeners.first { $0.id == id.text }
      return LVSFacts(
        service: states.service(ServiceUnit.unitName(of: id), pid: pid),
        configurationAge: LoadBalancerFacts.age(paths.lvsConfiguration(of: id)), isDisabled: configuration.isDisabled,
        listener: ListenerFacts(
          id: id.text, mode: configuration.transport?.rawValue ?? "UDP", binds: configuration.addresses.map(Self.text),
          state: state(configuration, isRunning: pid != nil, isServed: !services.isEmpty),
          sessions: reading?.connections,
          totalSessions: reading?.counters.stot, bytesIn: reading?.counters.bin, bytesOut: reading?.counters.bout),
        pool: report.pools.first { $0.key == configuration.pool }
          .map { PoolFacts($0, configuration, listener: id, servers: services.flatMap(\.servers)) },
        problems: report.problems[id.text].map { [$0] } ?? [])
    }
  }

  private static func state(_ configuration: LVSConfiguration, isRunning: Bool, isServed: Bool) -> String? {
    if configuration.isDisabled { return "DISABLED" }
    if !isRunning { return nil }
    if isServed { return "OPEN" }
    // keepalived has told the kernel nothing, or the kernel cannot.
    return configuration.hasVirtualServers ? "MISSING" : "NO POOL"
  }

  fileprivate static func text(_ endpoint: LVSEndpoint) -> String {
    endpoint.address.family == .v6 ? "[\(endpoint.address)]:\(endpoint.port)" : "\(endpoint.address):\(endpoint.port)"
  }
}

extension PoolFacts {
  fileprivate init(
    _ pool: HeartbeatMessage.Pool, _ configuration: LVSConfiguration, listener: ListenerID, servers: [IPVSTable.Server]
  ) {
    let members = pool.members.map { member in
      let endpoint = configuration.members.first { $0.id == member.id }?.endpoint
      let found = servers.filter { $0.endpoint == endpoint }
      return MemberFacts(
        id: member.id, address: endpoint.map(LVSFacts.text), state: member.status, weight: found.first?.weight,
        isBackup: false, sessions: found.isEmpty ? nil : found.map(\.activeConnections).reduce(0, &+),
        // The kernel knows only that keepalived took it out; why, keepalived wrote into the journal.
        reason: member.status == "DOWN" && configuration.hasChecks
          ? "keepalived's check fails, or did not run yet" : nil)
    }
    self.init(id: pool.key, listener: listener.text, state: pool.status, members: members)
  }
}

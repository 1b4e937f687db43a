// UDP and SCTP listeners: each has a keepalived, which fills the kernel's table.

import AmphoraProtocol
import Files
package import Netlink

/// Whether listeners' keepalived runs and the kernel balances what it should.
package struct DatagramExamination: DoctorCheck {
  package let name = "udp-listeners"
  static let names = ["udp-listeners", script, pools]
  private static let script = "udp-check-script"
  private static let pools = "udp-pools"
  private let snapshot: @Sendable (NetworkNamespace) throws -> IPVSSnapshot
  private let hasKernelTable: @Sendable () -> Bool

  /// - Parameters:
  ///   - snapshot: reads the kernel's state in a namespace.
  ///   - hasKernelTable: whether the kernel's load balancer is loaded.
  package init(
    snapshot: @escaping @Sendable (NetworkNamespace) throws -> IPVSSnapshot = IPVSSnapshot.read,
    hasKernelTable: @escaping @Sendable () -> Bool = { FileRead.exists("/proc/net/ip_vs") }
  ) {
    self.snapshot = snapshot
    self.hasKernelTable = hasKernelTable
  }

  package func run(_ amphora: LocalAmphora) async -> [Finding] {
    let paths = amphora.paths
    let (store, stopped) = (LVSStore(paths: paths), StopOrders(paths: paths))
    var findings: [Finding] = []
    var needsScript = false
    for id in store.ids() {
      if stopped.contains(ServiceUnit.unitName(of: id)) {
        findings.append(.pass(name, "listener \(id) was stopped on request, so it is not looked at"))
        continue
      }
      let path = paths.lvsConfiguration(of: id)
      guard let text = FileRead.text(path) else {
        findings.append(.failure(name, "\(path) cannot be read", remedy: "chmod 644 \(path)"))
        continue
      }
      let configuration = LVSConfiguration(parsing: text)
      if configuration.isDisabled { continue }
      needsScript = needsScript || text.contains(paths.memberCheckScript)
      findings += store.isRunning(id) ? running(id, configuration, paths) : await ended(id, paths)
    }
    return findings + (needsScript ? scriptFindings(paths.memberCheckScript) : [])
  }

  private func ended(_ id: ListenerID, _ paths: AgentPaths) async -> [Finding] {
    let path = paths.lvsConfiguration(of: id)
    if case .unusable(let words) = await KeepalivedCheck.run(path) {
      return [
        .failure(
          name, "\(path) cannot be used by keepalived: \(BalancerText.line(words))",
          remedy: "have the controller send it again: openstack loadbalancer failover LOADBALANCER")
      ]
    }
    return [
      .failure(
        name, "keepalived of listener \(id) does not run",
        remedy: ServiceRemedy(unit: ServiceUnit.unitName(of: id)).start)
    ]
  }

  private func running(_ id: ListenerID, _ configuration: LVSConfiguration, _ paths: AgentPaths) -> [Finding] {
    let unit = ServiceRemedy(
      unit: ServiceUnit.unitName(of: id),
      processes: FileRead.liveProcess(pidFile: paths.lvsPIDFile(of: id), named: "keepalived").map { [$0] } ?? [])
    // Its checker writes this file when it has read the configuration.
    if let began = LVSHeartbeatSource.changeTime(paths.lvsCheckPIDFile(of: id)),
      let written = LVSHeartbeatSource.changeTime(paths.lvsConfiguration(of: id)), written > began
    {
      return [
        .warning(
          name, "\(paths.lvsConfiguration(of: id)) was changed after keepalived had read it", remedy: unit.restart)
      ]
    }
    let running = Finding.pass(name, "keepalived of listener \(id) runs")
    // Without the kernel's part there is nothing more to see.
    guard hasKernelTable(), configuration.members.contains(where: { !$0.isDisabled }) else { return [running] }
    let namespace = configuration.namespace.flatMap { NetworkNamespace($0) } ?? .amphoraHAProxy
    // A missing namespace is another check's.
    guard let table = try? snapshot(namespace).table else { return [running] }
    let services = table.services(of: configuration)
    guard !services.isEmpty else {
      let places = configuration.addresses.map { "\($0.address) port \($0.port)" }
      return [
        .failure(
          name, "the kernel has no service for listener \(id): \(BalancerText.list(places, separator: ", "))",
          remedy: unit.restart)
      ]
    }
    return [running] + members(id, configuration, services.flatMap(\.servers), paths)
  }

  private func members(
    _ id: ListenerID, _ configuration: LVSConfiguration, _ servers: [IPVSTable.Server], _ paths: AgentPaths
  ) -> [Finding] {
    guard let pool = LVSPoolStatus.of(configuration, servers: servers, isRestarting: false) else { return [] }
    let title = "pool \(pool.key) (listener \(id))"
    let down = Set(pool.members.filter { $0.status == "DOWN" }.map(\.id))
    let gone = configuration.members.filter { down.contains($0.id) }
    guard let first = gone.first?.endpoint else {
      return [.pass(Self.pools, "\(title): all \(pool.members.count) members are up, not checked or switched off")]
    }
    let words = gone.map { "\($0.id)\($0.endpoint.map { " at \($0.address) port \($0.port)" } ?? "")" }
    let list = BalancerText.list(words)
    let remedy =
      "mend the member's service; keepalived asks: ip netns exec \(trafficNamespace) \(paths.memberCheckScript) "
      + "\(first.address) \(first.port)"
    return [
      pool.status == "DOWN"
        ? .failure(Self.pools, "\(title) has no member that is up: \(list)", remedy: remedy)
        : .warning(Self.pools, "\(title): \(gone.count) of \(pool.members.count) members down: \(list)", remedy: remedy)
    ]
  }

  /// A member whose check cannot be run counts as down.
  private func scriptFindings(_ path: String) -> [Finding] {
    guard FileRead.exists(path) else {
      return [
        .failure(
          Self.script, "\(path), which members are checked with, is missing",
          remedy: "systemctl restart amphora-agent (it writes the script anew)")
      ]
    }
    return [
      FileRead.isExecutable(path)
        ? .pass(Self.script, "\(path) is there")
        : .failure(Self.script, "\(path) is not executable", remedy: "chmod 755 \(path)")
    ]
  }
}

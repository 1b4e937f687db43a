// Listeners and pools that the kernel balances, for heartbeats: contract services §5.7, heartbeat-and-config §2.4.

import AmphoraProtocol
import Files
import Glibc
package import Netlink

/// The UDP and SCTP listeners of this amphora.
package struct LVSHeartbeatSource: HeartbeatSource {
  private let paths: AgentPaths
  private let store: LVSStore
  private let transitions: LVSTransitions
  private let snapshot: @Sendable (NetworkNamespace) throws -> IPVSSnapshot

  /// Makes a source over the listeners on disk.
  ///
  /// - Parameter snapshot: reads the kernel's state in a namespace.
  package init(
    paths: AgentPaths, transitions: LVSTransitions = LVSTransitions(),
    snapshot: @escaping @Sendable (NetworkNamespace) throws -> IPVSSnapshot = IPVSSnapshot.read
  ) {
    self.paths = paths
    self.transitions = transitions
    store = LVSStore(paths: paths)
    self.snapshot = snapshot
  }

  /// The budget is not looked at: nothing here waits for another process.
  package func collect(within budget: Duration) -> HeartbeatReport {
    var report = HeartbeatReport()
    var snapshots: [NetworkNamespace: Result<IPVSSnapshot, any Error>] = [:]
    let ids: [ListenerID]
    do throws(DurableFile.Failure) {
      ids = try store.list()
    } catch {
      report.problems["lvs"] = "\(error)"
      return report
    }
    for id in ids where store.isRunning(id) {
      do throws(DurableFile.Failure) {
        let configuration = try store.parsed(id)
        if configuration.isDisabled { continue }
        let namespace = configuration.namespace.flatMap { NetworkNamespace($0) } ?? .amphoraHAProxy
        let result = snapshots[namespace] ?? Result { try snapshot(namespace) }
        snapshots[namespace] = result
        add(id, configuration, result, to: &report)
      } catch {
        // A delete in between; all else is worth a word, and costs only what is not known (§7 row 3).
        if error.isMissing { continue }
        report.listeners.append(Self.reading(id, []))
        report.problems[id.text] = "\(error)"
      }
    }
    return report
  }

  package func configuredListeners() -> Set<String>? { (try? store.list()).map { Set($0.map(\.text)) } }

  private func add(
    _ id: ListenerID, _ configuration: LVSConfiguration, _ result: Result<IPVSSnapshot, any Error>,
    to report: inout HeartbeatReport
  ) {
    var services: [IPVSTable.Service]?
    var totals: [IPVSService] = []
    switch result {
    case .success(let snapshot):
      services = snapshot.table.services(of: configuration)
      totals = (snapshot.totals ?? []).filter(configuration.owns)
      report.problems[id.text] = configuration.addresses.isEmpty ? nil : snapshot.problem
    case .failure(let error):
      report.problems[id.text] = configuration.addresses.isEmpty ? nil : "\(error)"
    }
    var reading = Self.reading(id, totals)
    let servers = services?.flatMap(\.servers)
    reading.connections = Self.sum(servers?.map(\.activeConnections) ?? [])
    report.listeners.append(reading)
    guard !configuration.addresses.isEmpty,
      let pool = LVSPoolStatus.of(
        configuration, servers: servers, isRestarting: isRestarting(id, hasServers: servers?.isEmpty == false))
    else { return }
    report.pools.append(pool)
  }

  /// A listener with the sum over its addresses; without any there is no number now, and the last ones stay (§7 row 7).
  private static func reading(_ id: ListenerID, _ totals: [IPVSService]) -> ListenerReading {
    func sum(_ part: (IPVSService) -> Int) -> Int? { totals.isEmpty ? nil : Self.sum(totals.map(part)) }
    return ListenerReading(
      id: id.text, status: "OPEN", connections: 0,
      counters: .init(
        bin: sum(\.bytesIn), bout: sum(\.bytesOut), ereq: totals.isEmpty ? nil : 0, stot: sum(\.connections)))
  }

  /// Stops at the largest integer instead of trapping.
  private static func sum(_ numbers: [Int]) -> Int {
    numbers.reduce(0) { sum, number in
      let (next, overflow) = sum.addingReportingOverflow(number)
      return overflow ? .max : next
    }
  }

  /// How long a checker that has begun may take until it has told the kernel of its members.
  private static let fillingTime = Duration.seconds(5)

  /// Whether the configuration was replaced after keepalived's checker has begun, there is none or another one on its way,
  /// or it has not come to fill the kernel's table (contract services §5.8, §8 items 13 and 19).
  private func isRestarting(_ id: ListenerID, hasServers: Bool) -> Bool {
    if transitions.contains(id) { return true }
    guard let checker = Self.changeTime(paths.lvsCheckPIDFile(of: id)) else { return true }
    guard let configuration = Self.changeTime(paths.lvsConfiguration(of: id)) else { return true }
    if configuration > checker { return true }
    let age = .seconds(UnixTime.now) - checker
    // Whole seconds of the present, so that it may seem to lie before what has just happened.
    return !hasServers && age > .seconds(-1) && age < Self.fillingTime
  }

  /// When a file was written, since 1970.
  static func changeTime(_ path: String) -> Duration? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return .seconds(status.st_mtim.tv_sec) + .nanoseconds(status.st_mtim.tv_nsec)
  }
}

extension LVSConfiguration {
  /// Whether a service is at one of the listener's addresses.
  fileprivate func owns(_ service: IPVSService) -> Bool {
    let transports = transport.map { [$0] } ?? LVSTransport.allCases
    return transports.contains { $0.number == service.transport }
      && addresses.contains(LVSEndpoint(address: service.address, port: service.port))
  }
}

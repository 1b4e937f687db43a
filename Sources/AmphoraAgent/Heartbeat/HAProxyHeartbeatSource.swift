// Listeners and pools of the haproxy load balancers below the base path: contract heartbeat-and-config §2.3.

import AmphoraProtocol
import Files

/// The haproxy load balancers of this amphora (normally one).
package struct HAProxyHeartbeatSource: HeartbeatSource {
  private let paths: AgentPaths
  private let store: LoadBalancerStore

  /// Makes a source over the load balancers on disk.
  package init(paths: AgentPaths) {
    self.paths = paths
    store = LoadBalancerStore(paths: paths)
  }

  package func collect(within budget: Duration) -> HeartbeatReport {
    let deadline = ContinuousClock.now + budget
    var report = HeartbeatReport()
    let running: [LoadBalancerID]
    do throws(DurableFile.Failure) {
      running = try store.list().filter(store.isRunning)
    } catch {
      report.problems["haproxy"] = "\(error)"
      return report
    }
    for (index, id) in running.enumerated() {
      // Each gets an equal part of what is left: one stuck haproxy must not cost the others their turn.
      let share = (deadline - .now) / (running.count - index)
      do throws(StatsSocketError) {
        try report.append(read(id, until: .now + share))
      } catch {
        report.problems[id.text] = error.description
      }
    }
    return report
  }

  package func configuredListeners() -> Set<String>? {
    var names: Set<String> = []
    guard let ids = try? store.list() else { return nil }
    for id in ids {
      guard let configuration = try? store.parsed(id) else { return nil }
      names.formUnion(configuration.frontends.map(\.name))
    }
    return names
  }

  private func read(
    _ id: LoadBalancerID, until deadline: ContinuousClock.Instant
  ) throws(StatsSocketError) -> HeartbeatReport {
    let socket = StatsSocket(path: paths.statsSocket(of: id))
    var before = process(socket, until: deadline)
    var table = try socket.limited(to: deadline - .now).showStat()
    var after = process(socket, until: deadline)
    if let first = before, let second = after, !second.continues(first) {
      // A reload in between: which process the table is from is unknown, so ask once more.
      before = second
      table = try socket.limited(to: deadline - .now).showStat()
      after = process(socket, until: deadline)
    }
    guard let first = before, let second = after, second.continues(first) else {
      return Self.report(table, process: nil)
    }
    return Self.report(table, process: second)
  }

  /// The process behind the socket; nil when it does not say in time, which costs only precision.
  private func process(_ socket: StatsSocket, until deadline: ContinuousClock.Instant) -> CountingProcess? {
    guard let information = try? socket.limited(to: deadline - .now).showInfo(),
      let pid = information["Pid"].flatMap({ Int($0) }), let uptime = information["Uptime_sec"].flatMap({ Int($0) })
    else { return nil }
    return CountingProcess(pid: pid, uptime: uptime)
  }

  private static func report(_ table: StatsTable, process: CountingProcess?) -> HeartbeatReport {
    var report = HeartbeatReport()
    report.listeners = table.listeners.map { row in
      let counters = ListenerCounters.Reading(
        bin: row.bytesIn, bout: row.bytesOut, ereq: row.requestErrors, stot: row.totalConnections)
      return ListenerReading(
        id: row.id, status: row.status, connections: row.connections, counters: counters, process: process)
    }
    report.pools = table.pools.map { pool in
      let members = pool.members.map { HeartbeatMessage.Member(id: $0.id, status: $0.status) }
      return HeartbeatMessage.Pool(key: pool.key, status: pool.status, members: members)
    }
    return report
  }
}

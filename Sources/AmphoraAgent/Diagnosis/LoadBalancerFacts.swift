// A load balancer: its unit, its configuration and what its haproxy says.

import AmphoraProtocol
import Files
import Glibc

/// A haproxy load balancer.
package struct LoadBalancerFacts: Codable, Hashable, Sendable {
  package var id: String
  package var service: ServiceFacts
  /// Since haproxy.cfg was written, in seconds.
  package var configurationAge: Double?
  /// What is on disk is not what haproxy was last seen to run.
  package var isUntried: Bool
  /// A configuration that was refused lies beside it: its age in seconds.
  package var rejectedAge: Double?
  /// Since the process that serves now has begun, in seconds: the last reload.
  package var workerUptime: Double?
  /// Connections of all listeners, and what haproxy takes at most.
  package var connections: MachineFacts.Fill?
  /// As the agent counted them; nil when it does not answer, or none happened since its start.
  package var reloads: AgentStatus.Reloads?
  package var listeners: [ListenerFacts]
  package var pools: [PoolFacts]
  /// What could not be learnt, and why.
  package var problems: [String]

  /// How long one haproxy is waited for.
  private static let patience = Duration.seconds(1)

  static func gather(
    _ id: LoadBalancerID, _ paths: AgentPaths, _ states: ServiceStates, _ agent: AgentStatus?
  ) -> LoadBalancerFacts {
    let pid = FileRead.liveProcess(pidFile: paths.pidFile(of: id), named: "haproxy")
    let file = paths.configuration(of: id)
    let text = try? FileRead.bytes(file)
    let good = try? FileRead.bytes(paths.lastGoodConfiguration(of: id))
    var facts = LoadBalancerFacts(
      id: id.text, service: states.service(ServiceUnit.unitName(of: id), pid: pid), configurationAge: age(file),
      isUntried: good != nil && text != good, rejectedAge: age(paths.rejectedConfiguration(of: id)),
      reloads: agent?.reloads[id.text],
      listeners: [], pools: [], problems: [])
    do {
      let text = String(decoding: try FileRead.bytes(file), as: UTF8.self)
      let configuration = try HAProxyConfiguration(parsing: text)
      let reading = HAProxyReading(
        pid == nil ? nil : facts.ask(StatsSocket(path: configuration.statsSocket, timeout: patience)), configuration,
        HAProxyAddresses(parsing: text))
      (facts.listeners, facts.pools) = (reading.listeners, reading.pools)
    } catch {
      facts.problems.append("\(error)")
    }
    return facts
  }

  private mutating func ask(_ socket: StatsSocket) -> StatsTable? {
    do {
      let table = try socket.showStat()
      let information = try socket.showInfo()
      workerUptime = information["Uptime_sec"].flatMap { Double($0) }
      if let now = information["CurrConns"].flatMap({ Int($0) }),
        let limit = information["Maxconn"].flatMap({ Int($0) })
      {
        connections = MachineFacts.Fill(count: now, limit: limit)
      }
      return table
    } catch {
      problems.append("\(error)")
      return nil
    }
  }

  /// Since a file was written, in seconds; nil when there is none.
  static func age(_ path: String) -> Double? {
    var status = stat()
    var now = timespec()
    guard stat(path, &status) == 0, clock_gettime(CLOCK_REALTIME, &now) == 0 else { return nil }
    return Double(now.tv_sec - status.st_mtim.tv_sec) + Double(now.tv_nsec - status.st_mtim.tv_nsec) / 1e9
  }
}

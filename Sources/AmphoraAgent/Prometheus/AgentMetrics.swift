// What the agent tells of itself on the tenants' metrics endpoint. It is kept by the agent and asked for by the proxy over a
// socket of root's, so that the numbers are those of the moment, and an agent that is down is seen as such.

package import AmphoraProtocol
import Files
import Glibc
import Synchronization

/// Counts what the agent does.
package final class AgentMetrics: Sendable {
  /// How a reload of haproxy ended.
  package enum ReloadOutcome: String, Sendable, CaseIterable {
    /// A new process serves the new configuration.
    case succeeded
    /// The new configuration did not start; the one that ran last serves.
    case restored
    /// The new configuration did not start, and there was none to go back to.
    case failed

    /// For operators.
    var phrase: String {
      switch self {
      case .succeeded: "reloaded"
      case .restored: "rolled back"
      case .failed: "failed"
      }
    }
  }

  /// A number of events and the time they took.
  struct Tally: Sendable {
    var count = 0
    var seconds = 0.0
    /// Per bound of ``AgentMetrics/bounds`` those that took not longer.
    var within = [Int](repeating: 0, count: AgentMetrics.bounds.count)

    mutating func add(_ duration: Duration) {
      let taken = AgentMetrics.seconds(duration)
      count += 1
      seconds += taken
      for (index, bound) in AgentMetrics.bounds.enumerated() where taken <= bound { within[index] += 1 }
    }
  }

  struct Request: Hashable, Sendable {
    let method: String
    let route: String
    let status: Int
  }

  struct Counts: Sendable {
    var requests: [Request: Int] = [:]
    var durations: [String: Tally] = [:]
    var reloads: [ReloadOutcome: Tally] = [:]
    var lastReloads: [String: AgentStatus.Reloads] = [:]
  }

  /// In seconds: a look, a change, a reload, and what a controller waits for.
  static let bounds = [0.01, 0.1, 1, 10, 60]

  private let counts = Mutex(Counts())
  private let start = ContinuousClock.now

  /// Counts from now on.
  package init() {}

  /// A request was answered.
  ///
  /// Requests for paths and with methods that there are not count together: their number has no bound.
  package func noteRequest(method: String, path: String, status: Int, took duration: Duration) {
    let template = AgentRoute.template(method: method, path: path)
    let request = Request(method: template == nil ? "other" : method, route: template ?? "other", status: status)
    counts.withLock { counts in
      counts.requests[request, default: 0] += 1
      counts.durations[request.method + " " + request.route, default: Tally()].add(duration)
    }
  }

  /// A reload of a load balancer's haproxy has ended.
  package func noteReload(_ outcome: ReloadOutcome, of id: LoadBalancerID, took duration: Duration) {
    let time = UnixTime.precise
    counts.withLock { counts in
      counts.reloads[outcome, default: Tally()].add(duration)
      let count = (counts.lastReloads[id.text]?.count ?? 0) + 1
      counts.lastReloads[id.text] = AgentStatus.Reloads(
        count: count, lastOutcome: outcome.phrase, time: time, milliseconds: Self.seconds(duration) * 1000)
    }
  }

  /// Forgets a load balancer that was deleted.
  package func forget(_ id: LoadBalancerID) { counts.withLock { $0.lastReloads[id.text] = nil } }

  /// What became of reloads, by the load balancer's id.
  package var reloads: [String: AgentStatus.Reloads] { counts.withLock { $0.lastReloads } }

  /// Since when it counts.
  package var uptime: Duration { .now - start }

  /// All metrics as exposition text (Prometheus text format 0.0.4).
  ///
  /// - Parameter expiries: until when each certificate is valid, by its name, in seconds since 1970.
  package func text(heartbeats: HeartbeatStatus, expiries: [(name: String, time: Int64)]) -> String {
    let counts = counts.withLock { $0 }
    var text = MetricText()
    text.family("amphora_agent_build_info", .gauge, "Version of the agent.")
    text.sample(1, ["version": AgentVersion.current])
    text.family("amphora_agent_uptime_seconds", .gauge, "Seconds since the agent started.")
    text.sample(Self.seconds(uptime))
    text.family("amphora_agent_resident_memory_bytes", .gauge, "Memory of the agent that is in RAM.")
    text.sample(Double(Self.residentBytes()))
    text.requests(counts)
    text.reloads(counts)
    text.heartbeats(heartbeats)
    text.family(
      "amphora_agent_certificate_expiry_seconds", .gauge, "Seconds until a certificate expires, below 0 afterwards.")
    for (name, time) in expiries { text.sample(Double(time - Int64(UnixTime.now)), ["certificate": name]) }
    return text.text
  }

  static func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
  }

  private static func residentBytes() -> Int {
    // proc(5): the second number of statm are the resident pages.
    let words = FileRead.text("/proc/self/statm")?.split(separator: " ") ?? []
    return words.count > 1 ? (Int(words[1]) ?? 0) * sysconf(CInt(_SC_PAGESIZE)) : 0
  }
}

// Where heartbeats get their listeners and pools from: haproxy, and the kernel's LVS tables.

package import AmphoraProtocol

/// Something that serves listeners and knows how they are.
///
/// Its calls block and come from one thread, one at a time.
package protocol HeartbeatSource: Sendable {
  /// Asks how everything is, and returns within `budget`, with what is known by then.
  func collect(within budget: Duration) -> HeartbeatReport

  /// The ids of all listeners that have a configuration, running or not; nil when that cannot be told now.
  func configuredListeners() -> Set<String>?
}

/// What a source found.
package struct HeartbeatReport: Sendable {
  /// The running listeners.
  package var listeners: [ListenerReading] = []
  /// The pools of the running listeners.
  package var pools: [HeartbeatMessage.Pool] = []
  /// What could not be read, by object: its part is missing above.
  package var problems: [String: String] = [:]

  /// Makes an empty report.
  package init() {}

  /// Adds another source's report.
  package mutating func append(_ other: HeartbeatReport) {
    listeners += other.listeners
    pools += other.pools
    problems.merge(other.problems) { first, _ in first }
  }
}

/// A listener at one moment.
package struct ListenerReading: Sendable, Hashable {
  /// The listener's id.
  package var id: String
  /// The status as haproxy spells it; `OPEN` for LVS.
  package var status: String
  /// Connections open now.
  package var connections: Int
  /// The totals; nil where there is no number now, as for an LVS service that is not in the kernel's table.
  package var counters: ListenerCounters.Reading
  /// The process that counted; nil if unknown.
  package var process: CountingProcess?

  /// Makes a reading.
  package init(
    id: String, status: String, connections: Int, counters: ListenerCounters.Reading, process: CountingProcess? = nil
  ) {
    self.id = id
    self.status = status
    self.connections = connections
    self.counters = counters
    self.process = process
  }
}

/// The process whose counters are read: a new one starts at 0.
package struct CountingProcess: Sendable, Hashable {
  /// Its process id, as haproxy reports it.
  package var pid: Int
  /// Its age in seconds; tells a new process with an old one's id apart.
  package var uptime: Int

  /// Names a process.
  package init(pid: Int, uptime: Int) {
    self.pid = pid
    self.uptime = uptime
  }

  /// Whether this is the process that `earlier` was, as far as one can tell.
  package func continues(_ earlier: CountingProcess) -> Bool { pid == earlier.pid && uptime >= earlier.uptime }
}

// Which traffic has been reported already. The file is upstream's (contract heartbeat-and-config §2.5), so that an
// amphora can change agents in either direction; a total enters it only after its increment was sent (§7 row 5).

import Files
import FoundationEssentials

/// Turns totals into increments, and keeps across restarts what has been reported.
package struct CounterStore: Sendable {
  private struct Entry {
    /// What the file says: everything up to here was sent.
    var committed = ListenerCounters()
    /// The newest totals seen.
    var observed = ListenerCounters()
    /// Increments seen but not sent; survives a restart of haproxy after a failed send.
    var unsent = ListenerCounters()
    var process: CountingProcess?
  }

  /// The largest state file read, in bytes; 10,000 listeners make less.
  private static let maximumFileSize = 4 << 20

  /// The state file.
  package let path: String
  private var entries: [String: Entry] = [:]
  private var stored: [String: ListenerCounters]?

  /// Reads the state file; a missing, empty or bad one counts as no counters.
  package init(path: String) {
    self.path = path
    guard let counters = try? Self.read(path) else { return }
    stored = counters
    entries = counters.mapValues { Entry(committed: $0, observed: $0) }
  }

  /// Where an amphora's state file is.
  package static func path(_ paths: AgentPaths) -> String { paths.base + "/stats_counters.json" }

  /// How many listeners the state file tells of; nil when there is none yet.
  ///
  /// Fails for a file that ``init(path:)`` would count as none.
  package static func listeners(path: String) throws -> Int? {
    do {
      return try read(path).count
    } catch let error as DurableFile.Failure where error.isMissing {
      return nil
    }
  }

  private static func read(_ path: String) throws -> [String: ListenerCounters] {
    try JSONDecoder().decode(
      [String: ListenerCounters].self, from: Data(try FileRead.bytes(path, limit: maximumFileSize)))
  }

  /// Takes note of new totals.
  package mutating func observe(_ readings: [ListenerReading]) {
    for reading in readings {
      var entry = entries[reading.id] ?? Entry()
      let isNew = entry.process.map { old in reading.process.map { !$0.continues(old) } ?? false } ?? false
      entry.unsent = entry.unsent + entry.observed.advance(to: reading.counters, isNewProcess: isNew)
      entry.process = reading.process ?? entry.process
      entries[reading.id] = entry
    }
  }

  /// The increments of a listener since the last message that was sent.
  package func unsent(_ id: String) -> ListenerCounters { entries[id]?.unsent ?? ListenerCounters() }

  /// Records that a message with these listeners' increments was sent, and stores it.
  ///
  /// Listeners outside of it stay only if `configured` (asked only when there are any) names them or cannot tell.
  package mutating func commit(_ ids: Set<String>, configured: () -> Set<String>?) throws {
    for id in ids {
      guard var entry = entries[id] else { continue }
      entry.committed = entry.observed
      entry.unsent = ListenerCounters()
      entries[id] = entry
    }
    if entries.keys.contains(where: { !ids.contains($0) }), let configured = configured() {
      entries = entries.filter { ids.contains($0.key) || configured.contains($0.key) }
    }
    try store()
  }

  private mutating func store() throws {
    let counters = entries.mapValues(\.committed)
    // An idle load balancer must not write to the disk every interval.
    guard counters != stored else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    try DurableFile.write(encoder.encode(counters), to: path, mode: 0o640)
    stored = counters
  }
}

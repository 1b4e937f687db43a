// The four counters that heartbeats report as increments: contract heartbeat-and-config §2.5.

/// Totals of one listener, under the names of upstream's state file.
package struct ListenerCounters: Hashable, Sendable {
  /// Bytes received from clients.
  package var bin = 0
  /// Bytes sent to clients.
  package var bout = 0
  /// Request errors.
  package var ereq = 0
  /// Connections opened.
  package var stot = 0

  /// Makes a set of counters.
  package init(bin: Int = 0, bout: Int = 0, ereq: Int = 0, stot: Int = 0) {
    self.bin = bin
    self.bout = bout
    self.ereq = ereq
    self.stot = stot
  }

  /// Totals as just read; nil where there is no number now.
  package struct Reading: Hashable, Sendable {
    package var bin: Int?
    package var bout: Int?
    package var ereq: Int?
    package var stot: Int?

    /// Makes a reading.
    package init(bin: Int?, bout: Int?, ereq: Int?, stot: Int?) {
      self.bin = bin
      self.bout = bout
      self.ereq = ereq
      self.stot = stot
    }
  }

  /// Takes a reading as the new totals and returns the increments; each counter is judged on its own.
  ///
  /// A total below the old one, or any total of a new process, counts from 0. Without a number the total stays.
  mutating func advance(to reading: Reading, isNewProcess: Bool) -> ListenerCounters {
    func step(_ total: inout Int, _ current: Int?) -> Int {
      guard let current else { return 0 }
      defer { total = current }
      return isNewProcess || current < total ? current : current - total
    }
    return ListenerCounters(
      bin: step(&bin, reading.bin), bout: step(&bout, reading.bout), ereq: step(&ereq, reading.ereq),
      stot: step(&stot, reading.stot))
  }

  /// The sum; stops at the largest integer instead of trapping.
  static func + (left: ListenerCounters, right: ListenerCounters) -> ListenerCounters {
    func sum(_ left: Int, _ right: Int) -> Int {
      let (sum, overflow) = left.addingReportingOverflow(right)
      return overflow ? Int.max : sum
    }
    return ListenerCounters(
      bin: sum(left.bin, right.bin), bout: sum(left.bout, right.bout), ereq: sum(left.ereq, right.ereq),
      stot: sum(left.stot, right.stot))
  }
}

extension ListenerCounters: Codable {
  private enum CodingKeys: String, CodingKey { case bin, bout, ereq, stot }

  /// Reads an entry of the state file; a missing counter is 0, as is a negative one.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func counter(_ key: CodingKeys) throws -> Int { max(0, try container.decodeIfPresent(Int.self, forKey: key) ?? 0) }
    self.init(bin: try counter(.bin), bout: try counter(.bout), ereq: try counter(.ereq), stot: try counter(.stot))
  }
}

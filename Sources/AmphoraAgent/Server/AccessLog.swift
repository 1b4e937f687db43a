// One line per request, for the administrators' log stream (contract heartbeat-and-config §6).

package import Logging
import Synchronization

/// A number that ties the lines about one request together, from the answer's header to the journal.
package struct RequestID: Sendable, CustomStringConvertible {
  private static let counter = Atomic<UInt64>(0)
  private let number: UInt64

  /// The next number; they start at 1 with the process.
  package static func next() -> RequestID {
    RequestID(number: counter.add(1, ordering: .relaxed).newValue)
  }

  package var description: String { "r\(number)" }
}

/// Records requests.
package struct AccessLog: Sendable {
  /// What is recorded of a request: never its body.
  package struct Entry: Sendable {
    package var request: RequestID
    package var peer: String
    package var method: String
    package var path: String
    package var status: Int
    package var bytes: Int
    package var duration: Duration
  }

  private let logger: Logger

  package init(logger: Logger) { self.logger = logger }

  /// Writes one line.
  package func record(_ entry: Entry) {
    let milliseconds =
      Double(entry.duration.components.attoseconds / 1_000_000_000_000) / 1000 + Double(
        entry.duration.components.seconds) * 1000
    logger.info(
      "\(entry.method) \(entry.path.prefix(512)) \(entry.status)",
      metadata: [
        "request": "\(entry.request)", "peer": "\(entry.peer)", "bytes": "\(entry.bytes)", "ms": "\(milliseconds)",
      ])
  }
}

// One line per request, for the administrators' log stream (contract heartbeat-and-config §6).

package import Logging

/// Records requests.
package struct AccessLog: Sendable {
  /// What is recorded of a request: never its body.
  package struct Entry: Sendable {
    package var peer: String
    package var method: String
    package var path: String
    package var status: Int
    package var bytes: Int
    package var duration: Duration
  }

  private let logger: Logger

  package init(logger: Logger) { self.logger = logger }

  /// Writes one line; within the request, whose id the line gets as any other.
  package func record(_ entry: Entry) {
    let milliseconds =
      Double(entry.duration.components.attoseconds / 1_000_000_000_000) / 1000 + Double(
        entry.duration.components.seconds) * 1000
    logger.info(
      "\(entry.method) \(entry.path.prefix(512)) \(entry.status)",
      metadata: [
        "peer": "\(entry.peer)", "bytes": "\(entry.bytes)", "ms": "\(milliseconds)",
      ])
  }
}

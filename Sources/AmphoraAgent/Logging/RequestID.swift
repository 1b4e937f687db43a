// What ties the lines about one request together, from the answer's header to the journal.

import Synchronization

/// The number of a request.
///
/// Clients' own ids are not looked at: what they send is theirs.
package struct RequestID: Hashable, Sendable, CustomStringConvertible {
  /// The request that the running task works for.
  ///
  /// Each line that is logged meanwhile has it (``AgentLogHandler``). Tasks started meanwhile inherit it; what goes on
  /// after the request has to take it off.
  @TaskLocal package static var current: RequestID?

  private static let counter = Atomic<UInt64>(0)
  /// Tells the requests of this process from those of the one before in the same journal.
  ///
  /// Milliseconds: systemd may start the next one within the same second.
  private static let process = String(Int64(max(0, UnixTime.precise * 1000)), radix: 36)

  private let number: UInt64

  /// The next number; they start at 1 with the process.
  package static func next() -> RequestID {
    RequestID(number: counter.add(1, ordering: .relaxed).newValue)
  }

  package var description: String { "r\(Self.process)-\(number)" }

  /// The body for another thread, which does not know the task.
  static func carried<T>(_ body: @escaping @Sendable () throws -> T) -> @Sendable () throws -> T {
    guard let current else { return body }
    return { try $current.withValue(current) { try body() } }
  }
}

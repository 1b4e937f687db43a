// keepalived takes its members and services out of the kernel before it ends. What heartbeats see meanwhile is no failure.

package import AmphoraProtocol
import Synchronization

/// The listeners whose keepalived is just being started, stopped or restarted by order.
package final class LVSTransitions: Sendable {
  private let ids = Mutex<Set<ListenerID>>([])

  /// Makes an empty set.
  package init() {}

  /// Whether something is under way for a listener.
  package func contains(_ id: ListenerID) -> Bool { ids.withLock { $0.contains(id) } }

  /// Has the listener in the set for as long as `body` takes; there is one at a time for each listener.
  func during<T>(_ id: ListenerID, _ body: () async throws -> T) async rethrows -> T {
    ids.withLock { _ = $0.insert(id) }
    defer { ids.withLock { _ = $0.remove(id) } }
    return try await body()
  }
}

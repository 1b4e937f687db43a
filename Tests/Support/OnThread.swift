// Blocking calls of tests, each on a thread of its own. The agent's pool has one thread per core: two tests that wait on it for
// what a third should do there would wait for ever.

import Foundation

/// Runs a blocking body on a new thread.
package func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
  }
}

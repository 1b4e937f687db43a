// File system calls block; the threads of Swift concurrency and of the event loops must not.

import Files
import NIOPosix

/// Runs blocking work on NIO's pool of threads for it, which starts with the first call.
package enum BlockingIO {
  package static func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await NIOThreadPool.singleton.runIfActive(RequestID.carried(KillPoint.carried(body)))
  }
}

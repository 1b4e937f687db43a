// Work inside a namespace is done on a thread of its own, which enters, works and ends. A thread of a pool (Swift
// concurrency, NIO) must never enter: whatever runs on it next would be in the wrong namespace. And a thread that has
// entered must never start another one, which would be born there: so it must not resume a task, because that may make the
// pool grow by a thread.

import CNetlink
import Glibc
import Synchronization

extension NetworkNamespace {
  /// Runs `body` on a new thread inside the namespace and suspends until it ends.
  ///
  /// What belongs to a namespace is fixed where it is made: sockets opened, `/proc/sys/net` files opened and child
  /// processes started by `body` are in this one. A missing namespace is an error and is not created. Cancelling the
  /// task does not stop `body`.
  package func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      do {
        // This thread stays where it was born, and resumes; the one that it waits for enters.
        let thread = try NamespaceThread.start(name) {
          continuation.resume(with: Result { try runBlocking(body) })
        }
        pthread_detach(thread)
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }

  /// Like ``run(_:)``, but blocks the calling thread: about 0.1 ms and the time of `body`.
  package func runBlocking<T: Sendable & ~Copyable>(_ body: @escaping @Sendable () throws -> T) throws -> T {
    try NamespaceThread.runBlocking(name) { try inside(body) }
  }

  private func inside<T: ~Copyable>(_ body: () throws -> T) throws -> T {
    try withDescriptor { descriptor in
      let error = amphora_enter_network_namespace(descriptor)
      if error == EINVAL { throw NetworkNamespaceError.notANamespace(name) }
      guard error == 0 else { throw NetworkNamespaceError.failed("enter", name, errno: error) }
    }
    return try body()
  }
}

/// Plain threads that live for one piece of work.
enum NamespaceThread {
  /// Runs `body` on a new thread and blocks until that thread has ended.
  static func runBlocking<T: Sendable & ~Copyable>(
    _ name: String, _ body: @escaping @Sendable () throws -> T
  ) throws -> T {
    let slot = Slot<T>()
    let thread = try start(name) { slot.put(Result { try body() }) }
    pthread_join(thread, nil)
    // The thread has ended, so the result is there.
    guard let result = slot.take() else { throw NetworkNamespaceError.failed("run in", name, errno: ESRCH) }
    return try result.get()
  }

  /// Starts a thread, named after the namespace for `ps -T`, cut to the kernel's 15 bytes.
  ///
  /// The caller joins or detaches.
  static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(NetworkNamespaceError) -> pthread_t {
    let work = Unmanaged.passRetained(Work(body: body))
    var thread = pthread_t()
    let error = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
      }, work.toOpaque())
    guard error == 0 else {
      work.release()
      throw .failed("start thread for", name, errno: error)
    }
    pthread_setname_np(thread, String(decoding: name.utf8.prefix(15), as: UTF8.self))
    return thread
  }

  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Carries the result from one thread to the other.
  private final class Slot<T: Sendable & ~Copyable>: Sendable {
    private let result = Mutex<Result<T, any Error>?>(nil)

    func put(_ value: consuming Result<T, any Error>) {
      var value = Optional(value)
      result.withLock { $0 = value.take() }
    }

    func take() -> Result<T, any Error>? { result.withLock { $0.take() } }
  }
}

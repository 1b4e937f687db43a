// Threads for calls that block: Swift's cooperative pool has one thread per core, and two stuck calls would stop it.

import Glibc
import Synchronization

/// A thread that runs jobs one after the other.
final class BackgroundThread: Sendable {
  typealias Job = @Sendable () -> Void

  private struct State {
    var jobs: [Job] = []
    var isStopping = false
  }

  private let state = Mutex(State())
  private let wakeups: Semaphore

  /// Starts the thread; nil when the system has none to give.
  init?(name: String) {
    let wakeups = Semaphore()
    self.wakeups = wakeups
    guard Self.detach(name: name, { [weak self] in Self.work(wakeups) { self } }) else { return nil }
  }

  deinit { wakeups.signal() }

  /// Appends a job.
  func run(_ job: @escaping Job) {
    state.withLock { $0.jobs.append(job) }
    wakeups.signal()
  }

  /// Drops jobs not yet begun, and returns when the one at work has ended.
  func stop() async {
    await withCheckedContinuation { continuation in
      state.withLock { $0.jobs = [{ continuation.resume() }] }
      wakeups.signal()
    }
  }

  private func next() -> Job? { state.withLock { $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() } }

  /// The thread's life: it holds the object only while it takes a job, and ends when the object is gone.
  private static func work(_ wakeups: Semaphore, _ owner: () -> BackgroundThread?) {
    while true {
      wakeups.wait()
      guard owner() != nil else { return }
      while let job = owner()?.next() { job() }
    }
  }

  /// Runs one job on a thread of its own; false when the system has none to give.
  @discardableResult
  static func detach(name: String, _ job: @escaping Job) -> Bool {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
    let box = Unmanaged.passRetained(JobBox(name: name, job: job))
    var thread = pthread_t()
    let result = pthread_create(
      &thread, &attributes,
      { pointer in
        if let pointer {
          let box = Unmanaged<JobBox>.fromOpaque(pointer).takeRetainedValue()
          nameThisThread(box.name)
          box.job()
        }
        return nil
      }, box.toOpaque())
    if result != 0 { box.release() }
    return result == 0
  }
}

/// Names the calling thread for `ps -T` and debuggers.
///
/// Through /proc, because Swift's Glibc module is built without _GNU_SOURCE and so lacks pthread_setname_np.
private func nameThisThread(_ name: String) {
  let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return }
  // The kernel cuts at 15 bytes. A thread without a name works as well.
  _ = write(descriptor, name, name.utf8.count)
  close(descriptor)
}

private final class JobBox {
  let name: String
  let job: BackgroundThread.Job

  init(name: String, job: @escaping BackgroundThread.Job) {
    self.name = name
    self.job = job
  }
}

/// A counting semaphore for threads (sem_init(3)).
///
/// Unchecked: the pointer never changes, and the functions on it are made for concurrent calls.
private final class Semaphore: @unchecked Sendable {
  private let handle: UnsafeMutablePointer<sem_t>

  init() {
    handle = .allocate(capacity: 1)
    handle.initialize(to: sem_t())
    sem_init(handle, 0, 0)
  }

  deinit {
    sem_destroy(handle)
    handle.deallocate()
  }

  func signal() { sem_post(handle) }

  func wait() {
    while sem_wait(handle) != 0 && errno == EINTR {}
  }
}

// A thread for calls that block: Swift's cooperative pool has one thread per core, and must never wait.

import Glibc

enum PlainThread {
  /// Runs a job on a detached thread; false when the system has none to give.
  static func start(name: String, _ job: @escaping @Sendable () -> Void) -> Bool {
    let box = Unmanaged.passRetained(Job(name: name, body: job))
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      { pointer in
        guard let pointer else { return nil }
        let job = Unmanaged<Job>.fromOpaque(pointer).takeRetainedValue()
        nameThisThread(job.name)
        job.body()
        return nil
      }, box.toOpaque())
    guard result == 0 else {
      box.release()
      return false
    }
    pthread_detach(thread)
    return true
  }

  private final class Job: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
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

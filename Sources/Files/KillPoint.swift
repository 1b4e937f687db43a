// The one point that every change to the file system passes, so that tests can end the agent there: no part of what it
// writes may need more than the next start to be whole again. Release builds have neither the point nor its variable.

import Glibc
import Synchronization

/// Makes a change to the file system: a system call that creates, writes, syncs, renames or removes.
///
/// `errno` is the call's afterwards.
@inline(__always)
package func changingFiles<R>(_ call: () -> R) -> R {
  let result = call()
  #if DEBUG
    let number = errno
    KillPoint.passed()
    errno = number
  #endif
  return result
}

/// Where a debug build of the agent can be told to end itself as by `kill -9`.
///
/// `AMPHORA_TEST_KILL_FILE` names a file with two words, `request 3` or `start 3`: the process ends right after the third
/// change that a state-changing request, or the start, makes. Nothing else counts, such as the heartbeat's counters. The
/// file is read when a request begins.
package enum KillPoint {
  /// What the changes belong to.
  package enum Work: String, Sendable {
    case start
    case request
  }

  #if DEBUG
    @TaskLocal private static var work: Work?
    private static let armed = Mutex<(work: Work, left: Int)?>(nil)

    /// Counts the changes that the body makes.
    package static func counting<T: Sendable>(_ work: Work, _ body: @Sendable () async throws -> T) async rethrows -> T
    {
      arm(work)
      return try await $work.withValue(work) { try await body() }
    }

    /// The body for another thread, which does not know the task.
    package static func carried<T>(_ body: @escaping @Sendable () throws -> T) -> @Sendable () throws -> T {
      let work = work
      return { try $work.withValue(work) { try body() } }
    }

    fileprivate static func passed() {
      guard let work else { return }
      let isLast = armed.withLock { armed in
        guard armed?.work == work else { return false }
        armed?.left -= 1
        return armed?.left == 0
      }
      guard isLast else { return }
      kill(getpid(), SIGKILL)
      // The signal comes at once, but not before this thread could go on.
      while true { pause() }
    }

    private static func arm(_ work: Work) {
      guard let path = getenv("AMPHORA_TEST_KILL_FILE").map({ String(cString: $0) }) else { return }
      let words = (FileRead.text(path) ?? "").split(whereSeparator: \.isWhitespace)
      armed.withLock { armed in
        // The start counts in two places, and goes on where it was.
        if work == .start, armed?.work == .start { return }
        armed = nil
        if words.count == 2, words[0] == work.rawValue, let count = Int(words[1]) { armed = (work, count) }
      }
    }
  #else
    @inline(__always)
    package static func counting<T: Sendable>(_ work: Work, _ body: @Sendable () async throws -> T) async rethrows -> T
    {
      try await body()
    }

    @inline(__always)
    package static func carried<T>(_ body: @escaping @Sendable () throws -> T) -> @Sendable () throws -> T { body }
  #endif
}

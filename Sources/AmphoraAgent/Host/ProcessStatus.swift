// One process, from /proc.

import Files
import Glibc

/// What `/proc/<pid>/stat` says about a process.
struct ProcessStatus: Sendable {
  let name: String
  /// `R` runs, `S` sleeps, `D` waits for a disk, `T` is stopped by a signal, `Z` has ended (proc(5)).
  let state: Character
  let parent: pid_t
  /// The start in clock ticks since the boot.
  let startTicks: Int

  init?(_ pid: pid_t) {
    // `pid (comm) state ppid …`; the name may hold parentheses itself. Field 22 is the start (proc(5)).
    guard let text = FileRead.text("/proc/\(pid)/stat"), let open = text.firstIndex(of: "("),
      let close = text.lastIndex(of: ")"), open < close
    else { return nil }
    let fields = text[text.index(after: close)...].dropFirst().split(separator: " ")
    guard fields.count > 19, let state = fields[0].first, let parent = pid_t(fields[1]), let start = Int(fields[19])
    else { return nil }
    name = String(text[text.index(after: open)..<close])
    self.state = state
    self.parent = parent
    startTicks = start
  }

  /// The start since the boot, which is what its clock counts from.
  var started: Duration { .milliseconds(startTicks * 1000 / max(1, sysconf(Int32(_SC_CLK_TCK)))) }

  /// The start in seconds since 1970, by the wall clock as it goes now.
  var startedAt: Duration? {
    var (boot, wall) = (timespec(), timespec())
    guard clock_gettime(CLOCK_BOOTTIME, &boot) == 0, clock_gettime(CLOCK_REALTIME, &wall) == 0 else { return nil }
    let age = Duration.seconds(boot.tv_sec) + .nanoseconds(boot.tv_nsec) - started
    return .seconds(wall.tv_sec) + .nanoseconds(wall.tv_nsec) - age
  }

  /// The children of a process, of its first thread.
  static func children(of pid: pid_t) -> [pid_t] {
    (FileRead.text("/proc/\(pid)/task/\(pid)/children") ?? "").split(separator: " ").compactMap { pid_t($0) }
  }
}

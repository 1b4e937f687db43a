// What the kernel says about a process, without a fork.

import Files
import Glibc

/// What `/proc/<pid>/stat` says about a process.
struct ProcessStatus: Hashable, Sendable {
  /// As in `comm`: cut to 15 bytes.
  let name: String
  /// `R` runs, `S` sleeps, `D` waits for a disk, `T` is stopped by a signal, `Z` has ended (proc(5)).
  let state: Character
  let parent: pid_t
  /// The start in clock ticks since the boot.
  let startTicks: Int
  /// Memory that is in RAM, in pages.
  let residentPages: Int

  /// nil when there is no such process.
  init?(_ pid: pid_t) {
    guard let text = FileRead.text("/proc/\(pid)/stat") else { return nil }
    self.init(text: text)
  }

  /// Reads the file's text: `pid (comm) state ppid …`; the name may hold parentheses itself.
  init?(text: String) {
    guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"), open < close else { return nil }
    // From field 3 of proc(5) on; 22 is the start, 24 the memory.
    let fields = text[text.index(after: close)...].split(separator: " ")
    guard fields.count > 21, let state = fields[0].first, let parent = pid_t(fields[1]), let start = Int(fields[19]),
      let pages = Int(fields[21])
    else { return nil }
    name = String(text[text.index(after: open)..<close])
    self.state = state
    self.parent = parent
    startTicks = start
    residentPages = pages
  }

  /// The start since the boot, which is what its clock counts from.
  var started: Duration { .milliseconds(startTicks * 1000 / max(1, sysconf(Int32(_SC_CLK_TCK)))) }

  /// Since its start.
  var age: Duration {
    var now = timespec()
    guard clock_gettime(CLOCK_BOOTTIME, &now) == 0 else { return .zero }
    return .seconds(now.tv_sec) + .nanoseconds(now.tv_nsec) - started
  }

  /// The start in seconds since 1970, by the wall clock as it goes now.
  var startedAt: Duration? {
    var wall = timespec()
    guard clock_gettime(CLOCK_REALTIME, &wall) == 0 else { return nil }
    return .seconds(wall.tv_sec) + .nanoseconds(wall.tv_nsec) - age
  }

  /// Memory that is in RAM.
  var residentBytes: Int { residentPages * sysconf(Int32(_SC_PAGESIZE)) }

  /// The children of a process, of its first thread.
  static func children(of pid: pid_t) -> [pid_t] {
    (FileRead.text("/proc/\(pid)/task/\(pid)/children") ?? "").split(separator: " ").compactMap { pid_t($0) }
  }

  /// The processes of a program that have a word among their arguments.
  static func pids(named name: String, argument: String) -> [pid_t] {
    FileRead.names(in: "/proc").compactMap { pid_t($0) }.filter { pid in
      guard FileRead.text("/proc/\(pid)/comm").map({ $0.dropLast() == name.prefix(15) }) ?? false else { return false }
      return FileRead.text("/proc/\(pid)/cmdline")?.split(separator: "\0").contains { $0 == argument } ?? false
    }.sorted()
  }
}

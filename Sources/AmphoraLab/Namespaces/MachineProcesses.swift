// The processes of a machine made of namespaces, found by what they are in: that needs no notes that could be out of date.

import Files
import Glibc
import Netlink

/// The processes whose network namespace is a machine's own.
struct MachineProcesses {
  let namespace: NetworkNamespace

  /// Their numbers.
  func all() -> [pid_t] {
    var own = stat()
    guard namespace.exists, stat(namespace.path, &own) == 0 else { return [] }
    return FileRead.names(in: "/proc").compactMap { pid_t($0) }.filter { pid in
      var other = stat()
      return stat("/proc/\(pid)/ns/net", &other) == 0 && other.st_ino == own.st_ino && other.st_dev == own.st_dev
    }
  }

  /// The machine's first process: number 1 in its own namespace of processes.
  func first() -> pid_t? {
    all().first { pid in
      let status = FileRead.text("/proc/\(pid)/status") ?? ""
      let line = status.split(separator: "\n").first { $0.hasPrefix("NSpid:") } ?? ""
      return line.split(whereSeparator: \.isWhitespace).last == "1"
    }
  }

  /// Ends all of them at once, and with the first process those in other network namespaces, which must be gone too.
  func kill() async throws {
    let deadline = ContinuousClock.now + .seconds(20)
    var killed: Set<pid_t> = []
    while true {
      let pids = all()
      for pid in pids { Glibc.kill(pid, SIGKILL) }
      killed.formUnion(pids)
      // A process leaves its network namespace early in its end, before it has ended those it is the first process of.
      killed = killed.filter { !hasEnded($0) }
      if pids.isEmpty, killed.isEmpty { return }
      guard ContinuousClock.now < deadline else {
        throw LabError.failed(what: "namespace \(namespace)", reason: "the processes \(killed.sorted()) do not end")
      }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// Whether it is gone, or only waits for its parent to take notice.
  private func hasEnded(_ pid: pid_t) -> Bool {
    guard let status = FileRead.text("/proc/\(pid)/stat"), let name = status.lastIndex(of: ")") else { return true }
    return ["Z", "X"].contains(status[status.index(after: name)...].first { !$0.isWhitespace })
  }
}

// Memory that is short, and processes that the kernel has ended for the lack of it.

import Files
import Glibc

/// Whether there is memory left.
struct MemoryCheck: DoctorCheck {
  let name = "memory"
  var machine = Machine()

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    judge(meminfo: FileRead.text("\(machine.proc)/meminfo") ?? "") { largestProcess() }.map { [$0] } ?? []
  }

  /// - Parameter largest: asked only when memory is short.
  func judge(meminfo: String, largest: () -> String) -> Finding? {
    guard let total = Machine.number("MemTotal", in: meminfo), total > 0,
      let available = Machine.number("MemAvailable", in: meminfo)
    else { return nil }
    let percent = available * 100 / total
    let text = "\(Readable.bytes(UInt64(available) * 1024)) of \(Readable.bytes(UInt64(total) * 1024))"
    let remedy =
      "openstack loadbalancer failover LOAD_BALANCER, after its flavor has got more memory or fewer connections"
    // Below 3 % the kernel does little but look for pages; at 10 % one haproxy reload, which doubles its memory, goes wrong.
    if percent < 3 { return .failure(name, "only \(text) is available; the most has \(largest())", remedy: remedy) }
    if percent < 10 { return .warning(name, "only \(text) is available; the most has \(largest())", remedy: remedy) }
    return .pass(name, "\(text) is available")
  }

  private func largestProcess() -> String {
    var best = (name: "?", pages: 0)
    for entry in FileRead.names(in: machine.proc) where Int32(entry) != nil {
      // proc(5): the second number of statm are the resident pages.
      let words = (FileRead.text("\(machine.proc)/\(entry)/statm") ?? "").split(separator: " ")
      guard words.count > 1, let pages = Int(words[1]), pages > best.pages else { continue }
      let name = (FileRead.text("\(machine.proc)/\(entry)/comm") ?? "?").prefix { !$0.isNewline }
      best = ("\(name), process \(entry)", pages)
    }
    return "\(best.name), \(Readable.bytes(UInt64(best.pages * sysconf(CInt(_SC_PAGESIZE)))))"
  }
}

/// Whether the kernel has ended processes for lack of memory since the boot.
struct OutOfMemoryCheck: DoctorCheck {
  let name = "oom"
  var machine = Machine()

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    judge(vmstat: FileRead.text("\(machine.proc)/vmstat") ?? "") { (try? KernelLog.text()) ?? "" }.map { [$0] } ?? []
  }

  /// - Parameters:
  ///   - vmstat: /proc/vmstat, with `oom_kill` (since Linux 4.13).
  ///   - log: the kernel's log, asked only when there was one.
  func judge(vmstat: String, log: () -> String) -> Finding? {
    guard let count = Machine.number("oom_kill", in: vmstat) else { return nil }
    if count == 0 { return .pass(name, "no process was ended for lack of memory since the boot") }
    let last = Self.lastVictim(log()).map { ", last \($0)" } ?? ""
    let times = count == 1 ? "once" : "\(count) times"
    return .warning(
      name, "out of memory: since the boot the kernel has ended a process \(times)\(last)",
      remedy: "openstack loadbalancer failover LOAD_BALANCER, after its flavor has got more memory or fewer connections"
    )
  }

  /// `haproxy, process 812`, from a line such as `Out of memory: Killed process 812 (haproxy) total-vm:1234kB, …`
  /// (__oom_kill_process in the kernel's mm/oom_kill.c); a control group's says `Memory cgroup out of memory: …`.
  static func lastVictim(_ log: String) -> String? {
    for line in log.split(separator: "\n").reversed() {
      guard line.contains("ut of memory"), let start = line.firstRange(of: "Killed process ") else { continue }
      let rest = line[start.upperBound...]
      guard let open = rest.firstIndex(of: "("), let close = rest.firstIndex(of: ")"), open < close else { continue }
      let pid = rest[..<open].filter(\.isNumber)
      return "\(rest[rest.index(after: open)..<close]), process \(pid)"
    }
    return nil
  }
}

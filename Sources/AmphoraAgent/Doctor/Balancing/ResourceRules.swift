// What haproxy may need and what the machine has for it: files and memory.

import Files

/// Whether haproxy may open as many files as its connections need.
struct FileLimitRule: BalancerRule {
  let name = "haproxy-files"

  func findings(_ seen: BalancerObservation) -> [Finding] {
    // haproxy works out what it needs from maxconn, and raises its own limit to that; somebody else may lower it again.
    guard let live = seen.live, let needed = live.number("Maxsock"), let worker = live.worker,
      let limit = Self.limit(of: FileRead.text("/proc/\(worker)/limits") ?? "")
    else { return [] }
    let numbers = "\(BalancerText.number(limit)) files, and \(BalancerText.number(live.number("Maxconn") ?? 0))"
    guard limit < needed else {
      return [.pass(name, "haproxy of \(seen.id) may open \(numbers) connections need \(BalancerText.number(needed))")]
    }
    return [
      .failure(
        name,
        "haproxy of \(seen.id) may open \(numbers) connections need \(BalancerText.number(needed)): it will refuse some",
        remedy: "prlimit --pid \(worker) --nofile=\(needed):\(needed)")
    ]
  }

  /// The limit in force, from `Max open files  1024  524288  files`; `unlimited` is no limit.
  static func limit(of limits: String) -> Int? {
    guard let line = limits.split(separator: "\n").first(where: { $0.hasPrefix("Max open files") }) else { return nil }
    return line.split(separator: " ").dropFirst(3).first.flatMap { Int($0) }
  }
}

/// Whether the memory is enough for twice the connections that haproxy had at most since its start.
///
/// Not for all that the limits allow: the default of 50,000 is more than an ordinary amphora's memory is good for, so that
/// each of them would have a warning for ever.
struct MemoryRule: BalancerRule {
  let name = "haproxy-memory"
  /// What a busy connection takes: haproxy's two buffers of 16 KiB, which idle ones give back, and its records.
  static let perConnection = 34 << 10

  func findings(_ seen: BalancerObservation) -> [Finding] {
    guard let live = seen.live, let limit = live.number("Maxconn"), let available = Self.available() else { return [] }
    let used = seen.workers.compactMap(Self.resident).reduce(0, +)
    return [finding(seen, used: used, available: available, limit: limit, peak: Self.peak(live.table))]
  }

  func finding(_ seen: BalancerObservation, used: Int, available: Int, limit: Int, peak: Int) -> Finding {
    let state =
      "haproxy of \(seen.id) has \(BalancerText.bytes(used)), and \(BalancerText.bytes(available)) are free; "
      + "\(BalancerText.number(limit)) connections can take \(BalancerText.bytes(limit * Self.perConnection))"
    let foreseeable = min(limit, peak * 2)
    guard foreseeable * Self.perConnection > used + available else { return .pass(name, state) }
    return .warning(
      name, "\(state); it had \(BalancerText.number(peak)) at once, and twice as many would be too much",
      remedy: "openstack loadbalancer listener set --connection-limit \((used + available) / Self.perConnection) "
        + "LISTENER, or a flavor with more memory")
  }

  /// The sum of the listeners' largest numbers of connections, which is not too small.
  private static func peak(_ table: StatsTable) -> Int {
    guard let svname = table.column("svname") else { return 0 }
    let smax = table.column("smax")
    return table.rows.reduce(0) { $1.matches(svname, "FRONTEND") ? $0 + min($1.number(smax) ?? 0, 1 << 32) : $0 }
  }

  /// Bytes that programs can have without anything being swapped (proc(5), MemAvailable).
  private static func available() -> Int? {
    for line in (FileRead.text("/proc/meminfo") ?? "").split(separator: "\n") where line.hasPrefix("MemAvailable:") {
      return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
    }
    return nil
  }

  /// Bytes of a process in memory: the second number of statm, in pages of 4 KiB (proc(5)).
  private static func resident(_ pid: Int32) -> Int? {
    (FileRead.text("/proc/\(pid)/statm") ?? "").split(separator: " ").dropFirst().first.flatMap { Int($0) }
      .map { $0 << 12 }
  }
}

// Whether haproxy is there, and whether it speaks.

import Files

/// Whether haproxy runs.
struct ProcessRule: BalancerRule {
  let name = "haproxy-process"

  func findings(_ seen: BalancerObservation) -> [Finding] {
    if let master = seen.master { return [.pass(name, "haproxy of \(seen.id) runs as process \(master)")] }
    // One that never had a configuration, or whose configuration is the reason.
    guard seen.file != nil, seen.syntax == .accepted else { return [] }
    let path = seen.paths.pidFile(of: seen.id)
    let number = FileRead.text(path).map { $0.filter(\.isNumber) }
    let reason = number.map { "process \($0) of \(path) is gone" } ?? "\(path) is missing"
    return [.failure(name, "haproxy of \(seen.id) does not run: \(reason)", remedy: seen.remedy.start)]
  }
}

/// Whether haproxy answers its stats socket.
struct SocketRule: BalancerRule {
  let name = "haproxy-socket"

  func findings(_ seen: BalancerObservation) -> [Finding] {
    switch seen.answer {
    case nil: return []
    case .success: return [.pass(name, "\(seen.paths.statsSocket(of: seen.id)) answers")]
    case .failure(let error):
      guard case .timedOut = error else { return [.failure(name, "\(error)", remedy: seen.remedy.restart)] }
      let halted = seen.remedy.processes.filter { ProcessStatus($0)?.state == "T" }
      guard !halted.isEmpty else { return [.failure(name, "\(error)", remedy: seen.remedy.forcedRestart)] }
      let remedy = ServiceRemedy(unit: seen.unit, processes: halted)
      return [.failure(name, "\(error): somebody has halted haproxy by a signal", remedy: remedy.goOn)]
    }
  }
}

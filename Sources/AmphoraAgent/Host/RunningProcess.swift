// A process under direct supervision: a child of this agent, or one that an earlier run of the agent left behind.

import Glibc

enum RunningProcess: Sendable {
  case child(ChildProcess)
  /// Not our child, so its end cannot be waited for.
  case adopted(pid_t)

  var pid: pid_t {
    switch self {
    case .child(let child): child.pid
    case .adopted(let pid): pid
    }
  }

  /// Waits for the process's end.
  func end() async {
    switch self {
    case .child(let child): _ = await child.exitStatus()
    case .adopted(let pid):
      while kill(pid, 0) == 0 || errno == EPERM { try? await Task.sleep(for: .milliseconds(250)) }
    }
  }

  /// Waits for the process's end, but not longer than `limit`; whether it has ended.
  func ends(within limit: Duration) async -> Bool {
    let deadline = ContinuousClock.now + limit
    var pause = Duration.milliseconds(2)
    while ContinuousClock.now < deadline {
      switch self {
      case .child(let child): if child.status != nil { return true }
      case .adopted(let pid): if kill(pid, 0) != 0 && errno == ESRCH { return true }
      }
      try? await Task.sleep(for: pause)
      pause = min(pause * 2, .milliseconds(50))
    }
    return false
  }
}

/// How long to wait before a service that ended by itself is started again: 100 ms (systemd's RestartSec) at first, and
/// after five ends within ten seconds (its StartLimit) doubled each time up to ten seconds.
///
/// It never gives up: traffic that may come back beats a tidy state.
struct RestartPacing: Sendable {
  private var recent: [ContinuousClock.Instant] = []
  private var pause = Duration.milliseconds(100)

  mutating func next(at now: ContinuousClock.Instant) -> Duration {
    recent = recent.filter { now - $0 < .seconds(10) } + [now]
    pause = recent.count <= 5 && pause <= .milliseconds(100) ? .milliseconds(100) : min(pause * 2, .seconds(10))
    if recent.count <= 1 { pause = .milliseconds(100) }
    return pause
  }
}

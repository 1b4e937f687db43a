// What can be seen of one load balancer, gathered once for all its checks: a haproxy under load is asked twice, not twenty
// times.

import AmphoraProtocol
import Files
import Glibc

/// A load balancer at one moment.
struct BalancerObservation: Sendable {
  /// A file with what its age says.
  struct File: Sendable {
    let path: String
    let bytes: [UInt8]
    /// Since 1970.
    let modified: Duration

    init?(_ path: String) {
      var status = stat()
      guard stat(path, &status) == 0, let bytes = try? FileRead.bytes(path) else { return nil }
      self.init(
        path: path, bytes: bytes, modified: .seconds(status.st_mtim.tv_sec) + .nanoseconds(status.st_mtim.tv_nsec))
    }

    init(path: String, bytes: [UInt8], modified: Duration) {
      self.path = path
      self.bytes = bytes
      self.modified = modified
    }
  }

  /// What haproxy says of itself.
  struct Answer: Sendable {
    let information: [String: String]
    let table: StatsTable

    func number(_ key: String) -> Int? { information[key].flatMap { Int($0) } }
    /// The process that serves; its number is that of its own namespace, which is ours.
    var worker: pid_t? { number("Pid").map { pid_t(truncatingIfNeeded: $0) } }
  }

  let id: LoadBalancerID
  let paths: AgentPaths
  /// nil when it cannot be read; then haproxy, asked about it, says why.
  var file: File?
  var lastGood: File?
  var rejected: File?
  /// haproxy's first process.
  var master: pid_t?
  var workers: [pid_t] = []
  /// nil when haproxy does not run.
  var answer: Result<Answer, StatsSocketError>?
  var syntax = HAProxySyntax.accepted
  /// Of the rejected file; nil when there is none that matters.
  var rejectedSyntax: HAProxySyntax?
  let sections: HAProxySections

  /// Puts an observation together.
  init(id: LoadBalancerID, paths: AgentPaths, file: File?) {
    self.id = id
    self.paths = paths
    self.file = file
    sections = HAProxySections(parsing: file?.bytes ?? [])
  }

  var unit: String { ServiceUnit.unitName(of: id) }
  var remedy: ServiceRemedy { ServiceRemedy(unit: unit, processes: (master.map { [$0] } ?? []) + workers) }
  /// haproxy's words about itself, when it runs and answers.
  var live: Answer? { try? answer?.get() }

  /// Whether a configuration was refused after the present one was accepted; older ones are history.
  var hasFreshRejection: Bool {
    guard let rejected else { return false }
    return file.map { rejected.modified > $0.modified } ?? true
  }

  /// Reads files, processes and socket; blocks, not longer than `patience` for haproxy.
  static func read(_ id: LoadBalancerID, _ paths: AgentPaths, patience: Duration) -> BalancerObservation {
    var seen = BalancerObservation(id: id, paths: paths, file: File(paths.configuration(of: id)))
    seen.lastGood = File(paths.lastGoodConfiguration(of: id))
    seen.rejected = File(paths.rejectedConfiguration(of: id))
    seen.master = FileRead.liveProcess(pidFile: paths.pidFile(of: id), named: "haproxy")
    guard let master = seen.master else { return seen }
    seen.workers = ProcessStatus.children(of: master)
    let socket = StatsSocket(path: paths.statsSocket(of: id), timeout: patience)
    seen.answer = Result { () throws(StatsSocketError) in
      Answer(information: try socket.showInfo(), table: try socket.showStat())
    }
    return seen
  }
}

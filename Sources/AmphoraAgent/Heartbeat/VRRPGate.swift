// Whether VRRP allows a heartbeat. An amphora of a pair whose keepalived is dead must fall silent, because silence is
// what makes controllers replace it: contract heartbeat-and-config §2.1 step 1.

import Files
package import Glibc

/// The state of keepalived as far as heartbeats care.
package enum VRRPGate: Hashable, Sendable {
  /// VRRP is not set up: there is no gate.
  case absent
  /// keepalived lives.
  case open(pid: pid_t)
  /// VRRP is set up but keepalived is not there.
  case closed(reason: String)

  /// Looks at the configuration and the process.
  package static func read(_ paths: AgentPaths) -> VRRPGate {
    var status = stat()
    guard stat(paths.vrrpConfiguration, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return .absent }
    let file = paths.vrrpPIDFile
    guard let text = FileRead.text(file) else { return .closed(reason: "\(file) cannot be read") }
    let line = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
    guard let pid = pid_t(line.filter { !$0.isWhitespace }), pid > 0 else {
      return .closed(reason: "\(file) holds no process id")
    }
    guard kill(pid, 0) == 0 else { return .closed(reason: "process \(pid): \(String(cString: strerror(errno)))") }
    // The number may belong to another program by now, and a dead keepalived may wait for its parent.
    guard FileRead.isLive(pid, named: "keepalived") else {
      return .closed(reason: "process \(pid) is no live keepalived")
    }
    return .open(pid: pid)
  }
}

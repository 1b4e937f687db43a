// Which part this amphora plays in its pair. keepalived tells nobody without being sent a signal and writing a file; but the
// kernel knows who has the VIP, and since when.

import Addresses
import Files
import Glibc

/// VRRP, where it is set up.
package struct VRRPFacts: Codable, Hashable, Sendable {
  /// What the namespace shows.
  package enum Role: String, Codable, Sendable {
    /// keepalived has put the VIP on the interface.
    case master = "MASTER"
    /// keepalived runs without the VIP: waiting, or its check fails.
    case backup = "BACKUP"
    /// keepalived does not run, and the VIP is not here.
    case down = "DOWN"
    /// keepalived does not run, and the VIP is here all the same: both amphorae may have it.
    case stale = "STALE VIP"
  }

  package var role: Role
  /// How long the VIP has been here, in seconds; nil when it is not.
  package var since: Double?
  /// keepalived's process.
  package var pid: Int32?
  /// How long keepalived has been running, in seconds.
  package var uptime: Double?
  /// Why it is taken for dead.
  package var problem: String?
  package var vips: [String]
  package var priority: Int?
  package var peers: [String]

  /// nil where VRRP is not set up.
  static func gather(_ paths: AgentPaths, _ network: NetworkFacts) -> VRRPFacts? {
    read(VRRPGate.read(paths), FileRead.text(paths.vrrpConfiguration) ?? "", network)
  }

  /// Judges by the process, the configuration's text and the namespace.
  static func read(_ gate: VRRPGate, _ configuration: String, _ network: NetworkFacts) -> VRRPFacts? {
    if gate == .absent { return nil }
    let vips = VRRPWatch.Settings(configuration)?.vips.map { "\($0)" } ?? []
    let ages = vips.compactMap { network.addressAges[$0] }
    var facts = VRRPFacts(
      role: .down, since: ages.min(), vips: vips,
      priority: value(of: "priority", in: configuration).flatMap { Int($0) }, peers: peers(in: configuration))
    switch gate {
    case .open(let pid):
      facts.pid = pid
      facts.uptime = ProcessStatus(pid)?.age.inSeconds
      facts.role = ages.isEmpty ? .backup : .master
    case .closed(let reason):
      facts.problem = reason
      facts.role = ages.isEmpty ? .down : .stale
    case .absent: break
    }
    return facts
  }

  private static func value(of word: Substring, in text: String) -> Substring? {
    text.split(whereSeparator: \.isNewline).lazy.map { $0.split(whereSeparator: \.isWhitespace) }
      .first { $0.count == 2 && $0[0] == word }?[1]
  }

  private static func peers(in text: String) -> [String] {
    var isInPeers = false
    var peers: [String] = []
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split(whereSeparator: \.isWhitespace)
      guard let first = words.first else { continue }
      if first == "unicast_peer" {
        isInPeers = true
      } else if first == "}" {
        isInPeers = false
      } else if isInPeers, IPAddress(first) != nil {
        peers.append(String(first))
      }
    }
    return peers
  }
}

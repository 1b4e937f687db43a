// The masquerade script of interface files. The files keep naming it, so that upstream's agent can take over; this agent
// carries the command out itself when it meets one.

package import Addresses

/// `lvs-masquerade.sh add|delete ipv4|ipv6 INTERFACE [sriov]` (contract networking §5).
package struct MasqueradeCommand: Hashable, Sendable {
  /// What the command does.
  package enum Action: String, Hashable, Sendable {
    /// Puts the interface's rules in place.
    case add
    /// Takes them away.
    case delete
  }

  /// Where upstream's image installs the script.
  package static let scriptPath = "/usr/local/bin/lvs-masquerade.sh"

  /// Add or delete.
  package let action: Action
  /// The IP version of the rules.
  package let family: IPAddress.Family
  /// Whose traffic is masqueraded.
  package let interface: InterfaceName
  /// Whether connection tracking stays on for TCP, because the SR-IOV firewall relies on it.
  package let isSRIOV: Bool

  /// Makes a command.
  package init(_ action: Action, _ family: IPAddress.Family, _ interface: InterfaceName, isSRIOV: Bool) {
    self.action = action
    self.family = family
    self.interface = interface
    self.isSRIOV = isSRIOV
  }

  /// Recognises a command by its program's name and all of its words; nil for any other command.
  ///
  /// `udp-masquerade.sh` is the name that older releases wrote.
  package init?(_ text: some StringProtocol) {
    let words = text.split(whereSeparator: \.isWhitespace)
    guard (4...5).contains(words.count), let program = words[0].split(separator: "/").last,
      program == "lvs-masquerade.sh" || program == "udp-masquerade.sh", let action = Action(rawValue: String(words[1])),
      let interface = InterfaceName(words[3]), words.count == 4 || words[4] == "sriov"
    else { return nil }
    switch words[2] {
    case "ipv4": family = .v4
    case "ipv6": family = .v6
    default: return nil
    }
    self.action = action
    self.interface = interface
    isSRIOV = words.count == 5
  }

  /// The command as it stands in an interface file.
  package var text: String {
    "\(Self.scriptPath) \(action.rawValue) \(family == .v4 ? "ipv4" : "ipv6") \(interface)\(isSRIOV ? " sriov" : "")"
  }
}

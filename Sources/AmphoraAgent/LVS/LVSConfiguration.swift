// What the agent reads out of a UDP or SCTP listener's keepalived configuration (contract services §5.6). Part of it stands
// in comments, which the controller writes for this purpose; the rest is keepalived's business.

package import Addresses

/// What LVS listeners carry.
package enum LVSTransport: String, Sendable, CaseIterable {
  case udp = "UDP"
  case sctp = "SCTP"

  /// The IP protocol's number.
  var number: Int { self == .udp ? 17 : 132 }
}

/// An address with a port.
package struct LVSEndpoint: Hashable, Sendable {
  package var address: IPAddress
  package var port: UInt16

  /// Makes an endpoint.
  package init(address: IPAddress, port: UInt16) {
    self.address = address
    self.port = port
  }

  /// From the two words that keepalived's directives have.
  init?(_ words: ArraySlice<Substring>) {
    guard words.count >= 2, let address = IPAddress(words[words.startIndex]),
      let port = UInt16(words[words.startIndex + 1])
    else { return nil }
    self.init(address: address, port: port)
  }
}

/// The facts in a listener's configuration.
package struct LVSConfiguration: Hashable, Sendable {
  /// A member of the pool.
  package struct Member: Hashable, Sendable {
    package var id: String
    /// Where it listens; nil for a disabled one, whose address is not written.
    package var endpoint: LVSEndpoint?
    package var isDisabled = false
  }

  /// The network namespace that keepalived goes to.
  package var namespace: String?
  /// The listener is switched off.
  package var isDisabled = false
  /// Whether there is anything for the kernel to balance.
  package var hasVirtualServers = false
  package var transport: LVSTransport?
  /// Where the listener listens: every address of every group.
  package var addresses: [LVSEndpoint] = []
  /// The id of the pool, when that is enabled.
  package var pool: String?
  /// The members in the file's order; each id once.
  package var members: [Member] = []
  /// Whether members are checked.
  package var hasChecks = false

  private var isInGroup = false

  /// Reads a configuration; what it does not know it passes over, as keepalived does.
  package init(parsing text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split(whereSeparator: \.isWhitespace)
      guard let first = words.first else { continue }
      if first == "#" { take(comment: words.dropFirst()) } else { take(first, words.dropFirst()) }
    }
  }

  /// `Configuration for TYPE ID` and `TYPE ID is disabled`.
  private mutating func take(comment words: ArraySlice<Substring>) {
    let words = Array(words)
    if words.count >= 4, words[0] == "Configuration", words[1] == "for" {
      let id = String(words[3])
      switch words[2] {
      case "Pool": pool = pool ?? id
      case "Member": add(Member(id: id))
      default: break
      }
    } else if words.count == 4, words[2] == "is", words[3] == "disabled" {
      switch words[0] {
      case "Listener": isDisabled = true
      case "Member": add(Member(id: String(words[1]), isDisabled: true))
      default: break
      }
    }
  }

  private mutating func take(_ word: Substring, _ values: ArraySlice<Substring>) {
    switch word {
    case "net_namespace": namespace = values.first.map(String.init) ?? namespace
    case "virtual_server_group": isInGroup = true
    case "virtual_server": hasVirtualServers = true
    case "protocol": transport = values.first.flatMap { LVSTransport(rawValue: $0.uppercased()) } ?? transport
    case "MISC_CHECK", "HTTP_GET", "TCP_CHECK": hasChecks = true
    case "real_server":
      // The comment with the member's id stands before it.
      guard let index = members.lastIndex(where: { !$0.isDisabled }), members[index].endpoint == nil else { return }
      members[index].endpoint = LVSEndpoint(values)
    case "}": isInGroup = false
    default:
      guard isInGroup, let address = LVSEndpoint([word] + values), !addresses.contains(address) else { return }
      addresses.append(address)
    }
  }

  private mutating func add(_ member: Member) {
    if !members.contains(where: { $0.id == member.id }) { members.append(member) }
  }
}

// One thing that may come in through an SR-IOV VIP port (contract agent-api §3.19, networking §6).

package import Addresses

/// A rule of `PUT /1.0/interface/{ip}/rules`, as a value that can stand in a ruleset.
package struct VIPRule: Hashable, Sendable {
  /// What is let in.
  package enum Traffic: Hashable, Sendable {
    case tcp(port: UInt16)
    case udp(port: UInt16)
    case sctp(port: UInt16)
    /// IP protocol 112, which has no ports.
    case vrrp
  }

  /// Where it may come from, without host bits; nil for everywhere, in both IP versions.
  package let source: CIDR?
  /// What it may be.
  package let traffic: Traffic

  /// Makes a rule; host bits of the source are cleared, and `0.0.0.0/0` means everywhere.
  package init(from source: CIDR?, _ traffic: Traffic) {
    // Controllers mean every source of either version by it, `::/0` only IPv6 ones (contract networking §6).
    self.source = source == .everything(.v4) ? nil : source?.network
    self.traffic = traffic
  }

  /// The rule in nft's language.
  package var text: String {
    let from = source.map { "\($0.address.family == .v4 ? "ip" : "ip6") saddr \($0) " } ?? ""
    return switch traffic {
    case .tcp(let port): "\(from)tcp dport \(port) accept"
    case .udp(let port): "\(from)udp dport \(port) accept"
    case .sctp(let port): "\(from)sctp dport \(port) accept"
    // Not `ip protocol`, which nft refuses beside an IPv6 source.
    case .vrrp: "\(from)meta l4proto 112 accept"
    }
  }
}

extension VIPRule: Decodable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
    static let (`protocol`, cidr, port) = (
      Key(stringValue: "protocol"), Key(stringValue: "cidr"), Key(stringValue: "port")
    )
  }

  /// Reads an element of the body; other keys than the three are refused.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    if let foreign = container.allKeys.first(where: { !["protocol", "cidr", "port"].contains($0.stringValue) }) {
      throw DecodingError.dataCorruptedError(forKey: foreign, in: container, debugDescription: "there is no such key")
    }
    let name = try container.decode(String.self, forKey: .protocol)
    let number = try container.decode(Int.self, forKey: .port)
    guard let port = UInt16(exactly: number), port > 0 else {
      throw DecodingError.dataCorruptedError(forKey: .port, in: container, debugDescription: "\(number) is no port")
    }
    guard let traffic = Traffic(name, port) else {
      throw DecodingError.dataCorruptedError(
        forKey: .protocol, in: container, debugDescription: "allowed is one of TCP, UDP, SCTP, vrrp")
    }
    guard container.contains(.cidr) else {
      throw DecodingError.keyNotFound(Key.cidr, .init(codingPath: decoder.codingPath, debugDescription: ""))
    }
    let text = try container.decode(String?.self, forKey: .cidr) ?? ""
    let source = CIDR(text)
    guard source != nil || text.isEmpty else {
      throw DecodingError.dataCorruptedError(forKey: .cidr, in: container, debugDescription: "'\(text)' is no network")
    }
    self.init(from: source, traffic)
  }
}

extension VIPRule.Traffic {
  /// The letter case is part of the contract: `vrrp` is lower case, the others are upper case.
  fileprivate init?(_ name: String, _ port: UInt16) {
    switch name {
    case "TCP": self = .tcp(port: port)
    case "UDP": self = .udp(port: port)
    case "SCTP": self = .sctp(port: port)
    case "vrrp": self = .vrrp
    default: return nil
    }
  }
}

// The body of PUT /1.0/interface/{ip}/rules (contract agent-api §3.19, §4.11).

/// One thing that may come in through an SR-IOV VIP port.
public struct InterfaceRule: Hashable, Sendable, Codable {
  /// The protocol, spelled as the agent wants it.
  public enum TransportProtocol: String, Sendable, Codable {
    case tcp = "TCP"
    case udp = "UDP"
    case sctp = "SCTP"
    case vrrp
  }

  /// The protocol.
  public var transport: TransportProtocol
  /// The source network; nil allows every source.
  public var cidr: String?
  /// The destination port, 1–65535; 112 for VRRP.
  public var port: Int

  /// Makes a rule.
  public init(transport: TransportProtocol, cidr: String?, port: Int) {
    self.transport = transport
    self.cidr = cidr
    self.port = port
  }

  private enum CodingKeys: String, CodingKey {
    case transport = "protocol"
    case cidr, port
  }

  /// Encodes every key, null included, as controllers do.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(transport, forKey: .transport)
    try container.encode(cidr, forKey: .cidr)
    try container.encode(port, forKey: .port)
  }
}

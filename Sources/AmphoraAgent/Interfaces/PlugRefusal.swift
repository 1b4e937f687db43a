// Why a plug request cannot be taken. Each case has one text in the contract (agent-api §2, #14 and #15).

/// A plug request that is refused with status 400.
package enum PlugRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  /// The VIP, an additional VIP or the subnet of one is no address or network.
  case invalidVIP(reason: String)
  /// `vrrp_ip` is no address of the primary subnet's family.
  case invalidVRRPAddress(reason: String)
  /// A fixed IP is no address.
  case invalidNetworkPort(reason: String)
  /// Another value of `POST /1.0/plug/vip` has the wrong form.
  case malformedVIPBody(field: String, reason: String)
  /// Another value of `POST /1.0/plug/network` has the wrong form.
  case malformedNetworkBody(field: String, reason: String)

  /// How the refusal is answered.
  package enum Answer: Hashable, Sendable {
    /// `{"message": …}`.
    case message(String)
    /// The framework's shape, with this free text.
    case framework(String)
  }

  /// The contract's text for the refusal.
  package var answer: Answer {
    switch self {
    case .invalidVIP(let reason): .message("Invalid VIP: \(reason)")
    case .invalidVRRPAddress(let reason): .message("Invalid VRRP Address: \(reason)")
    case .invalidNetworkPort: .message("Invalid network port")
    case .malformedVIPBody: .framework("Invalid subnet information")
    case .malformedNetworkBody: .framework("Invalid port information")
    }
  }

  /// For logs: more than the answer says.
  package var description: String {
    switch self {
    case .invalidVIP(let reason): "Invalid VIP: \(reason)"
    case .invalidVRRPAddress(let reason): "Invalid VRRP Address: \(reason)"
    case .invalidNetworkPort(let reason): "Invalid network port: \(reason)"
    case .malformedVIPBody(let field, let reason), .malformedNetworkBody(let field, let reason): "\(field): \(reason)"
    }
  }
}

// Subnets of virtual IP addresses: where their routes come from.

public import Addresses

/// A subnet that has a virtual IP address.
public struct Subnet: Codable, Hashable, Sendable {
  /// The network, without host bits.
  public var network: CIDR
  /// The router to everywhere.
  public var gatewayIP: AddressText?
  /// Further routes.
  public var hostRoutes: [HostRoute] = []

  /// Makes a subnet; host bits of the network are cleared.
  public init(network: CIDR, gatewayIP: AddressText? = nil, hostRoutes: [HostRoute] = []) {
    self.network = network.network
    self.gatewayIP = gatewayIP
    self.hostRoutes = hostRoutes
  }

  /// Decodes a subnet; fails with a ``DocumentError``.
  public init(from decoder: any Decoder) throws { try self.init(decoding: decoder) }

  /// Encodes the subnet with its network in canonical form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(network.description, forKey: .network)
    try container.encode(gatewayIP, forKey: .gatewayIP)
    try container.encode(hostRoutes, forKey: .hostRoutes)
  }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case network = "cidr"
    case gatewayIP = "gateway_ip"
    case hostRoutes = "host_routes"
  }
}

extension Subnet: DocumentObject {
  static let ignoredKeys: Set<String>? = ["id", "name", "network_id", "ip_version"]

  init(reading object: ObjectReader<CodingKeys>) throws {
    let text: NetworkText = try object.required(.network)
    guard let network = CIDR(strict: text.rawValue) else {
      throw DocumentError(object.path(of: .network), "\(quoted(text.rawValue)) has host bits set")
    }
    self.init(
      network: network, gatewayIP: try object.optional(.gatewayIP), hostRoutes: try object.list(.hostRoutes))
  }
}

/// A route of a subnet besides the one to everywhere.
public struct HostRoute: Codable, Hashable, Sendable {
  /// Where it leads.
  public var destination: NetworkText
  /// The router.
  public var nexthop: AddressText

  /// Makes a route.
  public init(destination: NetworkText, nexthop: AddressText) {
    self.destination = destination
    self.nexthop = nexthop
  }

  /// Decodes a route; fails with a ``DocumentError``.
  public init(from decoder: any Decoder) throws { try self.init(decoding: decoder) }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case destination, nexthop
  }
}

extension HostRoute: DocumentObject {
  static let ignoredKeys: Set<String>? = []

  init(reading object: ObjectReader<CodingKeys>) throws {
    self.init(destination: try object.required(.destination), nexthop: try object.required(.nexthop))
  }
}

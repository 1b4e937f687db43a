// JSON bodies of the two plug requests as they stand on the wire (contract agent-api §3.11, §3.12, §4.6, §4.7). Texts are
// not yet judged here: a wrong type or a missing key fails the decoding, a wrong address is the receiver's to refuse.

/// A static route that Neutron hands to a subnet's ports.
public struct HostRouteBody: Codable, Hashable, Sendable {
  /// The destination network.
  public var destination: String
  /// The next hop.
  public var nexthop: String

  /// Makes a host route.
  public init(destination: String, nexthop: String) {
    self.destination = destination
    self.nexthop = nexthop
  }
}

/// A further VIP on the same port.
public struct AdditionalVIPBody: Codable, Hashable, Sendable {
  /// The VIP.
  public var ipAddress: String
  /// The VIP's subnet.
  public var subnetCIDR: String
  /// The subnet's gateway.
  public var gateway: String?
  /// The subnet's host routes.
  public var hostRoutes: [HostRouteBody]

  /// Makes an additional VIP.
  public init(ipAddress: String, subnetCIDR: String, gateway: String?, hostRoutes: [HostRouteBody] = []) {
    self.ipAddress = ipAddress
    self.subnetCIDR = subnetCIDR
    self.gateway = gateway
    self.hostRoutes = hostRoutes
  }

  private enum CodingKeys: String, CodingKey {
    case ipAddress = "ip_address"
    case subnetCIDR = "subnet_cidr"
    case gateway
    case hostRoutes = "host_routes"
  }
}

/// The body of `POST /1.0/plug/vip/{vip}`; with ``vip`` set, the `vip_net_info` of `POST /1.0/plug/network`.
public struct PlugVIPBody: Codable, Hashable, Sendable {
  /// The VIP itself; only in `vip_net_info`.
  public var vip: String?
  /// The VIP's subnet.
  public var subnetCIDR: String
  /// The subnet's gateway; the key is required on the wire, its value may be null.
  public var gateway: String?
  /// The hardware address of the hot-plugged NIC.
  public var macAddress: String
  /// The amphora's own address on the VIP port; also sent in SINGLE topology.
  public var vrrpIP: String?
  /// The MTU in bytes; null or 0 leaves the link's.
  public var mtu: Int?
  /// Host routes of the VIP's subnet.
  public var hostRoutes: [HostRouteBody]?
  /// Further VIPs of the port.
  public var additionalVIPs: [AdditionalVIPBody]?
  /// Whether the port is an SR-IOV virtual function.
  public var isSRIOV: Bool?

  /// Makes a body.
  public init(
    vip: String? = nil, subnetCIDR: String, gateway: String?, macAddress: String, vrrpIP: String? = nil,
    mtu: Int? = nil,
    hostRoutes: [HostRouteBody]? = [], additionalVIPs: [AdditionalVIPBody]? = [], isSRIOV: Bool? = false
  ) {
    self.vip = vip
    self.subnetCIDR = subnetCIDR
    self.gateway = gateway
    self.macAddress = macAddress
    self.vrrpIP = vrrpIP
    self.mtu = mtu
    self.hostRoutes = hostRoutes
    self.additionalVIPs = additionalVIPs
    self.isSRIOV = isSRIOV
  }

  private enum CodingKeys: String, CodingKey {
    case vip
    case subnetCIDR = "subnet_cidr"
    case gateway
    case macAddress = "mac_address"
    case vrrpIP = "vrrp_ip"
    case mtu
    case hostRoutes = "host_routes"
    case additionalVIPs = "additional_vips"
    case isSRIOV = "is_sriov"
  }

  /// Decodes; `gateway` must be present, though it may be null.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    vip = try container.decodeIfPresent(String.self, forKey: .vip)
    subnetCIDR = try container.decode(String.self, forKey: .subnetCIDR)
    guard container.contains(.gateway) else {
      throw DecodingError.keyNotFound(
        CodingKeys.gateway,
        .init(codingPath: decoder.codingPath, debugDescription: "'gateway' is missing (it may be null)"))
    }
    gateway = try container.decodeIfPresent(String.self, forKey: .gateway)
    macAddress = try container.decode(String.self, forKey: .macAddress)
    vrrpIP = try container.decodeIfPresent(String.self, forKey: .vrrpIP)
    mtu = try container.decodeIfPresent(Int.self, forKey: .mtu)
    hostRoutes = try container.decodeIfPresent([HostRouteBody].self, forKey: .hostRoutes)
    additionalVIPs = try container.decodeIfPresent([AdditionalVIPBody].self, forKey: .additionalVIPs)
    isSRIOV = try container.decodeIfPresent(Bool.self, forKey: .isSRIOV)
  }

  /// Encodes every key, null included, as controllers do.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(vip, forKey: .vip)
    try container.encode(subnetCIDR, forKey: .subnetCIDR)
    try container.encode(gateway, forKey: .gateway)
    try container.encode(macAddress, forKey: .macAddress)
    try container.encode(vrrpIP, forKey: .vrrpIP)
    try container.encode(mtu, forKey: .mtu)
    try container.encode(hostRoutes, forKey: .hostRoutes)
    try container.encode(additionalVIPs, forKey: .additionalVIPs)
    try container.encode(isSRIOV, forKey: .isSRIOV)
  }
}

/// An address of a member port.
public struct FixedIPBody: Codable, Hashable, Sendable {
  /// The address.
  public var ipAddress: String
  /// Its subnet.
  public var subnetCIDR: String
  /// The subnet's host routes.
  public var hostRoutes: [HostRouteBody]?
  /// The subnet's gateway; used only when the port is the VIP port.
  public var gateway: String?

  /// Makes a fixed address.
  public init(ipAddress: String, subnetCIDR: String, hostRoutes: [HostRouteBody]? = [], gateway: String? = nil) {
    self.ipAddress = ipAddress
    self.subnetCIDR = subnetCIDR
    self.hostRoutes = hostRoutes
    self.gateway = gateway
  }

  private enum CodingKeys: String, CodingKey {
    case ipAddress = "ip_address"
    case subnetCIDR = "subnet_cidr"
    case hostRoutes = "host_routes"
    case gateway
  }
}

/// The body of `POST /1.0/plug/network`.
public struct PlugNetworkBody: Codable, Hashable, Sendable {
  /// The hardware address of the NIC.
  public var macAddress: String
  /// The port's addresses; none means DHCP and SLAAC.
  public var fixedIPs: [FixedIPBody]?
  /// The MTU in bytes; null or 0 leaves the link's.
  public var mtu: Int?
  /// The VIP's data when this port is the VIP port.
  public var vipNetInfo: PlugVIPBody?
  /// Whether the port is an SR-IOV virtual function.
  public var isSRIOV: Bool?

  /// Makes a body.
  public init(
    macAddress: String, fixedIPs: [FixedIPBody]?, mtu: Int? = nil, vipNetInfo: PlugVIPBody? = nil,
    isSRIOV: Bool? = false
  ) {
    self.macAddress = macAddress
    self.fixedIPs = fixedIPs
    self.mtu = mtu
    self.vipNetInfo = vipNetInfo
    self.isSRIOV = isSRIOV
  }

  private enum CodingKeys: String, CodingKey {
    case macAddress = "mac_address"
    case fixedIPs = "fixed_ips"
    case mtu
    case vipNetInfo = "vip_net_info"
    case isSRIOV = "is_sriov"
  }
}

// The load balancer of a document: the Octavia v2 API object with its children expanded (contract §1.1).

/// A load balancer with everything below it.
public struct LoadBalancer: Codable, Hashable, Sendable {
  /// The load balancer's id.
  public var id: ObjectID
  /// The project's id; it is part of log lines.
  public var projectID: ProjectID
  /// Whether it takes traffic.
  public var adminStateUp = true
  /// The main virtual IP address.
  public var vipAddress: AddressText
  /// The subnet of the main virtual IP address.
  public var vipSubnetID: String?
  /// Further virtual IP addresses.
  public var additionalVIPs: [AdditionalVIP] = []
  /// What clients connect to.
  public var listeners: [Listener] = []
  /// Pools, unless written where they are used.
  public var pools: [Pool] = []

  /// Makes a load balancer without listeners.
  public init(id: ObjectID, projectID: ProjectID, vipAddress: AddressText) {
    self.id = id
    self.projectID = projectID
    self.vipAddress = vipAddress
  }

  /// Decodes a load balancer; fails with a ``DocumentError``.
  public init(from decoder: any Decoder) throws { try self.init(decoding: decoder) }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case id
    case projectID = "project_id"
    case adminStateUp = "admin_state_up"
    case vipAddress = "vip_address"
    case vipSubnetID = "vip_subnet_id"
    case additionalVIPs = "additional_vips"
    case listeners, pools
  }
}

extension LoadBalancer: DocumentObject {
  static let ignoredKeys: Set<String>? = commonIgnoredKeys.union([
    "provisioning_status", "provider", "flavor_id", "availability_zone", "vip_port_id", "vip_network_id",
    "vip_qos_policy_id", "vip_sg_ids", "vip_vnic_type",
  ])

  init(reading object: ObjectReader<CodingKeys>) throws {
    self.init(
      id: try object.required(.id), projectID: try object.required(.projectID),
      vipAddress: try object.required(.vipAddress))
    adminStateUp = try object.optional(.adminStateUp) ?? true
    vipSubnetID = try object.optional(.vipSubnetID)
    additionalVIPs = try object.list(.additionalVIPs)
    listeners = try object.list(.listeners)
    pools = try object.list(.pools)
  }
}

/// A virtual IP address besides the main one.
public struct AdditionalVIP: Codable, Hashable, Sendable {
  /// The address.
  public var ipAddress: AddressText
  /// Its subnet.
  public var subnetID: String?

  /// Makes an additional virtual IP address.
  public init(ipAddress: AddressText, subnetID: String? = nil) {
    self.ipAddress = ipAddress
    self.subnetID = subnetID
  }

  /// Decodes a virtual IP address; fails with a ``DocumentError``.
  public init(from decoder: any Decoder) throws { try self.init(decoding: decoder) }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case ipAddress = "ip_address"
    case subnetID = "subnet_id"
  }
}

extension AdditionalVIP: DocumentObject {
  static let ignoredKeys: Set<String>? = ["port_id", "network_id"]

  init(reading object: ObjectReader<CodingKeys>) throws {
    self.init(ipAddress: try object.required(.ipAddress), subnetID: try object.optional(.subnetID))
  }
}

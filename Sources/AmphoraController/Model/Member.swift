// A member: a server of a pool.

/// A server that takes a share of a pool's traffic.
public struct Member: Codable, Hashable, Sendable {
  /// The member's id.
  public var id: ObjectID
  /// Its address.
  public var address: AddressText
  /// Its port.
  public var protocolPort: Int
  /// Its share: 0...256, where 0 means no new connections.
  public var weight = 1
  /// Whether it is used only when all others are down.
  public var backup = false
  /// The address to check, if it is not that of traffic.
  public var monitorAddress: AddressText?
  /// The port to check, if it is not that of traffic.
  public var monitorPort: Int?
  /// Whether it takes traffic.
  public var adminStateUp = true
  /// What the controller is doing with it.
  public var provisioningStatus = ProvisioningStatus.active
  /// The subnet in which amphorae need an address to reach it; not part of any configuration file.
  public var subnetID: String?

  /// Makes an enabled member of weight 1.
  public init(id: ObjectID, address: AddressText, protocolPort: Int) {
    self.id = id
    self.address = address
    self.protocolPort = protocolPort
  }

  /// Decodes a member; fails with a ``DocumentError``.
  public init(from decoder: any Decoder) throws { try self.init(decoding: decoder) }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case id, address
    case protocolPort = "protocol_port"
    case weight, backup
    case monitorAddress = "monitor_address"
    case monitorPort = "monitor_port"
    case adminStateUp = "admin_state_up"
    case provisioningStatus = "provisioning_status"
    case subnetID = "subnet_id"
  }
}

extension Member: DocumentObject {
  static let ignoredKeys: Set<String>? = commonIgnoredKeys.union(["vnic_type"])

  init(reading object: ObjectReader<CodingKeys>) throws {
    self.init(
      id: try object.required(.id), address: try object.required(.address),
      protocolPort: try object.requiredInteger(.protocolPort, in: portRange))
    weight = try object.integer(.weight, in: 0...256) ?? 1
    backup = try object.optional(.backup) ?? false
    monitorAddress = try object.optional(.monitorAddress)
    monitorPort = try object.integer(.monitorPort, in: portRange)
    adminStateUp = try object.optional(.adminStateUp) ?? true
    provisioningStatus = try object.optional(.provisioningStatus) ?? .active
    subnetID = try object.optional(.subnetID)
  }
}

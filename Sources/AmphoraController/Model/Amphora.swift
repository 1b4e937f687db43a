// Amphorae and their VRRP group, as configurations need to know them.

/// An amphora that serves the load balancer.
public struct Amphora: Codable, Hashable, Sendable {
  /// The amphora's id.
  public var id: ObjectID
  /// What the controller knows of it.
  public var status = AmphoraStatus.allocated
  /// Its own address in the network of the main virtual IP address.
  public var vrrpIP: AddressText?
  /// The interface with that address.
  public var vrrpInterface: InterfaceName?
  /// The virtual router id.
  public var vrrpID: Int?
  /// Who of a pair is to be master: the higher number.
  public var vrrpPriority: Int?

  /// Makes an allocated amphora.
  public init(id: ObjectID) { self.id = id }

  /// Decodes an amphora; fails with a ``DocumentError``.
  public init(from decoder: any Decoder) throws { try self.init(decoding: decoder) }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case id, status
    case vrrpIP = "vrrp_ip"
    case vrrpInterface = "vrrp_interface"
    case vrrpID = "vrrp_id"
    case vrrpPriority = "vrrp_priority"
  }
}

extension Amphora: DocumentObject {
  static let ignoredKeys: Set<String>? = [
    "role", "lb_network_ip", "ha_ip", "ha_port_id", "vrrp_port_id", "loadbalancer_id", "load_balancer_id",
    "compute_id", "compute_flavor", "image_id", "cert_expiration", "cert_busy", "cached_zone", "created_at",
    "updated_at",
  ]

  init(reading object: ObjectReader<CodingKeys>) throws {
    self.init(id: try object.required(.id))
    status = try object.optional(.status) ?? .allocated
    vrrpIP = try object.optional(.vrrpIP)
    vrrpInterface = try object.optional(.vrrpInterface)
    vrrpID = try object.integer(.vrrpID, in: 1...255)
    vrrpPriority = try object.integer(.vrrpPriority, in: 1...255)
  }
}

/// What the amphorae of a pair share.
public struct VRRPGroup: Codable, Hashable, Sendable {
  /// How advertisements are authenticated.
  public enum AuthenticationType: String, Codable, Sendable, DocumentEnumeration {
    case password = "PASS"
    case header = "AH"
  }

  /// The group's name.
  public var name: VRRPGroupName
  /// How advertisements are authenticated.
  public var authenticationType = AuthenticationType.password
  /// The password.
  public var authenticationPassword: VRRPPassword
  /// Seconds between advertisements.
  public var advertisementInterval = 1

  /// Makes a group with the values for a new pair (contract §7).
  public init(name: VRRPGroupName, authenticationPassword: VRRPPassword) {
    self.name = name
    self.authenticationPassword = authenticationPassword
  }

  /// Decodes a group; fails with a ``DocumentError``.
  public init(from decoder: any Decoder) throws { try self.init(decoding: decoder) }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name = "vrrp_group_name"
    case authenticationType = "vrrp_auth_type"
    case authenticationPassword = "vrrp_auth_pass"
    case advertisementInterval = "advert_int"
  }
}

extension VRRPGroup: DocumentObject {
  static let ignoredKeys: Set<String>? = ["load_balancer_id", "loadbalancer_id"]

  init(reading object: ObjectReader<CodingKeys>) throws {
    self.init(
      name: try object.required(.name), authenticationPassword: try object.required(.authenticationPassword))
    authenticationType = try object.required(.authenticationType)
    // 255: one byte in VRRP version 2 (RFC 3768 §5.3.7), which is the one with passwords.
    advertisementInterval = try object.requiredInteger(.advertisementInterval, in: 1...255)
  }
}

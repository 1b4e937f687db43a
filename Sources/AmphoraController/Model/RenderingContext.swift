// The context of a document: what the API object of a load balancer does not carry (contract §1.1).

/// What a rendering depends on besides the load balancer.
public struct RenderingContext: Codable, Hashable, Sendable {
  /// How many amphorae serve the load balancer.
  public var topology: Topology
  /// The amphora that `keepalived.conf` is for.
  public var hostAmphoraID: ObjectID?
  /// The load balancer's amphorae.
  public var amphorae: [Amphora] = []
  /// The version of haproxy on the amphora.
  public var haproxyVersion: HAProxyVersion
  /// What the amphora says of itself.
  public var amphoraDetails: AmphoraDetails?
  /// The file ids of certificates and secrets, by their references.
  public var certificates: [String: CertificateFileID] = [:]
  /// The VRRP group; needed for a pair.
  public var vrrpGroup: VRRPGroup?
  /// The subnets of the virtual IP addresses by id; needed for a pair.
  public var subnets: [String: Subnet] = [:]
  /// The settings of the controller.
  public var options = RenderingOptions()

  /// Makes a context without amphorae.
  public init(topology: Topology, haproxyVersion: HAProxyVersion) {
    self.topology = topology
    self.haproxyVersion = haproxyVersion
  }

  /// Decodes a context; fails with a ``DocumentError``.
  public init(from decoder: any Decoder) throws { try self.init(decoding: decoder) }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case topology
    case hostAmphoraID = "host_amphora_id"
    case amphorae
    case haproxyVersion = "haproxy_version"
    case amphoraDetails = "amp_details"
    case certificates
    case vrrpGroup = "vrrp_group"
    case subnets, options
  }
}

extension RenderingContext: DocumentObject {
  static let ignoredKeys: Set<String>? = []

  init(reading object: ObjectReader<CodingKeys>) throws {
    self.init(topology: try object.required(.topology), haproxyVersion: try object.required(.haproxyVersion))
    hostAmphoraID = try object.optional(.hostAmphoraID)
    amphorae = try object.list(.amphorae)
    amphoraDetails = try object.optional(.amphoraDetails)
    certificates = try object.optional(.certificates) ?? [:]
    vrrpGroup = try object.optional(.vrrpGroup)
    subnets = try object.optional(.subnets) ?? [:]
    options = try object.optional(.options) ?? RenderingOptions()
  }
}

// A pool: the members that share traffic, and how it is shared.

/// A group of members.
public struct Pool: Codable, Hashable, Sendable {
  /// The pool's id.
  public var id: ObjectID
  /// What members speak.
  public var `protocol`: PoolProtocol
  /// How a member is picked.
  public var algorithm: LoadBalancingAlgorithm
  /// Whether it takes traffic.
  public var adminStateUp = true
  /// What the controller is doing with it.
  public var provisioningStatus = ProvisioningStatus.active
  /// How a client is kept at one member.
  public var sessionPersistence: SessionPersistence?
  /// How members are checked.
  public var healthMonitor: HealthMonitor?
  /// The members.
  public var members: [Member] = []
  /// Whether members are spoken to through TLS; without it the fields below have no influence.
  public var tlsEnabled = false
  /// The container of the certificate shown to members.
  public var tlsContainerRef: String?
  /// The secret with the CA that members' certificates must be from.
  public var caTLSContainerRef: String?
  /// The secret with the list of revoked certificates.
  public var crlContainerRef: String?
  /// The ciphers, OpenSSL names joined by colons.
  ///
  /// Any text: a bad one is replaced by the default (contract §4.4).
  public var tlsCiphers: String?
  /// The TLS versions that are spoken; nil leaves them to haproxy.
  public var tlsVersions: [TLSProtocolVersion]?
  /// The protocols offered in the handshake.
  public var alpnProtocols: [ALPNProtocol]?

  /// Makes an enabled pool without members.
  public init(id: ObjectID, protocol: PoolProtocol, algorithm: LoadBalancingAlgorithm) {
    self.id = id
    self.protocol = `protocol`
    self.algorithm = algorithm
  }

  /// Decodes a pool; fails with a ``DocumentError``.
  public init(from decoder: any Decoder) throws { try self.init(decoding: decoder) }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case id, `protocol`
    case algorithm = "lb_algorithm"
    case adminStateUp = "admin_state_up"
    case provisioningStatus = "provisioning_status"
    case sessionPersistence = "session_persistence"
    case healthMonitor = "healthmonitor"
    case members
    case tlsEnabled = "tls_enabled"
    case tlsContainerRef = "tls_container_ref"
    case caTLSContainerRef = "ca_tls_container_ref"
    case crlContainerRef = "crl_container_ref"
    case tlsCiphers = "tls_ciphers"
    case tlsVersions = "tls_versions"
    case alpnProtocols = "alpn_protocols"
  }
}

extension Pool: DocumentObject {
  static let ignoredKeys: Set<String>? = commonIgnoredKeys.union([
    "healthmonitor_id", "loadbalancers", "load_balancer_id", "listeners", "l7policies",
  ])

  init(reading object: ObjectReader<CodingKeys>) throws {
    self.init(
      id: try object.required(.id), protocol: try object.required(.protocol),
      algorithm: try object.required(.algorithm))
    adminStateUp = try object.optional(.adminStateUp) ?? true
    provisioningStatus = try object.optional(.provisioningStatus) ?? .active
    sessionPersistence = try object.optional(.sessionPersistence)
    healthMonitor = try object.optional(.healthMonitor)
    members = try object.list(.members)
    tlsEnabled = try object.optional(.tlsEnabled) ?? false
    tlsContainerRef = try object.optional(.tlsContainerRef)
    caTLSContainerRef = try object.optional(.caTLSContainerRef)
    crlContainerRef = try object.optional(.crlContainerRef)
    tlsCiphers = try object.optional(.tlsCiphers)
    tlsVersions = try object.optional(.tlsVersions)
    alpnProtocols = try object.optional(.alpnProtocols)
  }
}

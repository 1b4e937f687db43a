// A listener: what clients connect to.

/// A port of a load balancer and what is done with its traffic.
public struct Listener: Codable, Hashable, Sendable {
  /// The listener's id.
  public var id: ObjectID
  /// What is spoken with clients.
  public var `protocol`: ListenerProtocol
  /// The port clients connect to.
  public var protocolPort: Int
  /// Whether it takes traffic.
  public var adminStateUp = true
  /// What the controller is doing with it.
  public var provisioningStatus = ProvisioningStatus.active
  /// How many connections it takes at a time; 0 and -1 mean the default of the options.
  public var connectionLimit = -1
  /// Idle time of clients in milliseconds; nil and 0 mean the default of the options, here and below.
  public var timeoutClientData: Int?
  /// Time for connecting to a member in milliseconds.
  public var timeoutMemberConnect: Int?
  /// Idle time of members in milliseconds.
  public var timeoutMemberData: Int?
  /// Time to wait for content to inspect in milliseconds.
  public var timeoutTCPInspect: Int?
  /// Headers to add to requests.
  public var insertHeaders = InsertedHeaders()
  /// The container of the certificate shown to clients.
  public var defaultTLSContainerRef: String?
  /// Containers of certificates for further host names.
  public var sniContainerRefs: [String] = []
  /// The secret with the CA that clients' certificates must be from.
  public var clientCATLSContainerRef: String?
  /// The secret with the list of revoked client certificates.
  public var clientCRLContainerRef: String?
  /// Whether clients must show a certificate.
  public var clientAuthentication = ClientAuthentication.none
  /// The ciphers, OpenSSL names joined by colons.
  ///
  /// Any text: a bad one is replaced by the default (contract §4.4).
  public var tlsCiphers: String?
  /// The TLS versions that are spoken; nil leaves them to haproxy.
  public var tlsVersions: [TLSProtocolVersion]?
  /// The protocols offered in the handshake.
  public var alpnProtocols: [ALPNProtocol]?
  /// Lifetime of the promise to use HTTPS only, in seconds.
  public var hstsMaxAge: Int?
  /// Whether that promise holds for subdomains.
  public var hstsIncludeSubdomains = false
  /// Whether that promise may be built into browsers.
  public var hstsPreload = false
  /// The pool for traffic that no policy takes, by id.
  public var defaultPoolID: ObjectID?
  /// The same pool written in place.
  public var defaultPool: Pool?
  /// Policies, used in the order of their positions.
  public var l7Policies: [L7Policy] = []

  /// Makes an enabled listener without a pool.
  public init(id: ObjectID, protocol: ListenerProtocol, protocolPort: Int) {
    self.id = id
    self.protocol = `protocol`
    self.protocolPort = protocolPort
  }

  /// Decodes a listener; fails with a ``DocumentError``.
  public init(from decoder: any Decoder) throws { try self.init(decoding: decoder) }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case id, `protocol`
    case protocolPort = "protocol_port"
    case adminStateUp = "admin_state_up"
    case provisioningStatus = "provisioning_status"
    case connectionLimit = "connection_limit"
    case timeoutClientData = "timeout_client_data"
    case timeoutMemberConnect = "timeout_member_connect"
    case timeoutMemberData = "timeout_member_data"
    case timeoutTCPInspect = "timeout_tcp_inspect"
    case insertHeaders = "insert_headers"
    case defaultTLSContainerRef = "default_tls_container_ref"
    case sniContainerRefs = "sni_container_refs"
    case clientCATLSContainerRef = "client_ca_tls_container_ref"
    case clientCRLContainerRef = "client_crl_container_ref"
    case clientAuthentication = "client_authentication"
    case tlsCiphers = "tls_ciphers"
    case tlsVersions = "tls_versions"
    case alpnProtocols = "alpn_protocols"
    case hstsMaxAge = "hsts_max_age"
    case hstsIncludeSubdomains = "hsts_include_subdomains"
    case hstsPreload = "hsts_preload"
    case defaultPoolID = "default_pool_id"
    case defaultPool = "default_pool"
    case l7Policies = "l7policies"
  }
}

extension Listener: DocumentObject {
  static let ignoredKeys: Set<String>? = commonIgnoredKeys.union(["allowed_cidrs", "loadbalancers", "load_balancer_id"])

  init(reading object: ObjectReader<CodingKeys>) throws {
    self.init(
      id: try object.required(.id), protocol: try object.required(.protocol),
      protocolPort: try object.requiredInteger(.protocolPort, in: portRange))
    adminStateUp = try object.optional(.adminStateUp) ?? true
    provisioningStatus = try object.optional(.provisioningStatus) ?? .active
    connectionLimit = try object.integer(.connectionLimit, in: -1...countLimit) ?? -1
    timeoutClientData = try object.integer(.timeoutClientData, in: timeoutRange)
    timeoutMemberConnect = try object.integer(.timeoutMemberConnect, in: timeoutRange)
    timeoutMemberData = try object.integer(.timeoutMemberData, in: timeoutRange)
    timeoutTCPInspect = try object.integer(.timeoutTCPInspect, in: timeoutRange)
    insertHeaders = try object.optional(.insertHeaders) ?? InsertedHeaders()
    defaultPoolID = try object.optional(.defaultPoolID)
    defaultPool = try object.optional(.defaultPool)
    l7Policies = try object.list(.l7Policies)
    try readTLS(object)
  }

  private mutating func readTLS(_ object: ObjectReader<CodingKeys>) throws {
    defaultTLSContainerRef = try object.optional(.defaultTLSContainerRef)
    sniContainerRefs = try object.list(.sniContainerRefs)
    clientCATLSContainerRef = try object.optional(.clientCATLSContainerRef)
    clientCRLContainerRef = try object.optional(.clientCRLContainerRef)
    clientAuthentication = try object.optional(.clientAuthentication) ?? .none
    tlsCiphers = try object.optional(.tlsCiphers)
    tlsVersions = try object.optional(.tlsVersions)
    alpnProtocols = try object.optional(.alpnProtocols)
    hstsMaxAge = try object.integer(.hstsMaxAge, in: 0...countLimit)
    hstsIncludeSubdomains = try object.optional(.hstsIncludeSubdomains) ?? false
    hstsPreload = try object.optional(.hstsPreload) ?? false
  }
}

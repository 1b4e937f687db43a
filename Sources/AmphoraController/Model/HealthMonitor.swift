// A health monitor: how members of a pool are checked.

/// How members of a pool are checked.
public struct HealthMonitor: Codable, Hashable, Sendable {
  /// How a check is made.
  public enum Kind: String, Codable, Sendable, DocumentEnumeration {
    case http = "HTTP"
    case https = "HTTPS"
    case ping = "PING"
    case sctp = "SCTP"
    case tcp = "TCP"
    case tlsHello = "TLS-HELLO"
    case udpConnect = "UDP-CONNECT"
  }

  /// The monitor's id.
  public var id: ObjectID
  /// How a check is made.
  public var type: Kind
  /// Seconds between checks.
  public var delay: Int
  /// Seconds until a check has failed.
  public var timeout: Int
  /// How many good checks make a member healthy.
  public var maxRetries: Int
  /// How many bad checks make a member unhealthy.
  public var maxRetriesDown = 3
  /// The method of the request.
  public var httpMethod: MonitorMethod?
  /// The path of the request.
  public var urlPath: URLPath?
  /// The status codes of a good answer.
  public var expectedCodes: ExpectedCodes?
  /// The HTTP version of the request.
  public var httpVersion: HTTPVersion?
  /// The Host header of the request.
  public var domainName: DomainName?
  /// Whether members are checked.
  public var adminStateUp = true
  /// What the controller is doing with it.
  public var provisioningStatus = ProvisioningStatus.active

  /// Makes an enabled monitor.
  public init(id: ObjectID, type: Kind, delay: Int, timeout: Int, maxRetries: Int) {
    self.id = id
    self.type = type
    self.delay = delay
    self.timeout = timeout
    self.maxRetries = maxRetries
  }

  /// Decodes a monitor; fails with a ``DocumentError``.
  public init(from decoder: any Decoder) throws { try self.init(decoding: decoder) }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case id, type, delay, timeout
    case maxRetries = "max_retries"
    case maxRetriesDown = "max_retries_down"
    case httpMethod = "http_method"
    case urlPath = "url_path"
    case expectedCodes = "expected_codes"
    case httpVersion = "http_version"
    case domainName = "domain_name"
    case adminStateUp = "admin_state_up"
    case provisioningStatus = "provisioning_status"
  }
}

extension HealthMonitor: DocumentObject {
  static let ignoredKeys: Set<String>? = commonIgnoredKeys.union(["pools", "pool_id"])

  init(reading object: ObjectReader<CodingKeys>) throws {
    self.init(
      id: try object.required(.id), type: try object.required(.type),
      delay: try object.requiredInteger(.delay, in: secondsRange),
      timeout: try object.requiredInteger(.timeout, in: 0...secondsRange.upperBound),
      maxRetries: try object.requiredInteger(.maxRetries, in: 1...10))
    maxRetriesDown = try object.integer(.maxRetriesDown, in: 1...10) ?? 3
    httpMethod = try object.optional(.httpMethod)
    urlPath = try object.optional(.urlPath)
    expectedCodes = try object.optional(.expectedCodes)
    httpVersion = try object.optional(.httpVersion)
    domainName = try object.optional(.domainName)
    adminStateUp = try object.optional(.adminStateUp) ?? true
    provisioningStatus = try object.optional(.provisioningStatus) ?? .active
  }
}

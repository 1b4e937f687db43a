// Session persistence: how a client is kept at one member.

/// How a client is kept at one member.
public struct SessionPersistence: Codable, Hashable, Sendable {
  /// What a client is known by.
  public enum Kind: String, Codable, Sendable, DocumentEnumeration {
    case appCookie = "APP_COOKIE"
    case httpCookie = "HTTP_COOKIE"
    case sourceIP = "SOURCE_IP"
  }

  /// What a client is known by.
  public var type: Kind
  /// The application's cookie, for ``Kind/appCookie``.
  public var cookieName: HTTPToken?
  /// Seconds, for UDP and SCTP; nil and 0 mean 360.
  public var timeout: Int?
  /// How many bits of the address count, for UDP and SCTP.
  public var granularity: PersistenceGranularity?

  /// Makes a session persistence.
  public init(type: Kind, cookieName: HTTPToken? = nil) {
    self.type = type
    self.cookieName = cookieName
  }

  /// Decodes a session persistence; fails with a ``DocumentError``.
  public init(from decoder: any Decoder) throws { try self.init(decoding: decoder) }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case type
    case cookieName = "cookie_name"
    case timeout = "persistence_timeout"
    case granularity = "persistence_granularity"
  }
}

extension SessionPersistence: DocumentObject {
  static let ignoredKeys: Set<String>? = []

  init(reading object: ObjectReader<CodingKeys>) throws {
    self.init(type: try object.required(.type), cookieName: try object.optional(.cookieName))
    timeout = try object.integer(.timeout, in: 0...countLimit)
    granularity = try object.optional(.granularity)
  }
}

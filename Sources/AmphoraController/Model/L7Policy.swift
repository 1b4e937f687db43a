// Layer 7 policies: what is done with requests that match all of a policy's rules.

/// What is done with some requests.
public struct L7Policy: Codable, Hashable, Sendable {
  /// What is done.
  public enum Action: String, Codable, Sendable, DocumentEnumeration {
    case redirectPrefix = "REDIRECT_PREFIX"
    case redirectToPool = "REDIRECT_TO_POOL"
    case redirectToURL = "REDIRECT_TO_URL"
    case reject = "REJECT"
  }

  /// The status code of a redirection.
  public enum RedirectCode: Int, Codable, Sendable, CaseIterable {
    case movedPermanently = 301
    case found = 302
    case seeOther = 303
    case temporaryRedirect = 307
    case permanentRedirect = 308
  }

  /// The policy's id.
  public var id: ObjectID
  /// What is done.
  public var action: Action
  /// The place among the listener's policies, lowest first; nil is last.
  public var position: Int?
  /// The pool for ``Action/redirectToPool``, by id.
  public var redirectPoolID: ObjectID?
  /// The same pool written in place.
  public var redirectPool: Pool?
  /// The URL for ``Action/redirectToURL``.
  public var redirectURL: RedirectTarget?
  /// The beginning of a URL for ``Action/redirectPrefix``.
  public var redirectPrefix: RedirectTarget?
  /// The status code; nil leaves it to haproxy.
  public var redirectHTTPCode: RedirectCode?
  /// Whether it is used.
  public var adminStateUp = true
  /// What the controller is doing with it.
  public var provisioningStatus = ProvisioningStatus.active
  /// What a request must match, all of them.
  public var rules: [L7Rule] = []

  /// Makes an enabled policy without rules.
  public init(id: ObjectID, action: Action, position: Int? = nil) {
    self.id = id
    self.action = action
    self.position = position
  }

  /// Decodes a policy; fails with a ``DocumentError``.
  public init(from decoder: any Decoder) throws { try self.init(decoding: decoder) }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case id, action, position
    case redirectPoolID = "redirect_pool_id"
    case redirectPool = "redirect_pool"
    case redirectURL = "redirect_url"
    case redirectPrefix = "redirect_prefix"
    case redirectHTTPCode = "redirect_http_code"
    case adminStateUp = "admin_state_up"
    case provisioningStatus = "provisioning_status"
    case rules
  }
}

extension L7Policy: DocumentObject {
  static let ignoredKeys: Set<String>? = commonIgnoredKeys.union(["listener_id"])

  init(reading object: ObjectReader<CodingKeys>) throws {
    self.init(
      id: try object.required(.id), action: try object.required(.action),
      position: try object.integer(.position, in: 0...countLimit))
    redirectPoolID = try object.optional(.redirectPoolID)
    redirectPool = try object.optional(.redirectPool)
    redirectURL = try object.optional(.redirectURL)
    redirectPrefix = try object.optional(.redirectPrefix)
    redirectHTTPCode = try object.optional(.redirectHTTPCode)
    adminStateUp = try object.optional(.adminStateUp) ?? true
    provisioningStatus = try object.optional(.provisioningStatus) ?? .active
    rules = try object.list(.rules)
  }
}

extension L7Policy.RedirectCode: DocumentReadable {
  init(reading value: DocumentValue, at path: String) throws {
    guard case .integer(let number) = value, let code = Self(rawValue: number) else {
      throw DocumentError(path, "is not one of \(Self.allCases.map { "\($0.rawValue)" }.joined(separator: ", "))")
    }
    self = code
  }
}

// Rules of layer 7 policies: what a request must match.

/// What a request must match.
public struct L7Rule: Codable, Hashable, Sendable {
  /// What is compared.
  public enum Kind: String, Codable, Sendable, DocumentEnumeration {
    case cookie = "COOKIE"
    case fileType = "FILE_TYPE"
    case header = "HEADER"
    case hostName = "HOST_NAME"
    case path = "PATH"
    case tlsClientHasCertificate = "SSL_CONN_HAS_CERT"
    case tlsDNField = "SSL_DN_FIELD"
    case tlsVerifyResult = "SSL_VERIFY_RESULT"
  }

  /// How it is compared.
  public enum Comparison: String, Codable, Sendable, DocumentEnumeration {
    case contains = "CONTAINS"
    case endsWith = "ENDS_WITH"
    case equalTo = "EQUAL_TO"
    case regex = "REGEX"
    case startsWith = "STARTS_WITH"
  }

  /// The rule's id.
  public var id: ObjectID
  /// What is compared.
  public var type: Kind
  /// How it is compared.
  public var compareType: Comparison
  /// The header, cookie or subject field.
  ///
  /// Any text here; the use decides what it must look like.
  public var key: String?
  /// What it is compared with.
  public var value: RuleValue
  /// Whether a request must not match.
  public var invert = false
  /// Whether it is used.
  public var adminStateUp = true
  /// What the controller is doing with it.
  public var provisioningStatus = ProvisioningStatus.active

  /// Makes an enabled rule.
  public init(id: ObjectID, type: Kind, compareType: Comparison, key: String? = nil, value: RuleValue) {
    self.id = id
    self.type = type
    self.compareType = compareType
    self.key = key
    self.value = value
  }

  /// Decodes a rule; fails with a ``DocumentError``.
  public init(from decoder: any Decoder) throws { try self.init(decoding: decoder) }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case id, type
    case compareType = "compare_type"
    case key, value, invert
    case adminStateUp = "admin_state_up"
    case provisioningStatus = "provisioning_status"
  }
}

extension L7Rule: DocumentObject {
  static let ignoredKeys: Set<String>? = commonIgnoredKeys

  init(reading object: ObjectReader<CodingKeys>) throws {
    self.init(
      id: try object.required(.id), type: try object.required(.type), compareType: try object.required(.compareType),
      key: try object.optional(.key), value: try object.required(.value))
    invert = try object.optional(.invert) ?? false
    adminStateUp = try object.optional(.adminStateUp) ?? true
    provisioningStatus = try object.optional(.provisioningStatus) ?? .active
  }
}

extension L7Rule {
  /// The key as the name of a header or cookie, or of a field of the subject.
  func key<Grammar: TextGrammar>(as grammar: Grammar.Type, at path: String) throws -> CheckedText<Grammar> {
    let text = try required(key, "\(path).key", for: "type \(type.rawValue)")
    guard let name = CheckedText<Grammar>(text) else {
      throw DocumentError("\(path).key", "\(quoted(text)) is not \(Grammar.expectation)")
    }
    return name
  }

  /// Checks that the value is the number of an error of certificate verification (OpenSSL's X509_V_ERR_...).
  func checkVerifyResult(at path: String) throws {
    guard value.rawValue.isDecimal(upTo: 5) else {
      throw DocumentError("\(path).value", "\(quoted(value.rawValue)) is not a number for type \(type.rawValue)")
    }
  }
}

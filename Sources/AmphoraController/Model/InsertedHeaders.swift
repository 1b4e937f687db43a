// The headers that a listener may add to requests.

/// Which headers a listener adds to requests: names to whether they are wanted.
public struct InsertedHeaders: Codable, Hashable, Sendable {
  /// A header that can be added.
  public enum Name: String, Codable, Sendable, CaseIterable {
    case forwardedFor = "X-Forwarded-For"
    case forwardedPort = "X-Forwarded-Port"
    case forwardedProto = "X-Forwarded-Proto"
    case clientVerify = "X-SSL-Client-Verify"
    case clientHasCertificate = "X-SSL-Client-Has-Cert"
    case clientDN = "X-SSL-Client-DN"
    case clientCN = "X-SSL-Client-CN"
    case issuer = "X-SSL-Issuer"
    case clientSHA1 = "X-SSL-Client-SHA1"
    case clientNotBefore = "X-SSL-Client-Not-Before"
    case clientNotAfter = "X-SSL-Client-Not-After"
    /// The API takes these three, and nothing is printed for them (contract §4.9).
    case forwardedIP = "X-Forwarded-IP"
    case clientIP = "X-Client-IP"
    case realIP = "X-Real-IP"
  }

  /// The wanted headers.
  public var wanted: Set<Name>

  /// Makes a set of wanted headers.
  public init(_ wanted: Set<Name> = []) { self.wanted = wanted }

  /// Decodes an object like `{"X-Forwarded-For": "true"}`; fails with a ``DocumentError``.
  public init(from decoder: any Decoder) throws {
    try self.init(reading: DocumentValue(from: decoder), at: "")
  }

  /// Encodes the wanted headers only, with the value `true`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(Dictionary(uniqueKeysWithValues: wanted.map { ($0.rawValue, "true") }))
  }
}

extension InsertedHeaders: DocumentReadable {
  /// One header's value: `true` or `false` as text in any letter case, or as a boolean.
  private struct Switch: DocumentReadable {
    let isOn: Bool
    init(reading value: DocumentValue, at path: String) throws {
      switch value {
      case .bool(let isOn): self.isOn = isOn
      case .string(let text) where ["true", "false"].contains(text.lowercased()): isOn = text.lowercased() == "true"
      default: throw DocumentError(path, "is not true or false")
      }
    }
  }

  init(reading value: DocumentValue, at path: String) throws {
    let switches = try [String: Switch](reading: value, at: path)
    var wanted: Set<Name> = []
    for (text, isWanted) in switches.sorted(by: { $0.key < $1.key }) {
      guard let name = Name(rawValue: text) else {
        throw DocumentError("\(path)[\(quoted(text))]", "is not a header that can be inserted")
      }
      if isWanted.isOn { wanted.insert(name) }
    }
    self.init(wanted)
  }
}

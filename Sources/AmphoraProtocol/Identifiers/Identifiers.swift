// The identifiers that arrive in URLs. Each is a type whose value can stand in a path: whoever holds one need not check.

/// An OpenStack object id: a UUID in its canonical text form (8-4-4-4-12 hexadecimal digits, RFC 9562 §4).
///
/// The letter case is kept as received, because paths and unit names on disk are made of the text.
public protocol UUIDText: Hashable, Sendable, CustomStringConvertible, Codable {
  /// The id's text.
  var text: String { get }
  /// Wraps a text that is known to be a UUID.
  init(unchecked text: String)
}

extension UUIDText {
  /// Parses a UUID in canonical text form; nil for everything else.
  public init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    guard bytes.count == 36 else { return nil }
    for (index, byte) in bytes.enumerated() {
      switch index {
      case 8, 13, 18, 23: guard byte == UInt8(ascii: "-") else { return nil }
      default:
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
          UInt8(ascii: "A")...UInt8(ascii: "F"):
          break
        default: return nil
        }
      }
    }
    self.init(unchecked: String(text))
  }

  /// The id's text.
  public var description: String { text }

  /// Decodes from a JSON string; fails when the string is no UUID.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let id = Self(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no UUID")
    }
    self = id
  }

  /// Encodes as a JSON string.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}

/// The id of a load balancer: names its directory, its socket and its unit.
public struct LoadBalancerID: UUIDText {
  /// The id's text.
  public let text: String
  /// Wraps a text that is known to be a UUID.
  public init(unchecked text: String) { self.text = text }
}

/// The id of a listener.
public struct ListenerID: UUIDText {
  /// The id's text.
  public let text: String
  /// Wraps a text that is known to be a UUID.
  public init(unchecked text: String) { self.text = text }
}

/// The id of an object that an action addresses: a load balancer, or a UDP/SCTP listener (contract agent-api §3.0 BACKEND).
public struct ServiceObjectID: UUIDText {
  /// The id's text.
  public let text: String
  /// Wraps a text that is known to be a UUID.
  public init(unchecked text: String) { self.text = text }

  /// The id, taken as that of a load balancer.
  public var asLoadBalancer: LoadBalancerID { LoadBalancerID(unchecked: text) }
  /// The id, taken as that of a listener.
  public var asListener: ListenerID { ListenerID(unchecked: text) }
}

/// The id of an amphora as it stands in upload URLs.
///
/// It is only hashed (see `PeerName`), never part of a path, so the wider grammar of contract agent-api §5 W1 holds:
/// `[A-Za-z0-9][A-Za-z0-9_-]{0,63}`.
public struct AmphoraID: Hashable, Sendable, CustomStringConvertible {
  /// The id's text.
  public let text: String

  /// Parses an id; nil when it is not of the grammar.
  public init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    guard (1...64).contains(bytes.count), bytes[0].isASCIILetterOrDigit,
      bytes.allSatisfy({ $0.isASCIILetterOrDigit || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") })
    else { return nil }
    self.text = String(text)
  }

  /// The id's text.
  public var description: String { text }
}

extension AmphoraID: Codable {
  /// Decodes from a string; fails when that is no id.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let id = AmphoraID(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no amphora id")
    }
    self = id
  }

  /// Encodes as a string.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}

/// The name of a file with TLS material: `[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.pem`, 200 bytes at most
/// (contract agent-api §5 W3, narrower than upstream's pattern; controllers send `<sha1 or listener id>.pem`).
public struct CertificateFileName: Hashable, Sendable, CustomStringConvertible {
  /// The name's text.
  public let text: String

  /// Parses a name; nil when it is not of the grammar.
  public init?(_ text: some StringProtocol) {
    guard text.utf8.count <= 200 else { return nil }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 2, parts.last == "pem",
      parts.allSatisfy({ part in
        !part.isEmpty
          && part.utf8.allSatisfy { $0.isASCIILetterOrDigit || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }
      })
    else { return nil }
    self.text = String(text)
  }

  /// The name's text.
  public var description: String { text }
}

extension UInt8 {
  var isASCIILetterOrDigit: Bool {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"):
      true
    default: false
    }
  }
}

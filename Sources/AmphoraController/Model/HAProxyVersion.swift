// The version of haproxy on an amphora: only its first two numbers have an influence.

/// A version of haproxy, like `2.6.12-1+deb12u4`.
public struct HAProxyVersion: Codable, Hashable, Sendable, CustomStringConvertible {
  /// The version as the amphora reports it.
  public let text: String
  /// The first number.
  public let major: Int
  /// The second number.
  public let minor: Int

  /// Parses a version; nil when it does not begin with two numbers joined by a dot.
  public init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 2, let major = Int(Self.leadingDigits(parts[0])), let minor = Int(Self.leadingDigits(parts[1]))
    else { return nil }
    self.text = text
    self.major = major
    self.minor = minor
  }

  /// Decodes a version; fails with a ``DocumentError``.
  public init(from decoder: any Decoder) throws {
    try self.init(reading: DocumentValue(from: decoder), at: "")
  }

  /// Encodes the text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }

  /// Whether this is the given version or a later one.
  public func isAtLeast(_ major: Int, _ minor: Int) -> Bool { (self.major, self.minor) >= (major, minor) }

  /// The version as the amphora reports it.
  public var description: String { text }

  private static func leadingDigits(_ text: Substring) -> String {
    String(text.prefix { $0.isASCII && $0.isNumber }.prefix(9))
  }
}

extension HAProxyVersion: DocumentReadable {
  init(reading value: DocumentValue, at path: String) throws {
    let text = try String(reading: value, at: path)
    guard let version = HAProxyVersion(text) else {
      throw DocumentError(path, "\(quoted(text)) is not a version of haproxy like 2.6.12")
    }
    self = version
  }
}

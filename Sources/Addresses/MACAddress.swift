// Ethernet hardware addresses. Controllers send them in any letter case; kernel and disk want lower case.

/// A 48-bit Ethernet address that is not all zero (which would match the loopback link).
public struct MACAddress: Hashable, Sendable, CustomStringConvertible {
  private let bits: UInt64

  /// Parses six colon-separated pairs of hexadecimal digits, in either letter case.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 6 else { return nil }
    var bytes: [UInt8] = []
    for part in parts {
      // UInt8(_:radix:) also takes a sign, which is no digit.
      guard part.utf8.count == 2, part.utf8.first != UInt8(ascii: "+"), let byte = UInt8(part, radix: 16) else {
        return nil
      }
      bytes.append(byte)
    }
    self.init(bytes: bytes)
  }

  /// Makes an address from six bytes; nil for any other length and for all zeros.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 6 else { return nil }
    bits = bytes.reduce(0) { $0 << 8 | UInt64($1) }
    guard bits != 0 else { return nil }
  }

  /// The six bytes in transmission order.
  public var bytes: [UInt8] { (0..<6).map { UInt8(truncatingIfNeeded: bits >> (40 - 8 * UInt64($0))) } }

  /// Lower-case pairs joined by colons, as the kernel prints them.
  public var description: String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
  }
}

extension MACAddress: Codable {
  /// Decodes from a string; fails when that is no MAC address.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let address = MACAddress(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no MAC address")
    }
    self = address
  }

  /// Encodes as a string.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

// IP addresses as values: parsed once at the edge, compared by their bits, printed in the one canonical form.

import Glibc

/// An IPv4 or IPv6 address, without zone and without port.
public struct IPAddress: Hashable, Sendable {
  /// The IP version of an address.
  public enum Family: Hashable, Sendable {
    case v4
    case v6

    /// The length of an address of this family in bits: 32 or 128.
    public var bitWidth: Int { self == .v4 ? 32 : 128 }
  }

  /// The IP version.
  public let family: Family
  // An IPv4 address sits in the low 32 bits of `low`; two integers keep the value free of heap storage.
  private let high: UInt64
  private let low: UInt64

  private init(family: Family, high: UInt64, low: UInt64) {
    self.family = family
    self.high = high
    self.low = low
  }

  /// The unspecified address of a family: `0.0.0.0` or `::`.
  public static func any(_ family: Family) -> IPAddress { IPAddress(family: family, high: 0, low: 0) }

  /// Parses the text forms of RFC 4291 §2.2 (IPv6) and dotted decimal without leading zeros (IPv4), as `inet_pton(3)`.
  ///
  /// Returns nil for anything else: host names, zones (`%eth0`), ports, brackets, surrounding blanks.
  public init?(_ text: some StringProtocol) {
    let text = String(text)
    // inet_pton would take a NUL for the end.
    guard !text.utf8.contains(0) else { return nil }
    var v4 = in_addr()
    if inet_pton(AF_INET, text, &v4) == 1 {
      self.init(family: .v4, high: 0, low: UInt64(UInt32(bigEndian: v4.s_addr)))
      return
    }
    var v6 = in6_addr()
    guard inet_pton(AF_INET6, text, &v6) == 1 else { return nil }
    self.init(bytes: withUnsafeBytes(of: &v6) { Array($0) })
  }

  /// Makes an address from 4 or 16 bytes in network order; nil for any other length.
  public init?(bytes: some Collection<UInt8>) {
    switch bytes.count {
    case 4: self.init(family: .v4, high: 0, low: bytes.reduce(0) { $0 << 8 | UInt64($1) })
    case 16:
      let high = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      let low = bytes.dropFirst(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      self.init(family: .v6, high: high, low: low)
    default: return nil
    }
  }

  /// The address in network order: 4 or 16 bytes.
  public var bytes: [UInt8] {
    let all =
      (0..<8).map { UInt8(truncatingIfNeeded: high >> (56 - 8 * $0)) }
      + (0..<8).map { UInt8(truncatingIfNeeded: low >> (56 - 8 * $0)) }
    return family == .v4 ? Array(all[12...]) : all
  }

  /// The long form that upstream writes into interface files: eight groups of four digits for IPv6 (Python calls it
  /// "exploded"), dotted decimal for IPv4.
  public var exploded: String {
    guard family == .v6 else { return description }
    let hex = bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }
    return stride(from: 0, to: 16, by: 2).map { hex[$0] + hex[$0 + 1] }.joined(separator: ":")
  }

  /// True for `127.0.0.0/8` and `::1`.
  public var isLoopback: Bool { family == .v4 ? low >> 24 == 127 : high == 0 && low == 1 }

  /// True for `169.254.0.0/16` and `fe80::/10`.
  public var isLinkLocal: Bool { family == .v4 ? low >> 16 == 0xA9FE : high >> 54 == 0x3FA }

  /// True for `0.0.0.0` and `::`.
  public var isUnspecified: Bool { high == 0 && low == 0 }

  /// The address with all but the first `prefixLength` bits cleared.
  public func masked(to prefixLength: Int) -> IPAddress {
    func mask(_ bits: Int) -> UInt64 { bits <= 0 ? 0 : bits >= 64 ? .max : ~(UInt64.max >> UInt64(bits)) }
    switch family {
    case .v4: return IPAddress(family: .v4, high: 0, low: low & mask(32 + prefixLength) & 0xFFFF_FFFF)
    case .v6: return IPAddress(family: .v6, high: high & mask(prefixLength), low: low & mask(prefixLength - 64))
    }
  }
}

extension IPAddress: CustomStringConvertible {
  /// The canonical text: RFC 5952 for IPv6.
  public var description: String {
    let bytes = self.bytes
    let family = family == .v4 ? AF_INET : AF_INET6
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
      // The buffer is large enough for either family, so this cannot fail.
      guard let text = inet_ntop(family, bytes, buffer.baseAddress, socklen_t(buffer.count)) else { return "" }
      return String(cString: text)
    }
  }
}

extension IPAddress: Comparable {
  /// Orders IPv4 before IPv6, then by value.
  public static func < (left: IPAddress, right: IPAddress) -> Bool {
    if left.family != right.family { return left.family == .v4 }
    return (left.high, left.low) < (right.high, right.low)
  }
}

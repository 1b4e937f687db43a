// Where a datagram came from, kept as bytes: most sources are never printed.

import CSocket
import Glibc

/// The source of a datagram.
struct DatagramSource: Hashable, Sendable, CustomStringConvertible {
  private var high: UInt64 = 0
  private var low: UInt64 = 0
  private var zone: UInt32 = 0
  private var port: UInt16 = 0

  /// Reads a socket address; all zeros when it is of another family than IPv4 and IPv6.
  init(_ address: UnsafePointer<sockaddr_storage>) {
    switch Int32(address.pointee.ss_family) {
    case AF_INET:
      address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
        // RFC 4291 §2.5.5.2: an IPv4 address in an IPv6 one.
        low = 0xFFFF_0000_0000 | UInt64(UInt32(bigEndian: $0.pointee.sin_addr.s_addr))
        port = UInt16(bigEndian: $0.pointee.sin_port)
      }
    case AF_INET6:
      address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
        withUnsafeBytes(of: $0.pointee.sin6_addr) { bytes in
          high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
          low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        port = UInt16(bigEndian: $0.pointee.sin6_port)
        zone = $0.pointee.sin6_scope_id
      }
    default: break
    }
  }

  init() {}

  /// `192.0.2.1:40000` or `[2001:db8::1]:40000`.
  var description: String {
    if high == 0, low >> 32 == 0xFFFF {
      let octets = (0..<4).map { "\(low >> (24 - 8 * UInt64($0)) & 0xFF)" }
      return "\(octets.joined(separator: ".")):\(port)"
    }
    var address = in6_addr()
    withUnsafeMutableBytes(of: &address) {
      $0.storeBytes(of: high.bigEndian, as: UInt64.self)
      $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_ntop(AF_INET6, &address, &text, socklen_t(text.count)) != nil else { return "?" }
    let shown = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return "[\(shown)\(zone == 0 ? "" : "%\(zone)")]:\(port)"
  }
}

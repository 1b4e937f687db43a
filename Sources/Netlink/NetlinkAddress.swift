// Between libnl's `struct nl_addr` and our address types.

import Addresses
import CNetlink
import Glibc

/// Reads libnl's addresses, and writes ours the way requests carry them.
enum NetlinkAddress {
  /// The bytes of any address, of whatever kind.
  static func bytes(_ address: OpaquePointer) -> [UInt8] {
    Array(
      UnsafeRawBufferPointer(start: nl_addr_get_binary_addr(address), count: Int(nl_addr_get_len(address))))
  }

  /// An IP address.
  static func ip(_ address: OpaquePointer) -> IPAddress? {
    let family = nl_addr_get_family(address)
    return family == AF_INET || family == AF_INET6 ? IPAddress(bytes: bytes(address)) : nil
  }

  /// A network.
  ///
  /// The default route's has no bytes, so the family comes from the object around it.
  static func network(_ address: OpaquePointer, _ family: IPAddress.Family) -> CIDR? {
    if nl_addr_get_len(address) == 0 { return .everything(family) }
    return ip(address).flatMap { CIDR(address: $0, prefixLength: Int(nl_addr_get_prefixlen(address))) }
  }
}

extension IPAddress.Family {
  /// `AF_INET` or `AF_INET6` as requests carry it.
  var number: UInt8 { UInt8(self == .v4 ? AF_INET : AF_INET6) }

  /// Nil for families that are not IP.
  init?(number: Int32) {
    switch number {
    case AF_INET: self = .v4
    case AF_INET6: self = .v6
    default: return nil
    }
  }
}

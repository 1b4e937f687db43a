// An IP address and port in the kernel's form.

package import Addresses
package import Glibc

/// A `sockaddr_in` or `sockaddr_in6`.
package struct SocketAddress: Hashable, Sendable {
  /// `AF_INET` or `AF_INET6`.
  package let family: CInt
  private let bytes: [UInt8]

  /// Makes a socket address; raw sockets have port 0.
  package init(_ address: IPAddress, port: UInt16 = 0) {
    let isIPv4 = address.family == .v4
    family = isIPv4 ? AF_INET : AF_INET6
    // ip(7) and ipv6(7): the family in the machine's order, the port in the network's; IPv4 has eight bytes of padding behind
    // the address, IPv6 a flow label before it and a scope behind it.
    bytes =
      withUnsafeBytes(of: sa_family_t(family)) { Array($0) } + [UInt8(port >> 8), UInt8(port & 0xFF)]
      + (isIPv4 ? [] : [0, 0, 0, 0]) + address.bytes + [UInt8](repeating: 0, count: isIPv4 ? 8 : 4)
  }

  /// Calls `body` with the address as bind(2), connect(2) and sendto(2) want it.
  package func withPointer<T>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> T) -> T {
    var storage = sockaddr_storage()
    withUnsafeMutableBytes(of: &storage) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(bytes.count)) }
    }
  }
}

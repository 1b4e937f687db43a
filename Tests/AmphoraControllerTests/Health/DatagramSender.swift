// Heartbeats by hand.

import Glibc
import Testing

/// A UDP socket that sends to a port on loopback.
struct DatagramSender: ~Copyable {
  private let descriptor: Int32
  private let isIPv6: Bool
  private let port: in_port_t

  init(port: Int, isIPv6: Bool = false) throws {
    self.isIPv6 = isIPv6
    self.port = in_port_t(port).bigEndian
    descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    try #require(descriptor >= 0)
  }

  deinit { close(descriptor) }

  func send(_ datagram: [UInt8]) throws {
    let sent: Int
    if isIPv6 {
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = port
      address.sin6_addr = in6addr_loopback
      sent = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          sendto(descriptor, datagram, datagram.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
        }
      }
    } else {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port
      address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
      sent = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          sendto(descriptor, datagram, datagram.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
    }
    try #require(sent == datagram.count, "\(String(cString: strerror(errno)))")
  }
}

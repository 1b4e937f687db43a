// Telling neighbours where an address lives now, so that their traffic does not go to a MAC address of the past.

package import Addresses
import CNetlink
import Glibc

/// Gratuitous ARP for IPv4, unsolicited neighbour advertisement for IPv6 (contract networking §7).
package enum AddressAnnouncement {
  /// Sends one packet about `address` out of `link`, in the calling thread's namespace: call it inside
  /// ``NetworkNamespace/run(_:)`` with a link read there.
  ///
  /// Fails with ENETDOWN when the link is down; with EADDRNOTAVAIL when an IPv6 address is not on this host or still
  /// tentative; with EOPNOTSUPP when the link has no Ethernet address.
  package static func send(_ address: IPAddress, on link: Link) throws(NetlinkError) {
    guard let mac = link.macAddress else {
      throw NetlinkError(
        "announce", "\(address) on \(link)", errno: EOPNOTSUPP, message: "the link has no Ethernet address")
    }
    try send(address, linkIndex: link.index, mac: mac)
  }

  /// Sends one packet saying that `address` is at `mac`; see ``send(_:on:)``.
  package static func send(_ address: IPAddress, linkIndex: Int32, mac: MACAddress) throws(NetlinkError) {
    let result =
      switch address.family {
      case .v4: sendARP(gratuitousARP(address, mac), linkIndex)
      case .v6: sendAdvertisement(neighborAdvertisement(address, mac), from: address, linkIndex)
      }
    guard result == 0 else { throw NetlinkError("announce", "\(address) on link \(linkIndex)", errno: result) }
  }

  /// Returns 0 or an errno.
  private static func sendARP(_ frame: [UInt8], _ linkIndex: Int32) -> Int32 {
    // Protocol 0: the socket receives nothing.
    let file = socket(AF_PACKET, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard file >= 0 else { return errno }
    defer { close(file) }
    var target = sockaddr_ll()
    target.sll_family = UInt16(AF_PACKET)
    target.sll_protocol = UInt16(0x0806).bigEndian
    target.sll_ifindex = linkIndex
    target.sll_halen = 6
    return transmit(frame, file, &target)
  }

  /// Returns 0 or an errno.
  private static func sendAdvertisement(_ message: [UInt8], from address: IPAddress, _ linkIndex: Int32) -> Int32 {
    let file = socket(AF_INET6, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), Int32(IPPROTO_ICMPV6))
    guard file >= 0 else { return errno }
    defer { close(file) }
    // RFC 4861 §7.1.2: receivers drop advertisements whose hop limit is not 255.
    guard set(file, IPV6_MULTICAST_HOPS, 255) == 0,
      // Without it every advertisement leaves through the first link of the namespace.
      set(file, IPV6_MULTICAST_IF, linkIndex) == 0,
      // Our own stack knows.
      set(file, IPV6_MULTICAST_LOOP, 0) == 0
    else { return errno }
    var source = sockaddr_in6(address.bytes, linkIndex)
    let bound = withUnsafePointer(to: &source) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(file, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
      }
    }
    guard bound == 0 else { return errno }
    var target = sockaddr_in6(allNodes, linkIndex)
    return transmit(message, file, &target)
  }

  private static func set(_ file: Int32, _ option: Int32, _ value: Int32) -> Int32 {
    var value = value
    return setsockopt(file, Int32(IPPROTO_IPV6), option, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  private static func transmit<Address>(
    _ bytes: [UInt8], _ file: Int32, _ target: inout Address
  ) -> Int32 {
    let sent = withUnsafePointer(to: &target) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(file, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<Address>.size))
      }
    }
    return sent == bytes.count ? 0 : errno
  }
}

extension sockaddr_in6 {
  /// Port 0.
  ///
  /// The link matters for link-local addresses only, where the address alone does not name a host.
  fileprivate init(_ bytes: [UInt8], _ linkIndex: Int32) {
    self.init()
    sin6_family = sa_family_t(AF_INET6)
    withUnsafeMutableBytes(of: &sin6_addr) { $0.copyBytes(from: bytes) }
    if bytes[0] >= 0xFE { sin6_scope_id = UInt32(linkIndex) }
  }
}

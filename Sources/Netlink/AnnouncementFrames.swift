// The packets that tell neighbours where an address lives now, as bytes.

import Addresses

extension AddressAnnouncement {
  /// The gratuitous ARP request for an IPv4 address: 42 bytes from the Ethernet header on.
  ///
  /// RFC 5227 §3: sender and target are the address itself. Target MAC broadcast as in contract networking §7.
  static func gratuitousARP(_ address: IPAddress, _ mac: MACAddress) -> [UInt8] {
    let broadcast = [UInt8](repeating: 0xFF, count: 6)
    let ethernet = broadcast + mac.bytes + [0x08, 0x06]
    // Hardware type Ethernet, protocol type IPv4, the lengths of both addresses, operation request.
    let head: [UInt8] = [0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x01]
    return ethernet + head + mac.bytes + address.bytes + broadcast + address.bytes
  }

  /// The unsolicited neighbour advertisement for an IPv6 address: 32 bytes of ICMPv6 with its checksum.
  ///
  /// RFC 4861 §4.4, §7.2.6. The Router flag is set because the amphora forwards (RFC 4861: must then be set).
  static func neighborAdvertisement(_ address: IPAddress, _ mac: MACAddress) -> [UInt8] {
    // Type 136, code 0, checksum to come; Router and Override.
    var message: [UInt8] = [136, 0, 0, 0, 0xA0, 0, 0, 0] + address.bytes
    // Option 2, target link-layer address, one unit of 8 bytes.
    message += [2, 1] + mac.bytes
    let checksum = icmpv6Checksum(message, from: address.bytes, to: allNodes)
    message[2] = UInt8(checksum >> 8)
    message[3] = UInt8(checksum & 0xFF)
    return message
  }

  /// ff02::1, all nodes on the link.
  static let allNodes: [UInt8] = [0xFF, 0x02] + [UInt8](repeating: 0, count: 13) + [1]

  /// RFC 4443 §2.3: the ones' complement sum over a pseudo-header and the message, whose length must be even.
  static func icmpv6Checksum(_ message: [UInt8], from source: [UInt8], to destination: [UInt8]) -> UInt16 {
    // Upper-layer length in 32 bits, three zero bytes, next header 58.
    let bytes = source + destination + [0, 0, 0, UInt8(message.count), 0, 0, 0, 58] + message
    var sum = stride(from: 0, to: bytes.count, by: 2).reduce(UInt32(0)) {
      $0 + UInt32(bytes[$1]) << 8 + UInt32(bytes[$1 + 1])
    }
    while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
    return ~UInt16(sum)
  }
}

// The packets that ask who has an address, as Ethernet frames, and how answers to them are read.

import Addresses

extension NeighbourQuestion {
  /// The whole frame, for a packet socket.
  var frame: [UInt8] { address.family == .v4 ? arpRequest : neighbourSolicitation }

  /// RFC 826; without a source it is a probe as in RFC 5227 §2.1.1, which changes nobody's cache.
  private var arpRequest: [UInt8] {
    // To everybody, from us, EtherType ARP.
    let ethernet = [UInt8](repeating: 0xFF, count: 6) + mac.bytes + [0x08, 0x06]
    // Hardware type Ethernet, protocol type IPv4, the lengths of both addresses, operation request.
    let head: [UInt8] = [0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x01]
    let sender = mac.bytes + (source ?? .any(.v4)).bytes
    return ethernet + head + sender + [UInt8](repeating: 0, count: 6) + address.bytes
  }

  /// RFC 4861 §4.3; without a source it is that of duplicate address detection (RFC 4862 §5.4.2), which carries no
  /// link-layer address.
  private var neighbourSolicitation: [UInt8] {
    let from = (source ?? .any(.v6)).bytes
    let tail = Array(address.bytes.suffix(3))
    // RFC 4291 §2.7.1: ff02::1:ffXX:XXXX, the group of all addresses with these three bytes at their end.
    let to: [UInt8] = [0xFF, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF] + tail
    // Type 135, code 0, checksum to come, four bytes reserved.
    var message: [UInt8] = [135, 0, 0, 0, 0, 0, 0, 0] + address.bytes
    // Option 1, source link-layer address, one unit of 8 bytes.
    if source != nil { message += [1, 1] + mac.bytes }
    let checksum = AddressAnnouncement.icmpv6Checksum(message, from: from, to: to)
    message[2] = UInt8(checksum >> 8)
    message[3] = UInt8(checksum & 0xFF)
    // RFC 2464 §7: 33:33 and the group's last four bytes. Then EtherType IPv6.
    let ethernet = [0x33, 0x33, 0xFF] + tail + mac.bytes + [0x86, 0xDD]
    // Version 6; the payload's length; next header 58; hop limit 255, without which it is dropped (RFC 4861 §7.1.1).
    let head: [UInt8] = [0x60, 0, 0, 0, 0, UInt8(message.count), 58, 255]
    return ethernet + head + from + to + message
  }
}

/// Who says to have an address.
struct NeighbourAnswer: Hashable {
  let address: IPAddress
  /// Nil where the packet does not say it.
  let mac: MACAddress?

  init(address: IPAddress, mac: MACAddress?) {
    self.address = address
    self.mac = mac
  }

  /// Reads an ARP frame from the Ethernet header on, request or reply: whoever sends from an address has it (RFC 5227
  /// §2.1.1).
  init?(arp frame: ArraySlice<UInt8>) {
    let frame = Array(frame)
    guard frame.count >= 42, frame[12] == 0x08, frame[13] == 0x06, Array(frame[14..<20]) == [0, 1, 8, 0, 6, 4],
      let address = IPAddress(bytes: frame[28..<32]), !address.isUnspecified
    else { return nil }
    self.init(address: address, mac: MACAddress(bytes: frame[22..<28]))
  }

  /// Reads a neighbour advertisement from the Ethernet header on.
  init?(advertisementFrame frame: ArraySlice<UInt8>) {
    let frame = Array(frame)
    // EtherType IPv6, next header ICMPv6, and a hop limit that shows that it was sent on this link (RFC 4861 §7.1.2).
    guard frame.count >= 54, frame[12] == 0x86, frame[13] == 0xDD, frame[20] == 58, frame[21] == 255 else { return nil }
    self.init(advertisement: frame[54...])
  }

  /// Reads a neighbour advertisement from the ICMPv6 header on (RFC 4861 §4.4).
  init?(advertisement message: ArraySlice<UInt8>) {
    let message = Array(message)
    guard message.count >= 24, message[0] == 136, let address = IPAddress(bytes: message[8..<24]) else { return nil }
    var mac: MACAddress?
    var rest = message[24...]
    // Options: type, length in units of 8 bytes, content.
    while rest.count >= 8, let units = rest.dropFirst().first, units > 0, rest.count >= Int(units) * 8 {
      if rest.first == 2 { mac = MACAddress(bytes: rest.dropFirst(2).prefix(6)) }
      rest = rest.dropFirst(Int(units) * 8)
    }
    self.init(address: address, mac: mac)
  }
}

// The few SCTP packets that a health check needs (RFC 9260; contract services §6.3). All numbers are big-endian, but for
// the checksum.

/// The two ends of an association that is never completed.
package struct SCTPProbe: Hashable, Sendable {
  /// Our port.
  package let source: UInt16
  /// The member's port.
  package let destination: UInt16
  /// What the member must put into each packet for us; never 0.
  package let tag: UInt32
  /// The first transmission sequence number; never 0.
  package let sequence: UInt32

  /// Makes a probe with known values.
  package init(source: UInt16, destination: UInt16, tag: UInt32, sequence: UInt32) {
    self.source = source
    self.destination = destination
    self.tag = tag
    self.sequence = sequence
  }

  /// Makes a probe with random values.
  package init(to destination: UInt16, using generator: inout some RandomNumberGenerator) {
    self.init(
      source: .random(in: 1024...65535, using: &generator), destination: destination,
      tag: .random(in: 1...UInt32.max, using: &generator), sequence: .random(in: 1...UInt32.max, using: &generator))
  }

  /// The packet that asks for an association: an INIT chunk without optional parameters.
  package var initiation: [UInt8] {
    // Window, outbound and inbound streams are upstream's; nothing is ever sent over them.
    packet(
      tag: 0, SCTPChunk.initiation, flags: 0,
      Self.bytes(tag) + Self.bytes(UInt32(106_496)) + [0, 10, 0xFF, 0xFF] + Self.bytes(sequence))
  }

  /// The packet that ends the half-open association.
  ///
  /// It carries our own tag, which its flag says, because the member's is not looked at.
  package var abort: [UInt8] { packet(tag: tag, SCTPChunk.abort, flags: 1, []) }

  /// The type of the first chunk of a packet from the member; nil when the packet is not for this probe.
  package func reply(_ packet: ArraySlice<UInt8>) -> SCTPChunk? {
    let packet = Array(packet)
    guard packet.count >= 16, Array(packet[..<4]) == Self.bytes(destination) + Self.bytes(source),
      Array(packet[4..<8]) == Self.bytes(tag)
    else { return nil }
    return SCTPChunk(type: packet[12])
  }

  private func packet(tag: UInt32, _ chunk: SCTPChunk, flags: UInt8, _ value: [UInt8]) -> [UInt8] {
    let length = UInt16(4 + value.count)
    var packet =
      Self.bytes(source) + Self.bytes(destination) + Self.bytes(tag) + [0, 0, 0, 0]
      + [chunk.type, flags] + Self.bytes(length) + value
    // RFC 9260 appendix A: the least significant byte comes first.
    let checksum = CRC32C.checksum(packet)
    for index in 0..<4 { packet[8 + index] = UInt8(truncatingIfNeeded: checksum >> (8 * index)) }
    return packet
  }

  private static func bytes(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }

  private static func bytes(_ number: UInt32) -> [UInt8] {
    bytes(UInt16(number >> 16)) + bytes(UInt16(number & 0xFFFF))
  }
}

/// The type of an SCTP chunk (RFC 9260 §3.2).
package struct SCTPChunk: Hashable, Sendable {
  /// The number on the wire.
  package let type: UInt8
  package static let initiation = SCTPChunk(type: 1)
  package static let initiationAcknowledgement = SCTPChunk(type: 2)
  package static let abort = SCTPChunk(type: 6)
}

/// CRC-32C, the checksum of SCTP (RFC 9260 appendix A).
package enum CRC32C {
  /// The checksum of some bytes.
  package static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var register = UInt32.max
    for byte in bytes {
      register ^= UInt32(byte)
      // 0x82F63B78 is the polynomial 0x1EDC6F41 with its bits reversed. A table would not pay for 32 bytes.
      for _ in 0..<8 { register = register >> 1 ^ (register & 1 == 1 ? 0x82F6_3B78 : 0) }
    }
    return ~register
  }
}

// SCTP packets byte by byte: the contract's vectors (services §6.3).

import Testing

@testable import AmphoraAgent

@Suite struct SCTPPacketTests {
  private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  @Test func `the checksum is CRC-32C`() {
    #expect(CRC32C.checksum("123456789".utf8) == 0xE306_9283)
    #expect(CRC32C.checksum([]) == 0)
  }

  @Test func `an INIT is the contract's, byte for byte`() {
    let probe = SCTPProbe(source: 1234, destination: 5678, tag: 987_654_321, sequence: 42_424_242)
    #expect(hex(probe.initiation) == "04d2162e000000001d39960d010000143ade68b10001a000000affff028757b2")
  }

  @Test func `an ABORT is the contract's, byte for byte`() {
    let probe = SCTPProbe(source: 1234, destination: 5678, tag: 43_218_765, sequence: 1)
    #expect(hex(probe.abort) == "04d2162e0293774d3383bb4e06010004")
  }

  @Test func `random values are within their bounds, and differ`() {
    var generator = SystemRandomNumberGenerator()
    let probes = (0..<200).map { _ in SCTPProbe(to: 7, using: &generator) }
    #expect(probes.allSatisfy { $0.source >= 1024 && $0.tag != 0 && $0.sequence != 0 && $0.destination == 7 })
    #expect(Set(probes).count == 200)
  }

  @Test func `only packets for this probe count`() {
    let probe = SCTPProbe(source: 1234, destination: 5678, tag: 0x0102_0304, sequence: 1)
    let good: [UInt8] = [0x16, 0x2E, 0x04, 0xD2, 1, 2, 3, 4, 0, 0, 0, 0, 2, 0, 0, 4]
    #expect(probe.reply(good[...]) == .initiationAcknowledgement)
    #expect(probe.reply(good.dropLast()) == nil, "fewer than 16 bytes")
    for index in 0..<8 {
      var other = good
      other[index] ^= 1
      #expect(probe.reply(other[...]) == nil, "another port or tag, at byte \(index)")
    }
    #expect(probe.reply([]) == nil)
    #expect(probe.reply(([9, 9] + good)[2...]) == .initiationAcknowledgement, "behind something else")
  }
}

import Addresses
import Testing

@testable import Netlink

/// Messages of the family IPVS, byte for byte after linux/ip_vs.h and linux/genetlink.h, little endian.
@Suite struct IPVSServiceTests {
  private func bytes(_ hex: String) -> [UInt8] {
    let digits = Array(hex.filter { !$0.isWhitespace })
    return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0..<$0 + 2]), radix: 16) }
  }

  // genlmsghdr: IPVS_CMD_NEW_SERVICE 1, version 1, reserved
  private static let header = "01 01 0000"

  /// A UDP service.
  private static let udp =
    header
    // IPVS_CMD_ATTR_SERVICE 1, nested
    + "b4 00 01 80"
    // IPVS_SVC_ATTR_AF 1: AF_INET; PROTOCOL 2: 17, each with two bytes of padding
    + "0600 0100 0200 0000  0600 0200 1100 0000"
    // ADDR 3: 198.51.100.10 in a union of 16 bytes; PORT 4: 5353 in network order
    + "1400 0300 c633640a 000000000000000000000000  0600 0400 14e9 0000"
    // SCHED_NAME 6: wrr
    + "0800 0600 77727200"
    // STATS 10, with 32 bits of connections
    + "2800 0a80  0800 0100 11000000  0c00 0400 406a000000000000  0c00 0500 cec7000000000000 0400 0b00"
    // STATS64 12: CONNS 1: 17; INBYTES 4: 27200; OUTBYTES 5: 51150, each after padding (PAD 11) or not
    + "4000 0c80  0400 0b00  0c00 0100 1100000000000000  0c00 0200 5401000000000000 0c00 0400 406a000000000000"
    + "0c00 0500 cec7000000000000 0400 0b00 0400 0b00"

  private func patched(_ hex: String, length: Int) -> [UInt8] {
    var result = bytes(hex)
    result[4] = UInt8(length & 0xFF)
    result[5] = UInt8(length >> 8)
    return result
  }

  private var service: [UInt8] { patched(Self.udp, length: bytes(Self.udp).count - 4) }

  @Test func `the family is asked for by name, and its services all at once`() {
    // cmd CTRL_CMD_GETFAMILY 3, version 1; CTRL_ATTR_FAMILY_NAME 2 with its zero byte, padded
    #expect(NetlinkRequest.findIPVS.type == 0x10)
    #expect(NetlinkRequest.findIPVS.body == bytes("03 01 0000 0900 0200 4950565300 000000"))
    // cmd IPVS_CMD_GET_SERVICE 4; NLM_F_ROOT | NLM_F_MATCH
    let list = NetlinkRequest.listIPVS(family: 0x1C)
    #expect(list.type == 0x1C && list.flags == 0x300 && list.body == bytes("04 01 0000"))
    // CTRL_ATTR_FAMILY_NAME, then CTRL_ATTR_FAMILY_ID 1
    #expect(IPVSService.familyID(bytes("01 02 0000 0900 0200 4950565300 000000 0600 0100 1c00 0000")) == 0x1C)
    #expect(IPVSService.familyID(bytes("01 02 0000 0900 0200 4950565300 000000")) == nil)
  }

  @Test func `a service is read with its 64-bit totals`() throws {
    let address = try #require(IPAddress("198.51.100.10"))
    #expect(
      IPVSService(payload: service)
        == IPVSService(
          transport: 17, address: address, port: 5353, connections: 17, bytesIn: 27200, bytesOut: 51150))
  }

  @Test func `an IPv6 service of an older kernel has 32 bits of connections`() throws {
    let text =
      Self.header + "6000 0180  0600 0100 0a00 0000  0600 0200 8400 0000"
      + "1400 0300 20010db8000000000000000000000010  0600 0400 0050 0000"
      + "2400 0a00  0800 0100 ffffffff  0c00 0400 0000000001000000  0c00 0500 ffffffffffffffff"
    let message = patched(text, length: bytes(text).count - 4)
    #expect(
      IPVSService(payload: message)
        == IPVSService(
          transport: 132, address: try #require(IPAddress("2001:db8::10")), port: 80, connections: 0xFFFF_FFFF,
          bytesIn: 1 << 32, bytesOut: .max))
  }

  @Test func `a service of firewall marks has no address and is left out`() {
    // AF, FWMARK 5, STATS64 empty
    let text = Self.header + "1800 0180 0600 0100 0200 0000 0800 0500 01000000 0400 0c80"
    #expect(IPVSService(payload: bytes(text)) == nil)
  }

  @Test func `a message that is cut anywhere is no service, or one with less of its totals`() {
    let whole = service
    for count in 0..<whole.count {
      let service = IPVSService(payload: Array(whole.prefix(count)))
      #expect(service == nil, "\(count) bytes: the outer attribute is not whole")
    }
    for index in whole.indices {
      for byte in [UInt8(0), 1, 0x7F, 0xFF] {
        var changed = whole
        changed[index] = byte
        _ = IPVSService(payload: changed)
      }
    }
  }
}

extension KernelTests {
  @Suite struct IPVSListTests {
    @Test func `a namespace without services lists none, with the kernel's load balancer or without`() throws {
      try withNamespace { namespace in
        try namespace.create()
        #expect(try namespace.runBlocking { try IPVSService.list() } == [])
      }
    }
  }
}

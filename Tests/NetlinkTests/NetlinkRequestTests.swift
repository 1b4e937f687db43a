import Addresses
import Testing

@testable import Netlink

/// Every byte of what is sent, in the order of linux/netlink.h.
///
/// Numbers are little endian here, as on every machine the image is built for.
@Suite struct NetlinkRequestTests {
  private func bytes(_ hex: String) -> [UInt8] {
    hex.split(separator: " ").joined().chunks(2).compactMap { UInt8($0, radix: 16) }
  }

  private let create: Int32 = 0x600  // NLM_F_CREATE | NLM_F_EXCL

  @Test func `up names only the flag it changes`() {
    let request = NetlinkRequest.link(3, flags: .up, change: .up)
    #expect(request.type == 16)  // RTM_NEWLINK
    #expect(request.flags == 0)
    // family, pad, type; index; flags; mask
    #expect(request.body == bytes("00 00 0000 03000000 01000000 01000000"))
  }

  @Test func `a move carries namespace and name and no flags`() {
    let request = NetlinkRequest.moveLink(3, into: 9, as: "eth1")
    #expect(request.type == 16)
    #expect(
      request.body
        == bytes(
          "00 00 0000 03000000 00000000 00000000"
            // IFLA_NET_NS_FD 28
            + " 0800 1c00 09000000"
            // IFLA_IFNAME 3 with its zero byte, padded
            + " 0900 0300 6574683100 000000"))
  }

  @Test func `an IPv4 address is sent as local and as address`() {
    let request = NetlinkRequest.newAddress(InterfaceAddress(network("203.0.113.4/24"), linkIndex: 2))
    #expect(request.type == 20)  // RTM_NEWADDR
    #expect(request.flags == create)
    // family, prefix length, flags, scope; index; IFA_LOCAL 2; IFA_ADDRESS 1. No broadcast, no label.
    #expect(request.body == bytes("02 18 00 00 02000000 0800 0200 cb007104 0800 0100 cb007104"))
  }

  @Test func `an IPv6 address is sent once, and only the flags that may be asked for`() {
    let address = InterfaceAddress(
      network("2001:db8::4/64"), linkIndex: 2, flags: [.permanent, .tentative, .noDuplicateDetection])
    let request = NetlinkRequest.newAddress(address)
    #expect(
      request.body
        == bytes("0a 40 00 00 02000000 1400 0100 20010db8000000000000000000000004 0800 0800 02000000"))
    #expect(NetlinkRequest.deleteAddress(address).type == 21)
    #expect(
      NetlinkRequest.deleteAddress(address).body
        == bytes("0a 40 00 00 02000000 1400 0100 20010db8000000000000000000000004"))
  }

  @Test func `a default route has no destination attribute`() {
    let route = Route(to: .everything(.v4), via: ip("203.0.113.1"), onLink: true, linkIndex: 2, table: 1)
    let request = NetlinkRequest.newRoute(route, flags: create)
    #expect(request.type == 24)  // RTM_NEWROUTE
    // family, destination length, source length, tos, table 1, protocol 4, scope universe, unicast; RTNH_F_ONLINK
    #expect(
      request.body
        == bytes("02 00 00 00 01 04 00 01 04000000 0800 0f00 01000000 0800 0400 02000000 0800 0500 cb007101"))
  }

  @Test func `a connected route has link scope, its source and its masked destination`() {
    let route = Route(
      to: network("203.0.113.77/24"), linkIndex: 2, preferredSource: ip("203.0.113.2"), table: 1000, metric: 7)
    #expect(route.scope == .link)
    let request = NetlinkRequest.deleteRoute(route)
    #expect(request.type == 25)  // RTM_DELROUTE
    #expect(
      request.body
        == bytes(
          // A table above 255 fits the attribute only.
          "02 18 00 00 00 04 fd 01 00000000 0800 0100 cb007100 0800 0f00 e8030000 0800 0400 02000000"
            // RTA_PREFSRC 7, RTA_PRIORITY 6
            + " 0800 0700 cb007102 0800 0600 07000000"))
  }

  @Test func `a rule has the agent's priority and no protocol`() {
    let request = NetlinkRequest.newRule(RoutingRule(from: network("203.0.113.2"), lookup: 1))
    #expect(request.type == 32)  // RTM_NEWRULE
    #expect(request.flags == create)
    #expect(
      request.body
        == bytes(
          // family, destination length, source length, tos, table, 2 reserved, FR_ACT_TO_TBL; flags
          "02 00 20 00 01 00 00 01 00000000"
            // FRA_SRC 2, FRA_TABLE 15, FRA_PRIORITY 6
            + " 0800 0200 cb007102 0800 0f00 01000000 0800 0600 007d0000"))
  }

  @Test func `nested attributes count what they hold`() {
    var request = NetlinkRequest(0, header: UInt32(0))
    request.append(18) {
      $0.append(1, "veth")
      $0.append(2) { $0.append(1, UInt8(7)) }
    }
    #expect(
      request.body == bytes("00000000 1c00 1200 0900 0100 7665746800 000000 0c00 0200 0500 0100 07 000000"))
  }
}

extension String {
  fileprivate func chunks(_ size: Int) -> [Substring] {
    var rest = self[...]
    var parts: [Substring] = []
    while !rest.isEmpty {
      parts.append(rest.prefix(size))
      rest = rest.dropFirst(size)
    }
    return parts
  }
}

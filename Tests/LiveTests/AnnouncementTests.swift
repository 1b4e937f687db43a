// After haproxy has started, the VIPs are announced on the wire (contract networking §7), because the routers may still know
// another amphora's MAC address.

import Addresses
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Netlink
import Testing

@Suite(.live, .timeLimit(.minutes(2))) struct AnnouncementTests {
  private static let mac: [UInt8] = [0xFA, 0x16, 0x3E, 0x00, 0x00, 0x01]

  @Test func `start and reload send a gratuitous ARP for the VIP`() async throws {
    try await withStage { stage in
      let vip: [UInt8] = [203, 0, 113, 10]
      // Contract networking §7: a broadcast request with the same address as sender and target.
      let broadcast = [UInt8](repeating: 0xFF, count: 6)
      let expected =
        broadcast + Self.mac + [0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01] + Self.mac + vip + broadcast
        + vip
      for _ in 1...2 {
        let tap = try WireTap(in: stage.client)
        try await stage.deploy()
        let frame = try await tap.frame("gratuitous ARP") { $0[12...13] == [0x08, 0x06] && $0[28..<32] == vip[...] }
        #expect(frame == expected)
      }
    }
  }

  @Test func `an LVS listener's VIPs are announced at its start`() async throws {
    try await withStage { stage in
      let listener = LVSListener(amphora: stage.amphora)
      #expect(try await listener.upload(listener.configuration()).status == 200)
      for action in ["start", "reload"] {
        let tap = try WireTap(in: stage.client)
        #expect(try await listener.control(action).status == 202)
        let frame = try await tap.frame("gratuitous ARP") {
          $0[12...13] == [0x08, 0x06] && Array($0[28..<32]) == [203, 0, 113, 10]
        }
        #expect(Array(frame[6..<12]) == Self.mac)
      }
    }
  }

  @Test func `an IPv6 VIP is announced as a neighbour`() async throws {
    try await withAmphora { amphora in
      let client = try amphora.network.host("client-\(amphora.number)", on: .vip, addresses: ["2001:db8::100/64"])
      try amphora.plugNIC("fa:16:3e:00:00:01", "ens4", on: .vip)
      let vip = try #require(IPAddress("2001:db8::10"))
      try await amphora.client.plugVIP(
        vip,
        PlugVIPBody(
          subnetCIDR: "2001:db8::/64", gateway: nil, macAddress: "fa:16:3e:00:00:01", vrrpIP: "2001:db8::4"))
      let balancer = LabLoadBalancer(amphora: amphora.id.text, vip: "2001:db8::10", members: [])
      let id = LoadBalancerID(unchecked: balancer.id)
      try await amphora.client.uploadHAProxy(balancer.haproxyConfiguration(), loadBalancer: id)
      let tap = try WireTap(in: client)
      try await amphora.client.control(ServiceObjectID(unchecked: id.text), .start)
      // Type 136 to all nodes, for the VIP; the kernel's own one at plugging time came before.
      let frame = try await tap.frame("neighbour advertisement") {
        $0.count == 86 && $0[54] == 136 && Array($0[62..<78]) == vip.bytes
      }
      #expect(Array(frame[0..<6]) == [0x33, 0x33, 0, 0, 0, 1])
      #expect(Array(frame[6..<12]) == Self.mac)
      #expect(frame[21] == 255, "hop limit")
      #expect(Array(frame[22..<38]) == vip.bytes, "source")
      #expect(Array(frame[58..<62]) == [0xA0, 0, 0, 0], "Router and Override, not Solicited")
      #expect(Array(frame[78...]) == [2, 1] + Self.mac)
      #expect(await HTTPProbe.get(vip, port: 80, from: client).status == 503, "no members")
    }
  }

  @Test func `a member port's addresses are announced on its own wire`() async throws {
    try await withAmphora { amphora in
      let host = try amphora.network.host("member-\(amphora.number)-1", on: .member, addresses: ["10.0.1.21/24"])
      let other = try amphora.network.host("client-\(amphora.number)", on: .vip, addresses: ["203.0.113.100/24"])
      try amphora.plugNIC("fa:16:3e:00:00:01", "ens4", on: .vip)
      try amphora.plugNIC("fa:16:3e:00:00:02", "ens5", on: .member)
      try await amphora.client.plugVIP(
        #require(IPAddress(LiveStage.vip)),
        PlugVIPBody(
          subnetCIDR: "203.0.113.0/24", gateway: nil, macAddress: "fa:16:3e:00:00:01", vrrpIP: "203.0.113.4"))
      let (tap, otherTap) = try (WireTap(in: host), WireTap(in: other))
      try await amphora.client.plugNetwork(
        PlugNetworkBody(
          macAddress: "fa:16:3e:00:00:02",
          fixedIPs: [
            FixedIPBody(ipAddress: "10.0.1.5", subnetCIDR: "10.0.1.0/24"),
            FixedIPBody(ipAddress: "2001:db8:1::5", subnetCIDR: "2001:db8:1::/64"),
          ]))
      let v6 = try #require(IPAddress("2001:db8:1::5")).bytes
      _ = try await tap.frame("gratuitous ARP") { $0[12...13] == [0x08, 0x06] && Array($0[28..<32]) == [10, 0, 1, 5] }
      func isAdvertisement(_ frame: [UInt8]) -> Bool {
        frame.count == 86 && frame[54] == 136 && Array(frame[62..<78]) == v6
      }
      _ = try await tap.frame("neighbour advertisement", where: isAdvertisement)
      #expect(!otherTap.hasSeen(isAdvertisement), "announced through the wrong interface")
    }
  }

  /// Waits for the announcement of a fixed address of a member port on the VIP network, which comes last, and tells for
  /// which addresses there were announcements until then.
  private func announced(on tap: WireTap, _ amphora: LiveAmphora) async throws -> [String] {
    let last = try #require(IPAddress("203.0.113.77"))
    try amphora.plugNIC("fa:16:3e:00:00:77", "ens77", on: .vip)
    try await amphora.client.plugNetwork(
      PlugNetworkBody(
        macAddress: "fa:16:3e:00:00:77",
        fixedIPs: [FixedIPBody(ipAddress: "\(last)", subnetCIDR: "203.0.113.0/24")]))
    var seen: [String] = []
    _ = try await tap.frame("the member port's gratuitous ARP") { frame in
      if let address = Self.announcedAddress(frame) { seen.append("\(address)") }
      return seen.last == "\(last)"
    }
    return seen.filter { $0 != "\(last)" }
  }

  /// The address of a gratuitous ARP or of an unsolicited neighbour advertisement.
  private static func announcedAddress(_ frame: [UInt8]) -> IPAddress? {
    if frame.count >= 42, frame[12...13] == [0x08, 0x06], frame[28..<32] == frame[38..<42] {
      return IPAddress(bytes: frame[28..<32])
    }
    // To all nodes; an answer to a question goes to who asked.
    guard frame.count == 86, frame[54] == 136, frame[38..<54] == [0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    else { return nil }
    return IPAddress(bytes: frame[62..<78])
  }

  @Test func `a VIP plug announces nothing: haproxy's start will`() async throws {
    try await withAmphora { amphora in
      let client = try amphora.network.host("client-\(amphora.number)", on: .vip, addresses: ["203.0.113.100/24"])
      defer { try? client.delete(ifExists: true) }
      let tap = try WireTap(in: client)
      try amphora.plugNIC("fa:16:3e:00:00:01", "ens4", on: .vip)
      let six = AdditionalVIPBody(ipAddress: "2001:db8::10", subnetCIDR: "2001:db8::/64", gateway: nil, hostRoutes: [])
      try await amphora.client.plugVIP(
        #require(IPAddress(LiveStage.vip)),
        PlugVIPBody(
          subnetCIDR: "203.0.113.0/24", gateway: nil, macAddress: "fa:16:3e:00:00:01", vrrpIP: "203.0.113.4",
          additionalVIPs: [six]))
      #expect(try await amphora.addresses("eth1") == ["2001:db8::10/128", "203.0.113.10/32", "203.0.113.4/24"])
      #expect(try await announced(on: tap, amphora) == [])
    }
  }

  @Test(arguments: ["SINGLE", "ACTIVE_STANDBY"])
  func `in a pair the agent announces nothing at start and reload, which is keepalived's part`(topology: String)
    async throws
  {
    var settings = LabAmphora.Settings()
    settings.topology = topology
    try await withAmphora(settings) { amphora in
      let client = try amphora.network.host("client-\(amphora.number)", on: .vip, addresses: ["203.0.113.100/24"])
      defer { try? client.delete(ifExists: true) }
      try await VRRPTests.plug(amphora)
      // As keepalived does on the master; an address that no interface has cannot be announced anyway.
      if topology == "ACTIVE_STANDBY" { _ = try await amphora.ip("address add \(LiveStage.vip)/32 dev eth1") }
      #expect(try await amphora.addresses("eth1") == ["203.0.113.10/32", "203.0.113.4/24"])
      let balancer = LabLoadBalancer(amphora: amphora.id.text, vip: LiveStage.vip, members: [])
      let id = LoadBalancerID(unchecked: balancer.id)
      try await amphora.client.uploadHAProxy(balancer.haproxyConfiguration(), loadBalancer: id)
      let tap = try WireTap(in: client)
      for action in [ServiceAction.start, .reload] {
        try await amphora.client.control(ServiceObjectID(unchecked: id.text), action)
      }
      let seen = try await announced(on: tap, amphora)
      #expect(seen == (topology == "SINGLE" ? [LiveStage.vip, LiveStage.vip] : []))
    }
  }
}

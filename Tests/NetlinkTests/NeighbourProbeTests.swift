import Addresses
import Glibc
import Testing

@testable import Netlink

@Suite struct NeighbourFrameTests {
  private func question(_ address: String, from source: String?) throws -> NeighbourQuestion {
    try #require(NeighbourQuestion(ip(address), on: Self.link, from: source.map { ip($0) }))
  }

  private static let link = Link(
    index: 3, name: "eth1", macAddress: MACAddress("fa:16:3e:00:00:01"), mtu: 1500, flags: [.up], operationalState: .up,
    kind: nil, masterIndex: nil, statistics: Link.Statistics())

  @Test func `an ARP request byte by byte`() throws {
    let expected: [UInt8] =
      // Ethernet: to everybody, from us, ARP.
      [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFA, 0x16, 0x3E, 0, 0, 1, 0x08, 0x06]
      // Ethernet, IPv4, lengths 6 and 4, request.
      + [0, 1, 0x08, 0, 6, 4, 0, 1]
      // Sender.
      + [0xFA, 0x16, 0x3E, 0, 0, 1, 203, 0, 113, 4]
      // Target: nobody knows its MAC address yet.
      + [0, 0, 0, 0, 0, 0, 203, 0, 113, 2]
    #expect(try question("203.0.113.2", from: "203.0.113.4").frame == expected)
    // RFC 5227 §2.1.1: a probe's sender address is all zero.
    let probe = try question("203.0.113.2", from: nil).frame
    #expect(Array(probe[28..<32]) == [0, 0, 0, 0] && probe.count == 42)
  }

  @Test func `a neighbour solicitation byte by byte`() throws {
    let frame = try question("2001:db8::a1:b2c3", from: nil).frame
    // RFC 2464 §7, RFC 4291 §2.7.1: the group of the address's last three bytes.
    #expect(Array(frame[..<14]) == [0x33, 0x33, 0xFF, 0xA1, 0xB2, 0xC3, 0xFA, 0x16, 0x3E, 0, 0, 1, 0x86, 0xDD])
    // Version 6, 24 bytes of ICMPv6, hop limit 255.
    #expect(Array(frame[14..<22]) == [0x60, 0, 0, 0, 0, 24, 58, 255])
    // RFC 4862 §5.4.2: from the unspecified address, and without a link-layer address.
    #expect(Array(frame[22..<38]) == [UInt8](repeating: 0, count: 16))
    #expect(Array(frame[38..<54]) == ip("ff02::1:ffa1:b2c3").bytes)
    #expect(frame[54] == 135 && Array(frame[62...]) == ip("2001:db8::a1:b2c3").bytes)
    let usual = try question("2001:db8::a1:b2c3", from: "2001:db8::4").frame
    #expect(usual[19] == 32 && Array(usual.suffix(8)) == [1, 1, 0xFA, 0x16, 0x3E, 0, 0, 1])
  }

  @Test(arguments: [
    [], [UInt8](repeating: 0, count: 42), [UInt8](repeating: 0xFF, count: 60), [136],
    [UInt8](repeating: 136, count: 24),
  ]) func `frames of other kinds are no answers`(bytes: [UInt8]) {
    #expect(NeighbourAnswer(arp: bytes[...]) == nil)
    // 24 bytes that begin with the type are an advertisement, of an odd address.
    #expect((NeighbourAnswer(advertisement: bytes[...]) != nil) == (bytes.count == 24))
  }

  @Test func `an advertisement's options end where they lie about their length`() {
    let head: [UInt8] = [136, 0, 0, 0, 0, 0, 0, 0] + ip("2001:db8::1").bytes
    let mac: [UInt8] = [2, 1, 0xFA, 0x16, 0x3E, 0, 0, 2]
    #expect(NeighbourAnswer(advertisement: (head + mac)[...])?.mac == Lab.peerMAC)
    #expect(NeighbourAnswer(advertisement: (head + [14, 1, 0, 0, 0, 0, 0, 0] + mac)[...])?.mac == Lab.peerMAC)
    for broken: [UInt8] in [[2, 0, 0, 0, 0, 0, 0, 0], [2, 9, 0, 0, 0, 0, 0, 0], [2, 1, 0xFA]] {
      #expect(NeighbourAnswer(advertisement: (head + broken)[...])?.mac == nil)
    }
  }
}

extension KernelTests {
  @Suite struct NeighbourProbeTests {
    @Test(arguments: [
      ("203.0.113.1/24", "203.0.113.4/24"), ("203.0.113.1/24", nil), ("2001:db8::1/64", "2001:db8::4/64"),
      ("2001:db8::1/64", nil),
    ]) func `who has an address answers, asked from an address or from none`(peer: String, own: String?) throws {
      try Lab.run { lab throws in
        let link = try own.map { try lab.bringUp($0) } ?? lab.bringUp()
        try lab.other.add(
          InterfaceAddress(network(peer), linkIndex: try lab.peer.index, flags: .noDuplicateDetection))
        let question = try #require(
          NeighbourQuestion(network(peer).address, on: link, from: own.map { network($0).address }))
        let answers = try lab.namespace.runBlocking {
          try NeighbourProbe.ask([question], patience: .seconds(10), endsWhenAnswered: true)
        }
        #expect(answers == [question: [Lab.peerMAC]])
      }
    }

    @Test(arguments: ["203.0.113.9", "2001:db8::9"])
    func `nobody answers for an address that nobody has, nor the asker for its own`(text: String) throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp("203.0.113.4/24", "2001:db8::4/64")
        try lab.socket.add(
          InterfaceAddress(
            network(text + (text.contains(":") ? "/128" : "/32")), linkIndex: link.index, flags: .noDuplicateDetection))
        let question = try #require(NeighbourQuestion(ip(text), on: link, from: nil))
        let start = ContinuousClock.now
        let answers = try lab.namespace.runBlocking {
          try NeighbourProbe.ask([question], patience: .milliseconds(100), endsWhenAnswered: false)
        }
        #expect(answers.isEmpty && ContinuousClock.now - start >= .milliseconds(100))
      }
    }

    @Test func `a link that is down is told`() throws {
      try Lab.run { lab throws in
        let question = try #require(NeighbourQuestion(ip("203.0.113.9"), on: try lab.eth1, from: nil))
        let error = try netlinkError {
          _ = try lab.namespace.runBlocking {
            try NeighbourProbe.ask([question], patience: .milliseconds(10), endsWhenAnswered: true)
          }
        }
        #expect(error.isNetworkDown)
      }
    }
  }

  @Suite(.enabled(if: access("/usr/sbin/nft", X_OK) == 0, "needs nft")) struct PacketFilterChainTests {
    @Test func `chains are listed with their policy and size`() throws {
      try Lab.run { lab throws in
        func list() throws -> Set<PacketFilterChain> {
          try lab.namespace.runBlocking { Set(try PacketFilterChain.list()) }
        }
        #expect(try list() == [])
        for words in [
          "add table inet t", "add chain inet t in { type filter hook input priority 0 ; policy drop ; }",
          "add chain inet t own", "add rule inet t in tcp dport 80 goto own", "add rule inet t own accept",
          "add rule inet t own drop", "add table ip6 u",
          "add chain ip6 u out { type filter hook output priority 0 ; policy accept ; }", "add table arp a",
          "add chain arp a c",
        ] {
          try runIP("netns", "exec", lab.namespace.name, "/usr/sbin/nft", words)
        }
        #expect(
          try list() == [
            PacketFilterChain(family: .inet, table: "t", name: "in", references: 1, dropsTheRest: true),
            PacketFilterChain(family: .inet, table: "t", name: "own", references: 3, dropsTheRest: nil),
            PacketFilterChain(family: .ip6, table: "u", name: "out", references: 0, dropsTheRest: false),
          ])
      }
    }
  }
}

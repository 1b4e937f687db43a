import Addresses
import Glibc
import Testing

@testable import Netlink

extension KernelTests {
  @Suite struct LinkTests {
    @Test func `a new namespace has only lo, down`() throws {
      try withNamespace { namespace throws in
        try namespace.create()
        let links = try NetlinkSocket(in: namespace).links()
        let lo = try #require(links.first)
        #expect(links.count == 1)
        #expect(lo.name == "lo" && lo.index == 1 && lo.mtu == 65536 && lo.macAddress == nil && lo.kind == nil)
        #expect(!lo.isUp && lo.flags.contains(.loopback) && lo.statistics == Link.Statistics())
      }
    }

    @Test func `no child process inherits a socket`() throws {
      let flags = fcntl(try NetlinkHandle().descriptor, F_GETFD)
      #expect(flags & FD_CLOEXEC != 0)
    }

    @Test func `a link is found by name, index and address`() throws {
      try Lab.run { lab throws in
        let link = try lab.eth1
        #expect(link.macAddress == Lab.mac && link.kind == "veth" && link.mtu == 1500 && !link.isUp)
        #expect(try lab.socket.link(mac: Lab.mac) == link)
        #expect(try lab.socket.link(index: link.index) == link)
        #expect(try lab.peer.macAddress == Lab.peerMAC)
        #expect(Set(try lab.socket.links().map(\.name)) == ["lo", "eth1"])
      }
    }

    @Test func `a missing link is nil, whatever the name looks like`() throws {
      try Lab.run { lab throws in
        #expect(try lab.socket.link(mac: Lab.peerMAC) == nil)
        for index: Int32 in [4711, 0, -1] { #expect(try lab.socket.link(index: index) == nil) }
        for name in ["eth9", "", "eth%d", "eth1\0", "a name too long for a link", "a/b"] {
          #expect(try lab.socket.link(named: name) == nil)
        }
      }
    }

    @Test func `up and down change that one flag`() throws {
      try Lab.run { lab throws in
        try runIP("-n", lab.namespace.name, "link", "set", "eth1", "promisc", "on")
        let link = try lab.bringUp()
        #expect(link.isUp && link.flags.contains(.running) && link.operationalState == .up)
        #expect(link.flags.contains(Link.Flags(rawValue: 0x100)))  // IFF_PROMISC
        try lab.socket.setUp(link)
        try lab.socket.setDown(link)
        #expect(try lab.eth1.operationalState == .down)
        #expect(try !lab.eth1.isUp)
        #expect(try lab.eth1.flags.contains(Link.Flags(rawValue: 0x100)))
      }
    }

    @Test func `an MTU the driver refuses leaves the link as it was`() throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp()
        try lab.socket.setMTU(1450, of: link)
        #expect(try lab.eth1.mtu == 1450)
        for mtu: UInt32 in [0, 67, 65536, .max] {
          #expect(try netlinkError { try lab.socket.setMTU(mtu, of: link) }.isInvalid)
        }
        let error = try netlinkError { try lab.socket.setMTU(67, of: link) }
        // The kernel's own words (NETLINK_EXT_ACK), not libnl's.
        #expect(error.description.contains("mtu less than device minimum"), "\(error)")
        #expect(error.description.contains("set MTU 67 of eth1"))
        #expect(try lab.eth1.mtu == 1450)
        #expect(try lab.eth1.isUp)
      }
    }

    @Test func `renaming, to a free, a taken and an impossible name`() throws {
      try Lab.run { lab throws in
        let link = try lab.eth1
        try lab.socket.rename(link, to: "eth1.5")
        let renamed = try #require(try lab.socket.link(named: "eth1.5"))
        #expect(renamed.index == link.index && renamed.macAddress == Lab.mac)
        #expect(try lab.socket.link(named: "eth1") == nil)
        #expect(try netlinkError { try lab.socket.rename(link, to: "lo") }.isExists)
        for name in ["", "eth%d", "a/b", "sixteen-letters-"] {
          #expect(try netlinkError { try lab.socket.rename(link, to: name) }.isInvalid)
        }
        #expect(try lab.socket.links().map(\.name).sorted() == ["eth1.5", "lo"])
      }
    }

    @Test func `each change of a vanished link says so`() throws {
      try Lab.run { lab throws in
        let link = try lab.eth1
        try lab.socket.delete(link)
        // Both ends of a pair go together.
        #expect(try lab.other.link(named: "peer") == nil)
        let changes: [(Link) throws -> Void] = [
          lab.socket.setUp, lab.socket.setDown, lab.socket.delete, { try lab.socket.setMTU(1400, of: $0) },
          { try lab.socket.rename($0, to: "x") }, { try lab.socket.setMaster(of: $0, to: nil) },
          { try lab.socket.move($0, into: lab.otherNamespace, as: "x") },
        ]
        for change in changes { #expect(try netlinkError { try change(link) }.isNoDevice) }
        #expect(try lab.socket.links().count == 1)
      }
    }

    @Test func `a pair whose name is taken is not made at all`() throws {
      try Lab.run { lab throws in
        #expect(try netlinkError { try lab.socket.createVeth(VethEnd("lo"), peer: VethEnd("x")) }.isExists)
        let peer = VethEnd("peer", namespace: lab.otherNamespace)
        #expect(try netlinkError { try lab.socket.createVeth(VethEnd("x"), peer: peer) }.isExists)
        #expect(try netlinkError { try lab.socket.createVeth(VethEnd("x/"), peer: VethEnd("y")) }.isInvalid)
        #expect(try netlinkError { try lab.socket.createBridge(named: "lo") }.isExists)
        #expect(try lab.socket.links().count == 2)
        #expect(try lab.other.links().count == 2)
      }
    }

    @Test func `both ends of a pair can be made elsewhere`() throws {
      try Lab.run { lab throws in
        let here = try NetlinkSocket()
        try here.createVeth(
          VethEnd("x", namespace: lab.namespace), peer: VethEnd("x", macAddress: Lab.mac, namespace: lab.otherNamespace)
        )
        #expect(try lab.socket.link(named: "x")?.macAddress != nil)
        #expect(try lab.other.link(named: "x")?.macAddress == Lab.mac)
      }
    }

    @Test func `a bridge takes and releases a port`() throws {
      try Lab.run { lab throws in
        try lab.socket.createBridge(named: "br0")
        let bridge = try #require(try lab.socket.link(named: "br0"))
        #expect(bridge.kind == "bridge")
        try lab.socket.setMaster(of: lab.eth1, to: bridge)
        #expect(try lab.eth1.masterIndex == bridge.index)
        try lab.socket.setMaster(of: lab.eth1, to: nil)
        #expect(try lab.eth1.masterIndex == nil)
        try lab.socket.delete(bridge)
        #expect(try lab.socket.link(named: "br0") == nil)
      }
    }

    @Test func `counters are the kernel's and do not wrap at 32 bits`() throws {
      try withNamespace { namespace throws in
        try namespace.create()
        let socket = try NetlinkSocket(in: namespace)
        try socket.setUp(try #require(try socket.link(named: "lo")))
        // 4.3 GB over lo in packets of 64 KB takes about a second.
        try namespace.runBlocking { try Self.sendDatagrams(count: 66_000, bytes: 65_507) }
        let statistics = try #require(try socket.link(named: "lo")).statistics
        #expect(statistics.sentBytes >= 66_000 * 65_507)
        #expect(statistics.sentBytes > UInt64(UInt32.max))
        // Receive: bytes, packets, errors, dropped; four more; transmit: the same.
        let line = try namespace.runBlocking { contents("/proc/thread-self/net/dev") }.split(separator: "\n")
          .first { $0.contains("lo:") }
        let fields = try #require(line).split(separator: ":")[1].split(separator: " ").compactMap { UInt64($0) }
        #expect(
          statistics
            == Link.Statistics(
              receivedBytes: fields[0], sentBytes: fields[8], receivedPackets: fields[1], sentPackets: fields[9],
              receiveErrors: fields[2], sendErrors: fields[10], receiveDropped: fields[3], sendDropped: fields[11]))
      }
    }

    /// To the discard port of 127.0.0.1, where nobody listens.
    private static func sendDatagrams(count: Int, bytes: Int) throws {
      let file = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      try #require(file >= 0)
      defer { close(file) }
      var target = sockaddr_in()
      target.sin_family = sa_family_t(AF_INET)
      target.sin_port = UInt16(9).bigEndian
      target.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      let data = [UInt8](repeating: 0, count: bytes)
      for _ in 0..<count {
        let sent = withUnsafePointer(to: &target) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            sendto(file, data, data.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
          }
        }
        try #require(sent == bytes)
      }
    }
  }
}

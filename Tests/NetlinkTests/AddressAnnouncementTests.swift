import Addresses
import Glibc
import Testing

@testable import Netlink

extension KernelTests {
  @Suite struct AddressAnnouncementTests {
    /// Frames that arrive in a namespace, on any link.
    final class Capture {
      let file: Int32

      init(in namespace: NetworkNamespace) throws {
        // ETH_P_ALL 3
        file = try namespace.runBlocking { () throws in
          socket(AF_PACKET, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), Int32(UInt16(3).bigEndian))
        }
        try #require(file >= 0)
      }

      deinit { close(file) }

      /// The next frame from `mac` that `isWanted`, within five seconds.
      func next(from mac: MACAddress, where isWanted: ([UInt8]) -> Bool) -> [UInt8]? {
        let deadline = ContinuousClock.now + .seconds(5)
        var frame = [UInt8](repeating: 0, count: 2048)
        while ContinuousClock.now < deadline {
          var poll = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
          guard Glibc.poll(&poll, 1, 100) > 0 else { continue }
          let count = recv(file, &frame, frame.count, 0)
          let seen = Array(frame.prefix(max(count, 0)))
          if seen.count >= 42, Array(seen[6..<12]) == mac.bytes, isWanted(seen) { return seen }
        }
        return nil
      }
    }

    @Test func `the peer receives the gratuitous ARP, 42 bytes`() throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp("203.0.113.2/24")
        let capture = try Capture(in: lab.otherNamespace)
        try lab.namespace.runBlocking { try AddressAnnouncement.send(ip("203.0.113.2"), on: link) }
        let frame = try #require(capture.next(from: Lab.mac) { $0[12...13] == [0x08, 0x06] })
        #expect(
          hex(frame) == "fffffffffffffa163e0000010806000108000604" + "0001fa163e000001cb007102ffffffffffffcb007102")
      }
    }

    @Test func `the peer's ARP cache follows`() throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp("203.0.113.2/24")
        try lab.other.add(InterfaceAddress(network("203.0.113.9/24"), linkIndex: lab.peer.index))
        let name = lab.otherNamespace.name
        try runIP(
          "-n", name, "neighbour", "replace", "203.0.113.2", "lladdr", "fa:16:3e:ff:ff:ff", "dev", "peer", "nud",
          "stale")
        try lab.namespace.runBlocking { try AddressAnnouncement.send(ip("203.0.113.2"), on: link) }
        #expect(
          try eventually { try runIP("-n", name, "neighbour").contains("203.0.113.2 dev peer lladdr \(Lab.mac)") })
      }
    }

    @Test func `the peer receives the neighbour advertisement with hop limit 255 and a valid checksum`() throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp("2001:db8::33/64")
        let capture = try Capture(in: lab.otherNamespace)
        try lab.namespace.runBlocking { try AddressAnnouncement.send(ip("2001:db8::33"), on: link) }
        let frame = try #require(
          capture.next(from: Lab.mac) { $0[12...13] == [0x86, 0xDD] && $0.count == 86 && $0[54] == 136 })
        #expect(hex(frame[0..<14]) == "333300000001fa163e00000186dd")
        // Version 6 (traffic class and flow label are the kernel's), payload 32, next header 58, hop limit 255.
        #expect(frame[14] >> 4 == 6)
        #expect(hex(frame[18..<22]) == "00203aff")
        #expect(Array(frame[22..<38]) == ip("2001:db8::33").bytes)
        #expect(Array(frame[38..<54]) == ip("ff02::1").bytes)
        // The kernel's checksum is the one we computed.
        #expect(Array(frame[54...]) == AddressAnnouncement.neighborAdvertisement(ip("2001:db8::33"), Lab.mac))
      }
    }

    @Test func `with two links each advertisement leaves on the wire of its address`() throws {
      try Lab.run { lab throws in
        try withNamespace { third throws in
          try third.create()
          let mac = try #require(MACAddress("fa:16:3e:00:00:03"))
          try lab.socket.createVeth(VethEnd("eth2", macAddress: mac), peer: VethEnd("peer", namespace: third))
          let thirdSocket = try NetlinkSocket(in: third)
          try thirdSocket.setUp(try #require(try thirdSocket.link(named: "peer")))
          _ = try lab.bringUp("2001:db8:1::1/64")
          let second = try #require(try lab.socket.link(named: "eth2"))
          try lab.socket.setUp(second)
          try lab.socket.add(
            InterfaceAddress(network("2001:db8:2::1/64"), linkIndex: second.index, flags: .noDuplicateDetection))
          let first = try Capture(in: lab.otherNamespace)
          let capture = try Capture(in: third)
          let eth1 = try lab.eth1
          try lab.namespace.runBlocking { () throws in
            try AddressAnnouncement.send(ip("2001:db8:2::1"), on: second)
            try AddressAnnouncement.send(ip("2001:db8:1::1"), on: eth1)
          }
          let advertised = { (frame: [UInt8]) in frame.count == 86 && frame[54] == 136 }
          let frame = try #require(capture.next(from: mac, where: advertised))
          #expect(Array(frame[62..<78]) == ip("2001:db8:2::1").bytes)
          // The first wire carries its own only: the other one was sent before it.
          let onFirst = try #require(first.next(from: Lab.mac, where: advertised))
          #expect(Array(onFirst[62..<78]) == ip("2001:db8:1::1").bytes)
        }
      }
    }

    @Test func `a link-local address is announced too`() throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp("fe80::77/64")
        let capture = try Capture(in: lab.otherNamespace)
        try lab.namespace.runBlocking { try AddressAnnouncement.send(ip("fe80::77"), on: link) }
        let wanted = ip("fe80::77").bytes
        #expect(capture.next(from: Lab.mac) { $0.count == 86 && $0[54] == 136 && Array($0[62..<78]) == wanted } != nil)
      }
    }

    @Test func `what cannot be announced is an error`() throws {
      try Lab.run { lab throws in
        let down = try lab.eth1
        try lab.namespace.runBlocking { () throws in
          #expect(try netlinkError { try AddressAnnouncement.send(ip("203.0.113.2"), on: down) }.isNetworkDown)
        }
        let link = try lab.bringUp("203.0.113.2/24")
        try lab.socket.add(InterfaceAddress(network("2001:db8::2/64"), linkIndex: link.index))
        let lo = try #require(try lab.socket.link(named: "lo"))
        try lab.namespace.runBlocking { () throws in
          let absent = try netlinkError { try AddressAnnouncement.send(ip("2001:db8::33"), on: link) }
          #expect(absent.errno == EADDRNOTAVAIL)
          #expect(absent.description.hasPrefix("cannot announce 2001:db8::33 on link \(link.index): "))
          // Duplicate detection has just begun.
          #expect(try netlinkError { try AddressAnnouncement.send(ip("2001:db8::2"), on: link) }.errno == EADDRNOTAVAIL)
          #expect(try netlinkError { try AddressAnnouncement.send(ip("127.0.0.1"), on: lo) }.errno == EOPNOTSUPP)
          for address in ["203.0.113.2", "2001:db8::2"] {
            let error = try netlinkError { try AddressAnnouncement.send(ip(address), linkIndex: 4711, mac: Lab.mac) }
            #expect(error.isNoDevice || error.errno == ENXIO)
          }
        }
      }
    }
  }
}

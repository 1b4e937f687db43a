import Addresses
import Glibc
import Synchronization
import Testing

@testable import Netlink

extension KernelTests {
  @Suite struct InterfaceAddressTests {
    @Test(arguments: ["203.0.113.4/24", "203.0.113.2/32", "2001:db8::4/64", "2001:db8::2/128"])
    func `an address is added, listed and deleted`(text: String) throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp()
        let address = InterfaceAddress(network(text), linkIndex: link.index, flags: .noDuplicateDetection)
        try lab.socket.add(address)
        let listed = try #require(try lab.socket.addresses(on: link).first { $0.cidr == address.cidr })
        #expect(listed.isPermanent && !listed.isTentative && !listed.isDuplicate && listed.scope == .universe)
        #expect(listed.linkIndex == link.index)
        // Neither broadcast nor a label of its own, nor a lifetime.
        let printed = try runIP("-n", lab.namespace.name, "-o", "address", "show", "to", "\(address.address)")
        #expect(!printed.contains("brd") && printed.contains("valid_lft forever"), "\(printed)")

        let again = try netlinkError { try lab.socket.add(address) }
        #expect(again.isExists)
        #expect(again.description.hasPrefix("cannot add address \(text) on link \(link.index): "))
        // What was listed names the object to delete.
        try lab.socket.delete(listed)
        #expect(try !lab.socket.addresses().contains { $0.cidr == address.cidr })
        #expect(try netlinkError { try lab.socket.delete(address) }.isNotFound)
      }
    }

    @Test(arguments: ["203.0.113.4/24", "2001:db8::4/64"])
    func `the kernel knows how long an address has been there`(text: String) throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp()
        let cidr = network(text)
        try lab.socket.add(InterfaceAddress(cidr, linkIndex: link.index, flags: .noDuplicateDetection))
        let start = ContinuousClock.now
        let first = try #require(try lab.socket.addressAges()[cidr.address])
        // The kernel's tick, which counts here, may lag behind the clock that this is compared with.
        #expect(first < .seconds(30), "\(first)")
        var age = first
        while age - first < .milliseconds(50), ContinuousClock.now - start < .seconds(10) {
          age = try #require(try lab.socket.addressAges()[cidr.address])
        }
        #expect(age - first >= .milliseconds(50) && age - first <= ContinuousClock.now - start + .milliseconds(50))
      }
    }

    @Test func `the list is of all links or of one`() throws {
      try Lab.run { lab throws in
        try lab.socket.setUp(try #require(try lab.socket.link(named: "lo")))
        let link = try lab.bringUp("203.0.113.4/24")
        let all = try lab.socket.addresses()
        #expect(all.contains { $0.description == "127.0.0.1/8 on link 1" && $0.scope == .host && $0.isPermanent })
        #expect(all.contains { $0.description == "::1/128 on link 1" && $0.scope == .host })
        #expect(all.contains { $0.address.isLinkLocal && $0.scope == .link && $0.linkIndex == link.index })
        #expect(try lab.socket.addresses(on: link).allSatisfy { $0.linkIndex == link.index })
      }
    }

    @Test(arguments: ["203.0.113.4/24", "2001:db8::4/64"])
    func `a missing link is told apart`(text: String) throws {
      try Lab.run { lab throws in
        let address = InterfaceAddress(network(text), linkIndex: 4711)
        #expect(try netlinkError { try lab.socket.add(address) }.isNoDevice)
        #expect(try netlinkError { try lab.socket.delete(address) }.isNoDevice)
      }
    }

    @Test func `addresses with a lifetime are not permanent, further IPv4 ones of a network secondary`() throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp("203.0.113.4/24")
        for text in ["203.0.113.5/24", "2001:db8::5/64"] {
          try runIP(
            "-n", lab.namespace.name, "address", "add", text, "dev", "eth1", "valid_lft", "1000", "preferred_lft", "0")
        }
        let listed = try lab.socket.addresses(on: link)
        let leases = listed.filter { !$0.isPermanent }
        #expect(Set(leases.map(\.cidr)) == [network("203.0.113.5/24"), network("2001:db8::5/64")])
        #expect(leases.allSatisfy { $0.flags.contains(.deprecated) })
        #expect(leases.filter { $0.flags.contains(.secondary) }.map(\.cidr) == [network("203.0.113.5/24")])
      }
    }

    @Test func `a list read while something changes is whole`() throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp()
        // Enough for several messages, so that a change can fall between two of them.
        let fixed = Set((0..<300).map { network("10.0.\($0 / 200).\($0 % 200 + 1)/32") })
        for cidr in fixed { try lab.socket.add(InterfaceAddress(cidr, linkIndex: link.index)) }
        let socket = try NetlinkSocket(in: lab.namespace)
        let isOver = Mutex(false)
        var writer: pthread_t?
        for _ in 0..<100 {
          if writer == nil {
            writer = try NamespaceThread.start("writer") {
              let changing = InterfaceAddress(network("10.1.0.1/32"), linkIndex: link.index)
              // About as often as the reader asks.
              while !isOver.withLock({ $0 }) {
                _ = (try? socket.add(changing), try? socket.delete(changing), usleep(2000))
              }
            }
          }
          let listed = try lab.socket.addresses(on: link).map(\.cidr).filter { $0.prefixLength == 32 }
          #expect(Set(listed).isSuperset(of: fixed) && listed.count <= fixed.count + 1)
        }
        isOver.withLock { $0 = true }
        if let writer { pthread_join(writer, nil) }
      }
    }

    @Test func `no route is made for an address that asks for none`() throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp()
        try lab.socket.add(InterfaceAddress(network("203.0.113.4/24"), linkIndex: link.index, flags: .noPrefixRoute))
        #expect(try !lab.socket.routes().contains { $0.destination == network("203.0.113.0/24") })
      }
    }
  }
}

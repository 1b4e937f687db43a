import Addresses
import Testing

@testable import Netlink

extension KernelTests {
  @Suite struct LinkEventsTests {
    @Test func `a link that comes while waiting is seen`() throws {
      try Lab.run { lab throws in
        let events = try LinkEvents([.links], in: lab.otherNamespace)
        var looked = 0
        let link = try events.wait(atMost: .seconds(5)) { () -> Link? in
          looked += 1
          defer {
            // Plugged after the first look, so that only an event can lead to the second.
            if looked == 1 {
              #expect(throws: Never.self) { try lab.socket.move(lab.eth1, into: lab.otherNamespace, as: "eth2") }
            }
          }
          return try lab.other.link(mac: Lab.mac)
        }
        #expect(link?.name == "eth2")
        #expect(looked >= 2)
      }
    }

    @Test func `waiting ends at its time when nothing comes`() throws {
      try Lab.run { lab throws in
        let events = try LinkEvents([.links, .ipv6Addresses], in: lab.namespace)
        let start = ContinuousClock.now
        #expect(try events.wait(atMost: .milliseconds(50), until: { nil as Int? }) == nil)
        #expect(ContinuousClock.now - start >= .milliseconds(50))
        #expect(try !events.wait(atMost: .zero))
        #expect(try !events.wait(atMost: .seconds(-1)))
        // Told from the other subject and the other family.
        let only = try LinkEvents([.ipv6Addresses], in: lab.namespace)
        try lab.socket.setMTU(1400, of: lab.eth1)
        #expect(try events.wait(atMost: .seconds(5)))
        #expect(try !only.wait(atMost: .zero))
      }
    }

    @Test func `an IPv6 address is no route's source before its duplicate detection ended`() throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp()
        let events = try LinkEvents([.ipv6Addresses], in: lab.namespace)
        try lab.socket.add(InterfaceAddress(network("2001:db8::2/128"), linkIndex: link.index))
        func state() throws -> InterfaceAddress {
          try #require(try lab.socket.addresses(on: link).first { $0.address == ip("2001:db8::2") })
        }
        #expect(try state().isTentative)
        let route = Route(
          to: network("2001:db8::/64"), linkIndex: link.index, preferredSource: ip("2001:db8::2"), table: 1)
        #expect(try netlinkError { try lab.socket.add(route) }.isInvalid)
        let ready = try events.wait(atMost: .seconds(10)) { try state().isTentative ? nil : true }
        #expect(ready == true)
        #expect(try !state().isDuplicate)
        try lab.socket.add(route)
      }
    }

    @Test func `a duplicate IPv6 address is noticed by event and stays tentative`() throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp()
        let taken = network("2001:db8::2/64")
        try lab.other.add(InterfaceAddress(taken, linkIndex: try lab.peer.index, flags: .noDuplicateDetection))
        let events = try LinkEvents([.ipv6Addresses], in: lab.namespace)
        try lab.socket.add(InterfaceAddress(taken, linkIndex: link.index))
        let failed = try events.wait(atMost: .seconds(10)) {
          try lab.socket.addresses(on: link).first { $0.cidr == taken && $0.isDuplicate }
        }
        #expect(try #require(failed).isTentative)
      }
    }
  }
}

import Addresses
import Testing

@testable import Netlink

extension KernelTests {
  /// From the first namespace of the lab into the second.
  @Suite struct LinkMoveTests {
    @Test func `a moved link arrives renamed and down, with its MAC and MTU and without addresses`() throws {
      try Lab.run { lab throws in
        let link = try lab.bringUp("203.0.113.4/24", "2001:db8::4/64")
        try lab.socket.setMTU(1450, of: link)
        try lab.socket.move(link, into: lab.otherNamespace, as: "eth7")
        #expect(try lab.socket.links().map(\.name) == ["lo"])
        let moved = try #require(try lab.other.link(named: "eth7"))
        #expect(moved.macAddress == Lab.mac && moved.mtu == 1450 && !moved.isUp)
        #expect(try lab.other.addresses(on: moved) == [])
      }
    }

    @Test func `a link can keep its name`() throws {
      try Lab.run { lab throws in
        try lab.socket.move(lab.eth1, into: lab.otherNamespace, as: "eth1")
        #expect(try lab.other.link(named: "eth1")?.macAddress == Lab.mac)
      }
    }

    @Test func `its old name may be taken on the other side`() throws {
      try Lab.run { lab throws in
        try lab.other.createVeth(VethEnd("eth1"), peer: VethEnd("x"))
        try lab.socket.move(lab.eth1, into: lab.otherNamespace, as: "eth2")
        #expect(try lab.other.link(named: "eth2")?.macAddress == Lab.mac)
      }
    }

    @Test(arguments: [false, true])
    func `a taken name leaves the link where and what it was`(oldNameIsTakenToo: Bool) throws {
      try Lab.run { lab throws in
        if oldNameIsTakenToo { try lab.other.createVeth(VethEnd("eth1"), peer: VethEnd("x")) }
        let link = try lab.bringUp("203.0.113.4/24")
        let theirs = try lab.other.links().map(\.name)
        let error = try netlinkError { try lab.socket.move(link, into: lab.otherNamespace, as: "peer") }
        #expect(error.isExists)
        #expect(error.description.contains("move to \(lab.otherNamespace) as peer eth1"), "\(error)")
        #expect(try lab.eth1.index == link.index)
        #expect(try lab.eth1.isUp)
        #expect(try lab.socket.addresses(on: link).contains { $0.address == ip("203.0.113.4") })
        #expect(try lab.other.links().map(\.name) == theirs)
      }
    }

    @Test(arguments: [false, true])
    func `a name taken at the last moment sends the link back`(oldNameIsTakenToo: Bool) throws {
      try Lab.run { lab throws in
        if oldNameIsTakenToo { try lab.other.createVeth(VethEnd("eth1"), peer: VethEnd("x")) }
        let link = try lab.eth1
        let theirs = Set(try lab.other.links().map(\.name))
        let error = try netlinkError {
          try lab.socket.moveUnchecked(link, into: lab.otherNamespace, lab.other, as: "peer")
        }
        #expect(error.isExists)
        #expect(try lab.eth1.macAddress == Lab.mac)
        #expect(Set(try lab.other.links().map(\.name)) == theirs)
      }
    }

    @Test func `a missing namespace leaves the link where it was`() throws {
      try Lab.run { lab throws in
        let nowhere = try #require(NetworkNamespace("\(lab.namespace.name)-none"))
        #expect(throws: NetworkNamespaceError.missing(nowhere.name)) {
          try lab.socket.move(lab.eth1, into: nowhere, as: "eth1")
        }
        #expect(try netlinkError { try lab.socket.move(lab.eth1, into: lab.otherNamespace, as: "a/b") }.isInvalid)
        #expect(try lab.eth1.macAddress == Lab.mac)
      }
    }
  }
}

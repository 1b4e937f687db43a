// The list that brings NICs back after a reboot.

import Addresses
import Testing

@testable import AmphoraAgent

@Suite struct PluggedInterfacesTests {
  private let first = "02:00:00:00:00:01"
  private let second = "02:00:00:00:00:02"

  private func mac(_ text: String) throws -> MACAddress { try #require(MACAddress(text)) }

  @Test func `MAC addresses are written in lower case, one line each`() throws {
    var list = PluggedInterfaces()
    list.record(try mac("FA:16:3E:AA:BB:CC"), as: .vipPort)
    list.record(try mac("fa:16:3e:aa:bb:cc"), as: .vipPort)
    #expect(list.text == "fa:16:3e:aa:bb:cc eth1\n")
  }

  @Test func `a NIC has one name and a name has one NIC, the later plug winning`() throws {
    var list = PluggedInterfaces(text: "\(first) eth2\n\(second) eth3\n")
    list.record(try mac(first), as: .ethernet(3))
    #expect(list.text == "\(first) eth3\n")
    #expect(PluggedInterfaces(text: "\(first) eth2\n\(second) eth2\n").text == "\(second) eth2\n")
  }

  @Test func `lines of absent NICs do not count, and so cannot take a name away`() throws {
    let text = "\(first) eth2\n\(second) eth2\n"
    #expect(PluggedInterfaces(text: text, present: [try mac(first)]).text == "\(first) eth2\n")
    #expect(PluggedInterfaces(text: text, present: []).text == "")
  }

  @Test func `lines that are none are dropped, and upper case is understood`() throws {
    let list = PluggedInterfaces(
      text: "\n02:AA:00:00:00:01 eth1\nmac name\n02:00:00:00:00:02\nx eth2 y\n02:00:00:00:00:03 ../x\n")
    #expect(list.text == "02:aa:00:00:00:01 eth1\n")
    #expect(list.name(of: try mac("02:aa:00:00:00:01")) == .vipPort)
  }
}

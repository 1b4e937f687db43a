// Plug requests against the kernel: the contract's examples after `up`, repetitions, failures and races.

import Addresses
import AmphoraProtocol
import Files
import Glibc
import Logging
import Netlink
import Synchronization
import Testing
import TestSupport

@testable import AmphoraAgent

@Suite(.enabled(if: InterfaceLab.isPossible, InterfaceLab.why)) struct PluggingTests {
  private func vip(_ vip: String, _ body: PlugVIPBody) throws -> VIPPlug { try VIPPlug(vip: vip, body: body) }

  private func addresses(_ texts: String...) -> [IPAddress] { texts.compactMap { IPAddress($0) } }

  @Test func `a VIP plug gives the state of example A, and its repetition changes nothing`() async throws {
    let lab = try InterfaceLab()
    try lab.addNIC("ens4", Example.mac)
    let plugger = lab.plugger()
    let plug = try vip("203.0.113.2", Example.bodyA)
    let outcome = try await plugger.plugVIP(plug, topology: .single)
    #expect(outcome == .plugged(.vipPort, addresses: addresses("203.0.113.2")))
    #expect(outcome.details == "VIPs plugged on interface eth1: 203.0.113.2")
    #expect(try lab.addresses("eth1") == ["203.0.113.2/32", "203.0.113.4/24"])
    #expect(
      try lab.routes("-4") == [
        "203.0.113.0/24 dev eth1 proto kernel scope link src 203.0.113.4",
        "default via 203.0.113.1 dev eth1 proto static onlink",
      ])
    #expect(
      try lab.routes("-4", table: "1") == [
        "203.0.113.0/24 dev eth1 proto static scope link src 203.0.113.2",
        "default via 203.0.113.1 dev eth1 proto static onlink",
      ])
    #expect(try lab.rules("-4") == ["32000: from 203.0.113.2 lookup 1"])
    #expect(try lab.ip("link show eth1").contains { $0.contains("mtu 1450") && $0.contains(",UP") })
    #expect(FileRead.text(lab.paths.pluggedInterfaces) == "\(Example.mac) eth1\n")
    #expect(try JSONTree(FileRead.bytes("\(lab.paths.interfaces)/eth1.json")) == JSONTree(ExampleFiles.vipIPv4))

    let before = try lab.snapshot()
    #expect(try await plugger.plugVIP(plug, topology: .single) == .alreadyPlugged(.vipPort))
    #expect(try lab.snapshot() == before)
  }

  @Test func `an IPv6 VIP gives the state of example C`() async throws {
    let lab = try InterfaceLab()
    try lab.addNIC("ens4", Example.mac)
    let outcome = try await lab.plugger().plugVIP(try vip("2001:db8::2", Example.bodyC), topology: .single)
    #expect(outcome.details == "VIPs plugged on interface eth1: 2001:0db8:0000:0000:0000:0000:0000:0002")
    #expect(try lab.addresses("eth1") == ["2001:db8::2/128", "2001:db8::4/64"])
    #expect(
      try lab.routes("-6") == [
        "2001:db8::/64 dev eth1 proto kernel metric 256", "2001:db8::/64 dev eth1 proto static metric 1024",
        "2001:db8::2 dev eth1 proto kernel metric 256",
        "default via 2001:db8::1 dev eth1 proto static metric 1024 onlink",
      ])
    #expect(
      try lab.routes("-6", table: "1") == [
        "2001:db8::/64 dev eth1 proto static src 2001:db8::2 metric 1024",
        "default via 2001:db8::1 dev eth1 proto static metric 1024 onlink",
      ])
    #expect(try lab.rules("-6") == ["32000: from 2001:db8::2 lookup 1"])
    // Not tentative: usable at once.
    #expect(try lab.ip("-6 address show tentative dev eth1 scope global").isEmpty)
  }

  @Test func `two IP versions with host routes give the state of example D`() async throws {
    let lab = try InterfaceLab()
    try lab.addNIC("ens4", Example.mac)
    let outcome = try await lab.plugger().plugVIP(try vip("203.0.113.2", Example.bodyD), topology: .single)
    #expect(
      outcome.details
        == "VIPs plugged on interface eth1: 203.0.113.2, 2001:0db8:0000:0000:0000:0000:0000:0002")
    #expect(try lab.addresses("eth1") == ["2001:db8::2/128", "203.0.113.2/32", "203.0.113.4/24"])
    for (table, subnet) in [
      ("main", "203.0.113.0/24 dev eth1 proto kernel scope link src 203.0.113.4"),
      ("1", "203.0.113.0/24 dev eth1 proto static scope link src 203.0.113.2"),
    ] {
      #expect(
        try lab.routes("-4", table: table) == [
          "198.51.100.0/24 via 203.0.113.5 dev eth1 proto static onlink", subnet,
          "default via 203.0.113.1 dev eth1 proto static onlink",
        ])
    }
    #expect(
      try lab.routes("-6") == [
        "2001:db8:9::/48 via 2001:db8::5 dev eth1 proto static metric 1024 onlink",
        "2001:db8::/64 dev eth1 proto static metric 1024", "2001:db8::2 dev eth1 proto kernel metric 256",
        "default via 2001:db8::1 dev eth1 proto static metric 1024 onlink",
      ])
    #expect(
      try lab.routes("-6", table: "1") == [
        "2001:db8:9::/48 via 2001:db8::5 dev eth1 proto static metric 1024 onlink",
        "2001:db8::/64 dev eth1 proto static src 2001:db8::2 metric 1024",
        "default via 2001:db8::1 dev eth1 proto static metric 1024 onlink",
      ])
    #expect(
      try lab.rules("-4") + lab.rules("-6") == ["32000: from 203.0.113.2 lookup 1", "32000: from 2001:db8::2 lookup 1"])
  }

  @Test func `a member port gives the state of example F, under the first free name`() async throws {
    let lab = try InterfaceLab()
    try lab.addNIC("eth1", "02:00:00:00:00:0b")
    let outcome = try await lab.plugger().plugNetwork(
      try NetworkPlug(body: Example.bodyF(mac: "02:00:00:00:00:0B")), topology: .single)
    #expect(outcome == .plugged(.ethernet(2), addresses: []))
    #expect(outcome.details == "Plugged on interface eth2")
    #expect(try lab.addresses("eth2") == ["10.0.0.5/24", "2001:db8:5::5/64"])
    #expect(
      try lab.routes("-4") == [
        "10.0.0.0/24 dev eth2 proto kernel scope link src 10.0.0.5",
        "192.0.2.0/24 via 10.0.0.254 dev eth2 proto static onlink",
      ])
    #expect(
      try lab.routes("-6") == [
        "2001:db8:5::/64 dev eth2 proto kernel metric 256",
        "2001:db8:6::/64 via 2001:db8:5::fe dev eth2 proto static metric 1024 onlink",
      ])
    #expect(try lab.rules("-4").isEmpty && lab.routes("-4", table: "1").isEmpty)
    #expect(try JSONTree(FileRead.bytes("\(lab.paths.interfaces)/eth2.json")) == JSONTree(ExampleFiles.memberPort))
    #expect(FileRead.text(lab.paths.pluggedInterfaces) == "02:00:00:00:00:0b eth2\n")
  }

  @Test func `members on the VIP port give the state of example E, and can be taken away again`() async throws {
    let lab = try InterfaceLab()
    try lab.addNIC("ens4", Example.mac)
    let plugger = lab.plugger()
    _ = try await plugger.plugVIP(try vip("203.0.113.2", Example.bodyA), topology: .single)
    let before = try lab.snapshot()
    let outcome = try await plugger.plugNetwork(try NetworkPlug(body: Example.bodyE()), topology: .single)
    #expect(outcome == .updated(.vipPort) && outcome.details == "Updated existing interface eth1")
    #expect(try lab.addresses("eth1") == ["10.0.0.5/24", "203.0.113.2/32", "203.0.113.4/24"])
    #expect(
      try lab.routes("-4") == [
        "10.0.0.0/24 dev eth1 proto kernel scope link src 10.0.0.5",
        "192.0.2.0/24 via 10.0.0.254 dev eth1 proto static onlink",
        "203.0.113.0/24 dev eth1 proto kernel scope link src 203.0.113.4",
        "default via 203.0.113.1 dev eth1 proto static onlink",
      ])
    #expect(
      try lab.routes("-4", table: "1") == [
        "203.0.113.0/24 dev eth1 proto static scope link src 203.0.113.2",
        "default via 203.0.113.1 dev eth1 proto static onlink",
      ])
    #expect(
      try JSONTree(FileRead.bytes("\(lab.paths.interfaces)/eth1.json"))
        == JSONTree(ExampleFiles.vipPortWithMemberSubnet))
    // A VIP plug that comes again must not take the member's addresses away.
    #expect(
      try await plugger.plugVIP(try vip("203.0.113.2", Example.bodyA), topology: .single) == .alreadyPlugged(.vipPort))
    #expect(try lab.addresses("eth1").contains("10.0.0.5/24"))

    var empty = Example.bodyE()
    empty.fixedIPs = []
    #expect(try await plugger.plugNetwork(try NetworkPlug(body: empty), topology: .single) == .updated(.vipPort))
    #expect(try lab.snapshot() == before)
  }

  @Test func `plugging the VIP port again keeps the additional VIPs, unless the VIP is another`() async throws {
    let lab = try InterfaceLab()
    try lab.addNIC("ens4", Example.mac)
    let plugger = lab.plugger()
    _ = try await plugger.plugVIP(try vip("203.0.113.2", Example.bodyD), topology: .single)
    _ = try await plugger.plugNetwork(try NetworkPlug(body: Example.bodyE()), topology: .single)
    #expect(try lab.addresses("eth1") == ["10.0.0.5/24", "2001:db8::2/128", "203.0.113.2/32", "203.0.113.4/24"])
    #expect(try lab.routes("-6", table: "1").count == 3)

    var other = Example.bodyE()
    other.vipNetInfo?.vip = "203.0.113.3"
    _ = try await plugger.plugNetwork(try NetworkPlug(body: other), topology: .single)
    #expect(try lab.addresses("eth1") == ["10.0.0.5/24", "203.0.113.3/32", "203.0.113.4/24"])
    #expect(try lab.rules("-4") == ["32000: from 203.0.113.3 lookup 1"])
    #expect(try lab.routes("-6", table: "1").isEmpty && lab.rules("-6").isEmpty)
  }

  @Test func `without the NIC it is not found, the bus is scanned and nothing is written`() async throws {
    let lab = try InterfaceLab()
    try lab.folder.write("", to: "rescan")
    await #expect(throws: PlugError.self) {
      try await lab.plugger().plugVIP(try vip("203.0.113.2", Example.bodyA), topology: .single)
    }
    #expect(FileRead.text(lab.paths.pciRescan) == "1")
    #expect(FileRead.names(in: lab.folder.path) == ["rescan"])
  }

  @Test func `a NIC that appears after the bus was scanned is found`() async throws {
    let lab = try InterfaceLab()
    try lab.folder.write("", to: "rescan")
    let plugger = lab.plugger(arrivalLimit: .seconds(10))
    let plug = try vip("203.0.113.2", Example.bodyA)
    async let outcome = plugger.plugVIP(plug, topology: .single)
    try await poll("the scan") { FileRead.text(lab.paths.pciRescan) == "1" }
    try lab.addNIC("ens4", Example.mac)
    #expect(try await outcome == .plugged(.vipPort, addresses: addresses("203.0.113.2")))
  }

  @Test func `a second NIC does not take the VIP port, nor the first one's file`() async throws {
    let lab = try InterfaceLab()
    try lab.addNIC("ens4", Example.mac)
    try lab.addNIC("ens5", "02:00:00:00:00:0b")
    let plugger = lab.plugger()
    _ = try await plugger.plugVIP(try vip("203.0.113.2", Example.bodyA), topology: .single)
    var other = Example.bodyA
    other.macAddress = "02:00:00:00:00:0b"
    let second = try vip("203.0.113.99", other)
    await #expect(throws: PlugError.self) { try await plugger.plugVIP(second, topology: .single) }
    #expect(try JSONTree(FileRead.bytes("\(lab.paths.interfaces)/eth1.json")) == JSONTree(ExampleFiles.vipIPv4))
    #expect(FileRead.text(lab.paths.pluggedInterfaces) == "\(Example.mac) eth1\n")
    #expect(try NetlinkSocket(in: lab.root).link(named: "ens5") != nil)
  }

  @Test func `plugs at the same moment get different names and all lines`() async throws {
    let lab = try InterfaceLab()
    let plugger = lab.plugger()
    try lab.addNIC("ens9", Example.mac)
    for number in 1...4 { try lab.addNIC("ens1\(number)", "02:00:00:00:01:0\(number)") }
    let outcomes = try await withThrowingTaskGroup(of: InterfacePlugger.Outcome.self) { group in
      group.addTask { try await plugger.plugVIP(try vip("203.0.113.2", Example.bodyA), topology: .single) }
      for number in 1...4 {
        group.addTask {
          let fixed = FixedIPBody(ipAddress: "10.\(number).0.5", subnetCIDR: "10.\(number).0.0/24")
          return try await plugger.plugNetwork(
            try NetworkPlug(body: .init(macAddress: "02:00:00:00:01:0\(number)", fixedIPs: [fixed])), topology: .single)
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    let names = outcomes.compactMap { if case .plugged(let name, _) = $0 { name.text } else { nil } }
    #expect(names.sorted() == ["eth1", "eth2", "eth3", "eth4", "eth5"])
    #expect(FileRead.text(lab.paths.pluggedInterfaces)?.split(separator: "\n").count == 5)
    let up = try NetlinkSocket(in: lab.inside).links().filter { $0.name.hasPrefix("eth") && $0.isUp }
    #expect(up.count == 5)
    // Each NIC has its own addresses: the list, the file and the kernel agree.
    for (mac, name) in try #require(FileRead.text(lab.paths.pluggedInterfaces)).split(separator: "\n").map({
      ($0.prefix(17), $0.dropFirst(18))
    }) {
      #expect(try lab.ip("-br link").contains { $0.hasPrefix(name) && $0.contains(mac) })
    }
  }

  @Test func `the same plug twice at once is done once`() async throws {
    let lab = try InterfaceLab()
    try lab.addNIC("ens4", Example.mac)
    let plugger = lab.plugger()
    let plug = try vip("203.0.113.2", Example.bodyA)
    async let first = plugger.plugVIP(plug, topology: .single)
    async let second = plugger.plugVIP(plug, topology: .single)
    let outcomes = try await [first, second]
    #expect(Set(outcomes) == [.plugged(.vipPort, addresses: addresses("203.0.113.2")), .alreadyPlugged(.vipPort)])
  }

  @Test func `an SR-IOV port comes up behind its firewall, and a port without one stays down`() async throws {
    let lab = try InterfaceLab()
    try lab.addNIC("ens4", Example.mac)
    var body = Example.bodyA
    body.isSRIOV = true
    let plug = try vip("203.0.113.2", body)
    var paths = lab.paths
    paths.nft = "/bin/false"
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let unable = InterfacePlugger(configurator: InterfaceConfigurator(paths: paths), logger: logger)
    await #expect(throws: PlugError.self) { try await unable.plugVIP(plug, topology: .single) }
    #expect(try NetlinkSocket(in: lab.inside).link(named: "eth1")?.isUp == false)
    paths.nft = "/usr/sbin/nft"
    let able = InterfacePlugger(configurator: InterfaceConfigurator(paths: paths), logger: logger)
    #expect(
      try await able.plugVIP(plug, topology: .single) == .plugged(.vipPort, addresses: addresses("203.0.113.2")))
    #expect(
      try lab.run("/usr/sbin/nft", "list", "table", "inet", "amphora_table").contains { $0.contains("policy drop") })
  }

  @Test func `the list loses absent NICs and lines that lie about names`() async throws {
    let lab = try InterfaceLab()
    try lab.addNIC("ens4", Example.mac)
    try lab.addNIC("ens5", "02:00:00:00:00:0b")
    let plugger = lab.plugger()
    _ = try await plugger.plugVIP(try vip("203.0.113.2", Example.bodyA), topology: .single)
    try lab.folder.write("02:00:00:00:00:EE eth2\n\(Example.mac.uppercased()) eth7\n", to: "plugged_interfaces")
    _ = try await plugger.plugNetwork(try NetworkPlug(body: Example.bodyF(mac: "02:00:00:00:00:0b")), topology: .single)
    #expect(FileRead.text(lab.paths.pluggedInterfaces) == "\(Example.mac) eth1\n02:00:00:00:00:0b eth2\n")
  }
}

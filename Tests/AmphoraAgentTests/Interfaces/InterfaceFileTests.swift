// Interface files against the contract's worked examples (networking §3.4), and against files of other writers.

import Addresses
import AmphoraProtocol
import FoundationEssentials
import Testing

@testable import AmphoraAgent

@Suite struct InterfaceFileTests {
  private func expect(_ file: InterfaceFile, is example: String, _ location: SourceLocation = #_sourceLocation) throws {
    #expect(try JSONTree(InterfaceFileStore.json(file)) == JSONTree(example), sourceLocation: location)
  }

  @Test func `plug requests give the files of examples A to I`() throws {
    try expect(Example.file("203.0.113.2", Example.bodyA, .single), is: ExampleFiles.vipIPv4)
    try expect(Example.file("203.0.113.2", Example.bodyA, .activeStandby), is: ExampleFiles.vipIPv4ActiveStandby)
    try expect(Example.file("2001:db8::2", Example.bodyC, .single), is: ExampleFiles.vipIPv6)
    try expect(Example.file("203.0.113.2", Example.bodyD, .single), is: ExampleFiles.dualStackWithHostRoutes)

    let replug = try NetworkPlug(body: Example.bodyE())
    let vips = try #require(replug.vips)
    try expect(
      .vipPort(.vipPort, vips: vips, fixedIPs: replug.fixedIPs, topology: .single, mtu: 1450, isSRIOV: false),
      is: ExampleFiles.vipPortWithMemberSubnet)
    let member = try NetworkPlug(body: Example.bodyF())
    try expect(
      .memberPort(.ethernet(2), fixedIPs: member.fixedIPs, mtu: member.mtu, isSRIOV: false), is: ExampleFiles.memberPort
    )
    try expect(
      .memberPort(.ethernet(2), fixedIPs: [], mtu: 1450, isSRIOV: false), is: ExampleFiles.memberPortWithoutAddresses)
    try expect(.loopback, is: ExampleFiles.loopback)
    var sriov = Example.bodyA
    sriov.isSRIOV = true
    try expect(Example.file("203.0.113.2", sriov, .single), is: ExampleFiles.sriov)
  }

  @Test func `without VRRP address a VIP file takes DHCP and router advertisements as two entries`() throws {
    var body = Example.bodyD
    body.vrrpIP = nil
    let file = try Example.file("203.0.113.2", body, .single)
    #expect(
      file.addresses.prefix(2) == [.automatic(dhcp: true, ipv6auto: false), .automatic(dhcp: false, ipv6auto: true)])
    #expect(file.addresses.count == 4)
  }

  @Test func `without gateway there is no default route, and MTU 0 is left out`() throws {
    for gateway in [nil, ""] {
      var body = Example.bodyA
      body.gateway = gateway
      body.mtu = 0
      let file = try Example.file("203.0.113.2", body, .single)
      #expect(file.routes.allSatisfy { $0.gateway == nil })
      let tree = try JSONTree(InterfaceFileStore.json(file))
      guard case .object(let keys) = tree else { throw CancellationError() }
      #expect(keys["mtu"] == nil)
    }
  }

  @Test(arguments: ExampleFiles.all.keys) func `an example is read and written back unchanged`(letter: String) throws {
    let example = try #require(ExampleFiles.all[letter])
    let file = try JSONDecoder().decode(InterfaceFile.self, from: Data(example.utf8))
    try expect(file, is: example)
  }

  @Test func `unknown keys, null and the old onlink key are read`() throws {
    let text = """
      {"name": "eth1", "if_type": "backend", "is_sriov": null, "future": {"a": 1}, "mtu": 0,
       "addresses": [{"address": "2001:0db8:0000:0000:0000:0000:0000:0004", "prefixlen": 64, "octavia_owned": null}],
       "routes": [{"dst": "192.0.2.7/24", "gateway": "10.0.0.1", "onlink": true, "table": 1, "metric": 5},
                  {"dst": "192.0.3.0/24", "gateway": "", "onlink": false}]}
      """
    let file = try JSONDecoder().decode(InterfaceFile.self, from: Data(text.utf8))
    #expect(!file.isSRIOV && file.mtu == nil && file.rules.isEmpty && file.upScripts.isEmpty)
    #expect(file.assigned.first?.address.value == IPAddress("2001:db8::4"))
    #expect(file.assigned.first?.isOwned == true)
    #expect(file.routes.map(\.isOnLink) == [true, false])
    #expect(file.routes.map(\.gateway?.text) == ["10.0.0.1", nil])
    #expect(file.routes.map(\.table) == [1, 254])
  }

  @Test(arguments: [
    #"{"if_type": "vip"}"#, #"{"name": "eth1"}"#, #"{"name": "../x", "if_type": "vip"}"#,
    #"{"name": "a\"b", "if_type": "vip"}"#, #"{"name": "eth1", "if_type": "vip", "mtu": -1}"#,
    #"{"name": "eth1", "if_type": "vip", "addresses": [{"address": "10.0.0.1", "prefixlen": 33}]}"#,
    #"{"name": "eth1", "if_type": "vip", "addresses": [{"address": "10.0.0.1"}]}"#,
    #"{"name": "eth1", "if_type": "vip", "routes": [{"dst": "nowhere"}]}"#,
    #"{"name": "eth1", "if_type": "vip", "routes": [{"dst": "10.0.0.0/8", "table": 0}]}"#,
    #"{"name": "eth1", "if_type": "vip", "routes": [{"dst": "10.0.0.0/8", "scope": "moon"}]}"#,
    #"{"name": "eth1", "if_type": "vip", "rules": [{"src": "10.0.0.1", "src_len": 129}]}"#, "[]", "",
  ]) func `a file that makes no sense is refused`(text: String) {
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(InterfaceFile.self, from: Data(text.utf8)) }
  }

  @Test func `the VIPs of a file are found again, whatever the topology`() throws {
    let networks: [(String, String, String?)] = [
      ("203.0.113.2", "203.0.113.0/24", "203.0.113.1"), ("198.51.100.9", "198.51.100.0/25", nil),
      ("2001:db8::2", "2001:db8::/64", "2001:db8::1"), ("2001:db8:1::2", "2001:db8:1::/64", nil),
    ]
    let member = try NetworkPlug(body: Example.bodyE()).fixedIPs
    for topology in [Topology.single, .activeStandby] {
      for first in networks {
        for second in networks {
          for routes in [
            [], [("192.0.2.0/24", "203.0.113.9")], [("2001:db8:7::/48", "2001:db8::9"), ("10.9.0.0/16", "10.1.1.1")],
          ] {
            let routes = routes.map { HostRouteBody(destination: $0.0, nexthop: $0.1) }
            let body = PlugVIPBody(
              subnetCIDR: first.1, gateway: first.2, macAddress: Example.mac, hostRoutes: routes,
              additionalVIPs: [
                .init(ipAddress: second.0, subnetCIDR: second.1, gateway: second.2, hostRoutes: routes),
                .init(ipAddress: second.0, subnetCIDR: second.1, gateway: second.2),
              ])
            let vips = try VIPPlug(vip: first.0, body: body).vips
            let file = InterfaceFile.vipPort(
              .vipPort, vips: vips, fixedIPs: member, topology: topology, mtu: nil, isSRIOV: false)
            #expect(file.recordedVIPs == vips.all)
            #expect(file.covers(.vipPort(.vipPort, vips: vips, topology: topology, mtu: nil, isSRIOV: false)))
          }
        }
      }
    }
  }
}

@Suite struct InterfaceNameTests {
  @Test func `names that could leave a folder or a ruleset are no names`() {
    for text in ["", ".", "..", "a/b", "a b", "a\"b", "eth1\n", "sixteencharacter", "é", "a;b", "%d"] {
      #expect(InterfaceName(text) == nil)
    }
    #expect(InterfaceName("eth1.100")?.text == "eth1.100")
  }

  @Test func `the free name fills holes and starts at eth2`() throws {
    let names = { (texts: [String]) in texts.compactMap { InterfaceName($0) } }
    #expect(InterfaceName.firstFree(notIn: names(["lo", "eth1", "eth3"])) == .ethernet(2))
    #expect(InterfaceName.firstFree(notIn: names([])) == .ethernet(2))
    #expect(InterfaceName.firstFree(notIn: names(["eth2", "eth3", "eth0"])) == .ethernet(4))
  }
}

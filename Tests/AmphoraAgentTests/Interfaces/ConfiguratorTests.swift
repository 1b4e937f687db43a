// Bring-up and take-down against the kernel: what must never happen on the way, and what must be left alone.

import Addresses
import Files
import FoundationEssentials
import Glibc
import Netlink
import Synchronization
import Testing

@testable import AmphoraAgent

@Suite(.enabled(if: InterfaceLab.isPossible, InterfaceLab.why)) struct ConfiguratorTests {
  /// A lab whose namespace has a link `eth1`, down.
  private func prepared() throws -> InterfaceLab {
    let lab = try InterfaceLab()
    try lab.inside.create()
    try lab.addNIC("eth1", Example.mac, in: lab.inside)
    return lab
  }

  private func file(_ text: String) throws -> InterfaceFile {
    try JSONDecoder().decode(InterfaceFile.self, from: Data(text.utf8))
  }

  private func file(addresses: [(String, Int)], routes: String = "[]", mtu: Int = 1450) throws -> InterfaceFile {
    let list = addresses.map { #"{"address": "\#($0.0)", "prefixlen": \#($0.1)}"# }.joined(separator: ", ")
    return try file(
      #"{"name": "eth1", "if_type": "backend", "mtu": \#(mtu), "addresses": [\#(list)], "routes": \#(routes)}"#)
  }

  @discardableResult
  private func up(
    _ lab: InterfaceLab, _ file: InterfaceFile, onStep: @escaping InterfaceConfigurator.StepHook = { _ in }
  ) throws -> InterfaceConfigurator.Outcome {
    try lab.paths.store.store(file)
    let configurator = lab.configurator { $0.onStep = onStep }
    return try lab.inside.runBlocking { try configurator.up(file) }
  }

  @Test(arguments: ["A", "B", "C", "D", "E"]) func `a second bring-up of an example changes nothing`(letter: String)
    throws
  {
    let lab = try prepared()
    let file = try file(try #require(ExampleFiles.all[letter]))
    let first = try up(lab, file)
    #expect(!first.isUnchanged && first.warnings == [])
    let before = try lab.snapshot()
    for _ in 0..<2 {
      let outcome = try up(lab, file)
      #expect(outcome.isUnchanged && outcome.warnings == [])
    }
    #expect(try lab.snapshot() == before)
    let configurator = lab.configurator()
    #expect(try lab.inside.runBlocking { try configurator.difference(file) }.isEmpty)
  }

  @Test(arguments: [
    ("203.0.113.0/24", ["203.0.113.1", "203.0.113.9"], "203.0.113.4", 24),
    ("2001:db8::/64", ["2001:db8::1", "2001:db8::9"], "2001:db8::4", 64),
  ]) func `a changed gateway never leaves the amphora without a default route`(
    subnet: String, gateways: [String], address: String, length: Int
  ) throws {
    let lab = try prepared()
    let everything = length == 24 ? "0.0.0.0/0" : "::/0"
    let wanted = { (gateway: String) in
      try file(
        addresses: [(address, length)],
        routes: #"[{"dst": "\#(everything)", "gateway": "\#(gateway)", "flags": ["onlink"]}]"#)
    }
    try up(lab, try wanted(gateways[0]))
    // Watch the table during the change, from before each step to after the last.
    let absent = Mutex(0)
    let look: @Sendable (String) throws -> Void = { _ in
      let routes = try NetlinkSocket().routes().filter { $0.destination.prefixLength == 0 && $0.protocol == .static }
      if routes.count != 1 { absent.withLock { $0 += 1 } }
    }
    let outcome = try up(lab, try wanted(gateways[1]), onStep: look)
    #expect(
      outcome.changes.map(\.description) == [
        "replace route \(everything) via \(gateways[1]) on link \(try index(lab)) table 254"
      ])
    #expect(absent.withLock { $0 } == 0)
    #expect(try lab.routes(length == 24 ? "-4" : "-6").contains { $0.hasPrefix("default via \(gateways[1]) ") })
  }

  private func index(_ lab: InterfaceLab) throws -> Int32 {
    try #require(try NetlinkSocket(in: lab.inside).link(named: "eth1")).index
  }

  @Test(arguments: ["0", "1"]) func `a new address in the old one's network stays when the old one goes`(
    promote: String
  ) throws {
    let lab = try prepared()
    try lab.inside.runBlocking { try Sysctl.write("net/ipv4/conf/all/promote_secondaries", promote) }
    let route = #"[{"dst": "192.0.2.0/24", "gateway": "10.0.0.254", "flags": ["onlink"]}]"#
    try up(lab, try file(addresses: [("10.0.0.5", 24)], routes: route))
    let outcome = try up(lab, try file(addresses: [("10.0.0.6", 24)], routes: route))
    #expect(outcome.warnings == [])
    #expect(try lab.addresses("eth1") == ["10.0.0.6/24"])
    #expect(
      try lab.routes("-4") == [
        "10.0.0.0/24 dev eth1 proto kernel scope link src 10.0.0.6",
        "192.0.2.0/24 via 10.0.0.254 dev eth1 proto static onlink",
      ])
  }

  @Test func `an IPv6 address gets another prefix length in one bring-up`() throws {
    let lab = try prepared()
    try up(lab, try file(addresses: [("2001:db8::4", 64)]))
    try up(lab, try file(addresses: [("2001:db8::4", 48)]))
    #expect(try lab.addresses("eth1") == ["2001:db8::4/48"])
  }

  @Test func `what keepalived put on the master is left alone`() throws {
    let lab = try prepared()
    let file = try file(ExampleFiles.vipIPv4ActiveStandby)
    try up(lab, file)
    #expect(try lab.addresses("eth1") == ["203.0.113.4/24"])
    // What keepalived adds on becoming master, with its protocol number.
    _ = try lab.ip("address add 203.0.113.2/32 dev eth1")
    _ = try lab.ip("route add 203.0.113.0/24 dev eth1 src 203.0.113.2 scope link table 1 proto 18")
    _ = try lab.ip("route add default via 203.0.113.1 dev eth1 onlink table 1 proto 18")
    _ = try lab.ip("rule add from 203.0.113.2 lookup 1 priority 100 protocol 18")
    let before = try lab.snapshot()
    #expect(try up(lab, file).isUnchanged)
    #expect(try lab.snapshot() == before)
    // From single to active/standby: the agent's own rule and routes go, keepalived's stay.
    try up(lab, try self.file(ExampleFiles.vipIPv4))
    try up(lab, file)
    #expect(try lab.snapshot() == before)
  }

  @Test func `kernel addresses and other programs' routes and rules survive`() throws {
    let lab = try prepared()
    let file = try file(ExampleFiles.vipIPv4)
    try up(lab, file)
    _ = try lab.ip("route add 10.77.0.0/16 via 203.0.113.7 dev eth1 onlink proto dhcp")
    _ = try lab.ip("rule add from 10.77.0.1 lookup 1 priority 31000")
    _ = try lab.ip("address add 203.0.113.50/24 dev eth1 valid_lft 3600 preferred_lft 3600")
    let before = try lab.snapshot()
    #expect(try up(lab, file).isUnchanged)
    #expect(try lab.snapshot() == before)
    #expect(try lab.ip("-br address show eth1").contains { $0.contains("fe80::") })
  }

  @Test func `an MTU that differs is set on a link that is up`() throws {
    let lab = try prepared()
    try up(lab, try file(addresses: [("10.0.0.5", 24)], mtu: 1500))
    let outcome = try up(lab, try file(addresses: [("10.0.0.5", 24)], mtu: 1400))
    #expect(outcome.changes == [.setMTU(1400)])
    #expect(try lab.ip("link show eth1").contains { $0.contains("mtu 1400") })
  }

  @Test func `a refused MTU is a warning, and the link comes up all the same`() throws {
    let lab = try prepared()
    let outcome = try up(lab, try file(addresses: [("10.0.0.5", 24)], mtu: 65_536))
    #expect(outcome.warnings.count == 1 && outcome.warnings[0].contains("65536"))
    #expect(try lab.addresses("eth1") == ["10.0.0.5/24"])
    #expect(try lab.ip("-br link show eth1").contains { $0.contains(" UP ") })
  }

  @Test func `a host route that the kernel refuses is a warning, and the next ones are set`() throws {
    let lab = try prepared()
    let routes = """
      [{"dst": "192.0.2.0/24", "gateway": "198.18.0.1"}, {"dst": "198.51.100.0/24", "gateway": "10.9.9.9"},
       {"dst": "10.9.9.0/24", "scope": "link"}, {"dst": "192.0.3.7/24", "gateway": "10.0.0.254"}]
      """
    let outcome = try up(lab, try file(addresses: [("10.0.0.5", 24)], routes: routes))
    #expect(outcome.warnings.count == 1)
    #expect(
      try lab.routes("-4") == [
        "10.0.0.0/24 dev eth1 proto kernel scope link src 10.0.0.5", "10.9.9.0/24 dev eth1 proto static scope link",
        "192.0.3.0/24 via 10.0.0.254 dev eth1 proto static", "198.51.100.0/24 via 10.9.9.9 dev eth1 proto static",
      ])
  }

  @Test func `a route from an address under duplicate detection waits for just that address`() throws {
    let lab = try prepared()
    _ = try lab.ip("link set eth1 up")
    // Added with detection, as upstream's agent does: tentative for one to two seconds.
    _ = try lab.ip("address add 2001:db8::2/128 dev eth1")
    #expect(try lab.ip("-6 address show tentative to 2001:db8::2 dev eth1").isEmpty == false)
    let outcome = try up(lab, try file(ExampleFiles.vipIPv6))
    #expect(outcome.warnings == [])
    #expect(try lab.routes("-6", table: "1").contains { $0.contains("src 2001:db8::2") })
  }

  @Test func `a failed duplicate detection costs the routes from that address, and no time`() throws {
    let lab = try prepared()
    _ = try lab.ip("link set eth1 up")
    let far = try #require(try NetlinkSocket(in: lab.wire).links().first { $0.name.hasPrefix("w") }).name
    _ = try lab.wire.runBlocking {
      try NamespaceProcess.run(
        "/sbin/ip", ["address", "add", "2001:db8::2/64", "dev", far, "nodad"], within: .seconds(5))
    }
    _ = try lab.ip("address add 2001:db8::2/128 dev eth1")
    let start = ContinuousClock.now
    while try lab.ip("-6 address show dadfailed dev eth1").isEmpty {
      try #require(ContinuousClock.now - start < .seconds(10), "the duplicate was not detected")
      usleep(20_000)
    }
    let begin = ContinuousClock.now
    let outcome = try up(lab, try file(ExampleFiles.vipIPv6))
    // Far below the limit of 20 s.
    #expect(ContinuousClock.now - begin < .seconds(5))
    #expect(outcome.warnings.count == 1 && outcome.warnings[0].contains("another host has 2001:db8::2"))
    #expect(try lab.routes("-6").contains { $0.hasPrefix("default via 2001:db8::1") })
  }

  @Test func `IPv4 never waits, though the link-local address is under detection`() throws {
    let lab = try prepared()
    let outcome = try up(lab, try file(ExampleFiles.vipIPv4)) { #expect(!$0.hasPrefix("await")) }
    #expect(outcome.changes.contains(.bringUp))
  }

  @Test func `take-down removes everything and can be repeated`() throws {
    let lab = try prepared()
    let file = try file(ExampleFiles.dualStackWithHostRoutes)
    try up(lab, file)
    _ = try lab.ip("address add 203.0.113.99/32 dev eth1")
    let configurator = lab.configurator()
    let outcome = try lab.inside.runBlocking { try configurator.down(file) }
    #expect(outcome.warnings == [])
    #expect(try lab.addresses("eth1") == [] && lab.rules("-4") == [] && lab.rules("-6") == [])
    #expect(try lab.routes("-4") == [] && lab.routes("-6", table: "1") == [])
    #expect(try lab.ip("-br link show eth1").contains { $0.contains(" DOWN ") })
    #expect(try lab.run("/usr/sbin/nft", "list", "ruleset") == [])
    #expect(try lab.inside.runBlocking { try configurator.down(file) }.isUnchanged)
    try up(lab, file)
    #expect(try lab.addresses("eth1").count == 3)
  }

  @Test func `a missing link is an error that names it`() throws {
    let lab = try InterfaceLab()
    try lab.inside.create()
    #expect(throws: InterfaceError.linkMissing(.vipPort)) { try up(lab, try file(ExampleFiles.vipIPv4)) }
  }

  @Test func `scripts run in order, and one that fails ends the bring-up`() throws {
    let lab = try prepared()
    let log = "\(lab.folder.path)/log"
    var wanted = try file(addresses: [("10.0.0.5", 24)])
    wanted.upScripts = ["/usr/bin/touch  \(log).1", "/bin/false", "/usr/bin/touch \(log).2"]
    #expect(throws: InterfaceError.script("/bin/false", .status(program: "/bin/false", status: 1, output: ""))) {
      try up(lab, wanted)
    }
    #expect(FileRead.exists("\(log).1") && !FileRead.exists("\(log).2"))
  }

  @Test func `router advertisements are switched on and off, also on a link that is up`() throws {
    let lab = try prepared()
    let read = { (key: String) in try lab.inside.runBlocking { try Sysctl.read("net/ipv6/conf/eth1/\(key)") } }
    let automatic = try file(#"{"name": "eth1", "if_type": "backend", "addresses": [{"ipv6auto": true}]}"#)
    #expect(try up(lab, automatic).automaticConfigurationChanged)
    #expect(try read("accept_ra") == "2" && read("autoconf") == "1")
    #expect(try up(lab, automatic).isUnchanged)
    #expect(try up(lab, try file(addresses: [("10.0.0.5", 24)])).automaticConfigurationChanged)
    #expect(try read("accept_ra") == "0" && read("autoconf") == "0")
  }

  @Test func `without a DHCP client the error says what is missing`() throws {
    let lab = try prepared()
    let wanted = try file(#"{"name": "eth1", "if_type": "backend", "addresses": [{"dhcp": true, "ipv6auto": true}]}"#)
    #expect(throws: InterfaceError.dhcpClientMissing(.vipPort, program: lab.paths.dhclient)) { try up(lab, wanted) }
  }

  @Test func `the DHCP client gets the contract's arguments, and is started once and stopped`() throws {
    let lab = try prepared()
    // Stands in for ISC's: notes its arguments and leaves a daemon of its name behind, or ends that with -r.
    let script = """
      #!/bin/sh
      echo "$@" >> "\(lab.folder.path)/calls"
      pid="\(lab.folder.path)/dhclient-eth1.pid"
      if [ "$1" = -r ]; then kill "$(cat "$pid")"; rm "$pid"; exit 0; fi
      cp /bin/sleep "\(lab.folder.path)/bin/dhclient"
      "\(lab.folder.path)/bin/dhclient" 600 >/dev/null 2>&1 &
      echo $! > "$pid"
      """
    try DurableFile.createDirectory("\(lab.folder.path)/bin", mode: 0o755)
    try DurableFile.write(Array(script.utf8), to: lab.paths.dhclient, mode: 0o755)
    let wanted = try file(#"{"name": "eth1", "if_type": "backend", "addresses": [{"dhcp": true}]}"#)
    #expect(try up(lab, wanted).automaticConfigurationChanged)
    #expect(try up(lab, wanted).isUnchanged)
    try up(lab, try file(addresses: [("10.0.0.5", 24)]))
    let line = "-lf \(lab.paths.dhclientLeases)/dhclient-eth1.leases -pf \(lab.folder.path)/dhclient-eth1.pid eth1"
    #expect(FileRead.text("\(lab.folder.path)/calls") == "\(line)\n-r \(line)\n")
  }
}

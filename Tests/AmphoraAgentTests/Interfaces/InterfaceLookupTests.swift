// Questions to the namespace, advertisements, the command line, and how long things take.

import Addresses
import AmphoraProtocol
import Files
import FoundationEssentials
import Glibc
import Logging
import Netlink
import Testing

@testable import AmphoraAgent

@Suite(.enabled(if: InterfaceLab.isPossible, InterfaceLab.why)) struct InterfaceLookupTests {
  @Test func `an address is found in any spelling and state, on lo too`() async throws {
    let lab = try InterfaceLab()
    try lab.addNIC("ens4", Example.mac)
    let plugger = lab.plugger()
    _ = try await plugger.plugVIP(try VIPPlug(vip: "203.0.113.2", body: Example.bodyD), topology: .single)
    _ = try await plugger.restoreAll()
    let lookup = InterfaceLookup(namespace: lab.inside)
    for (text, name) in [
      ("203.0.113.2", "eth1"), ("2001:0db8:0000:0000:0000:0000:0000:0002", "eth1"), ("127.0.0.1", "lo"),
      ("203.0.113.99", nil),
    ] {
      #expect(try await lookup.interface(holding: try #require(IPAddress(text))) == name)
    }
    let counters = try await lookup.counters()
    #expect(counters.keys.sorted() == ["eth1"])
  }

  @Test func `asking does not make the namespace`() async throws {
    let lab = try InterfaceLab()
    let lookup = InterfaceLookup(namespace: lab.inside)
    #expect(try await lookup.interface(holding: try #require(IPAddress("203.0.113.2"))) == nil)
    #expect(try await lookup.counters().isEmpty)
    let advertiser = AddressAdvertiser(namespace: lab.inside, logger: quiet)
    #expect(await advertiser.advertise([try #require(IPAddress("203.0.113.2"))]).count == 1)
    #expect(!lab.inside.exists)
  }

  private var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }

  @Test func `counters are the link's, sent and received not mixed up`() async throws {
    let lab = try InterfaceLab()
    try lab.addNIC("ens4", Example.mac)
    _ = try await lab.plugger().plugVIP(try VIPPlug(vip: "203.0.113.2", body: Example.bodyA), topology: .single)
    let advertiser = AddressAdvertiser(namespace: lab.inside, logger: quiet)
    for _ in 0..<100 { await advertiser.advertise([try #require(IPAddress("203.0.113.2"))]) }
    let eth1 = try #require(try await InterfaceLookup(namespace: lab.inside).counters()["eth1"])
    #expect(eth1.networkTx >= 4200 && eth1.networkTx > eth1.networkRx)
  }

  @Test func `each address is advertised once, on its own wire, past failures and without loopback`() async throws {
    let lab = try InterfaceLab()
    try lab.addNIC("ens4", Example.mac)
    try lab.addNIC("ens5", "02:00:00:00:00:0b")
    let plugger = lab.plugger()
    _ = try await plugger.plugVIP(try VIPPlug(vip: "203.0.113.2", body: Example.bodyA), topology: .single)
    _ = try await plugger.plugNetwork(try NetworkPlug(body: Example.bodyF(mac: "02:00:00:00:00:0b")), topology: .single)
    let frames = try lab.wire.runBlocking { ARPListener() }
    // The last one ends the listening.
    let texts = ["198.51.100.1", "127.0.0.1", "203.0.113.2", "203.0.113.2", "0.0.0.0", "203.0.113.4"]
    let advertiser = AddressAdvertiser(namespace: lab.inside, logger: quiet)
    let failures = await advertiser.advertise(texts.compactMap { IPAddress($0) })
    #expect(failures.map(\.address.description) == ["198.51.100.1"])
    var heard: [String] = []
    while let frame = frames.next(within: .seconds(5)) {
      let sender = try #require(MACAddress(bytes: frame[22..<28]))
      let address = try #require(IPAddress(bytes: frame[38..<42]))
      // The member port's own advertisement, from the plug, may come in between.
      if sender.description == Example.mac { heard.append(address.description) }
      if heard.last == "203.0.113.4" { break }
    }
    #expect(heard == ["203.0.113.2", "203.0.113.4"])
  }

  @Test func `a network plug advertises its addresses by itself`() async throws {
    let lab = try InterfaceLab()
    try lab.addNIC("ens5", "02:00:00:00:00:0b")
    let frames = try lab.wire.runBlocking { ARPListener() }
    let fixed = FixedIPBody(ipAddress: "10.0.0.5", subnetCIDR: "10.0.0.0/24")
    _ = try await lab.plugger().plugNetwork(
      try NetworkPlug(body: .init(macAddress: "02:00:00:00:00:0b", fixedIPs: [fixed])), topology: .single)
    let frame = try #require(frames.next(within: .seconds(5)))
    // Sender and target address of the ARP part (contract networking §7).
    #expect(Array(frame[28..<32]) == [10, 0, 0, 5] && Array(frame[38..<42]) == [10, 0, 0, 5])
  }

  @Test func `the command line has the contract's texts and exit codes`() throws {
    let lab = try InterfaceLab()
    try lab.inside.create()
    try lab.addNIC("eth1", Example.mac, in: lab.inside)
    let command = InterfaceCommand(configurator: lab.configurator())
    let run = { (arguments: [String]) in try lab.inside.runBlocking { command.run(["amphora-interface"] + arguments) } }
    #expect(try run([]) == .init(exitCode: 1, lines: ["usage: amphora-interface [up|down] <interface>"]))
    #expect(
      try run(["up", "eth9"])
        == .init(exitCode: 2, lines: ["Error: Could not configure interface: Could not find interface 'eth9'."]))
    #expect(
      try run(["--verbose", "jump", "eth9"])
        == .init(exitCode: 2, lines: ["Error: Could not configure interface: Unknown action 'jump'"]))
    #expect(try run(["up", "all"]) == .init(exitCode: 0, lines: []))
    try lab.folder.write("", to: "x")
    try DurableFile.createDirectory(lab.paths.interfaces, mode: 0o755)
    for (name, text) in [
      ("eth1", ExampleFiles.vipIPv4), ("eth2", ExampleFiles.memberPort), ("eth3", "{"), ("lo", ExampleFiles.loopback),
    ] {
      try lab.folder.write(text, to: "interfaces/\(name).json")
    }
    let all = try run(["up", "all"])
    #expect(all.exitCode == 2 && all.lines.count == 1)
    #expect(
      all.lines[0].hasPrefix("Error: Could not configure interface: Error on action 'up' for interface eth3: ")
        && all.lines[0].hasSuffix(
          ", Error on action 'up' for interface eth2: there is no link eth2 in the namespace.")
    )
    #expect(try lab.addresses("eth1") == ["203.0.113.2/32", "203.0.113.4/24"])
    #expect(try run(["up", "eth1"]) == .init(exitCode: 0, lines: []))
    #expect(try run(["down", "eth1"]) == .init(exitCode: 0, lines: []))
    #expect(try lab.addresses("eth1") == [])
  }
}

// The firewall of SR-IOV ports in the kernel: what real packets come through, and when it is in force.
//
// That something does not come in is shown by what was sent after it and did: a wire keeps the order.

import Addresses
import Files
import Glibc
import Netlink
import Synchronization
import Testing

@testable import AmphoraAgent

@Suite(.enabled(if: InterfaceLab.isPossible, InterfaceLab.why)) struct VIPFirewallTests {
  private static let (vip, vip6) = (FirewallLab.vip, FirewallLab.vip6)
  private static let (first, second) = (FirewallLab.first, FirewallLab.second)
  private static let (first6, second6) = (FirewallLab.first6, FirewallLab.second6)

  /// An ICMP message without content: type, code 0, its checksum, eight bytes.
  private func icmp(_ type: UInt8) -> [UInt8] {
    // RFC 1071: the only 16-bit word that is not 0 is type and code.
    let sum = ~(UInt16(type) << 8)
    return [type, 0, UInt8(sum >> 8), UInt8(sum & 0xFF)] + [UInt8](repeating: 0, count: 32)
  }

  /// Rules for TCP 80 and VRRP from one host each, UDP 53 and SCTP 9 from everywhere.
  private func rules() throws -> [VIPRule] {
    try [
      #"{"protocol":"TCP","cidr":"\#(Self.first)/32","port":80}"#, #"{"protocol":"UDP","cidr":null,"port":53}"#,
      #"{"protocol":"SCTP","cidr":"0.0.0.0/0","port":9}"#,
      #"{"protocol":"vrrp","cidr":"\#(Self.second)/32","port":112}"#,
      #"{"protocol":"vrrp","cidr":"\#(Self.second6)/128","port":112}"#,
      // Twice the same, and one within the other, as two listeners may have them.
      #"{"protocol":"TCP","cidr":"\#(Self.first)/32","port":80}"#,
      #"{"protocol":"TCP","cidr":"10.0.0.0/8","port":80}"#, #"{"protocol":"TCP","cidr":"10.1.0.0/16","port":80}"#,
    ].map(FirewallLab.rule)
  }

  @Test func `before the first rules only what the network needs comes in`() throws {
    let lab = try FirewallLab()
    try lab.up()
    var status = stat()
    #expect(stat(lab.paths.firewallRules, &status) == 0 && status.st_mode & 0o7777 == 0o600)

    let server = try lab.inside(.tcp, Self.vip, 80)
    let datagrams = try lab.inside(.udp, Self.vip, 53)
    let messages = try lab.inside(.raw(1))
    let client = try lab.outside(.tcp)
    try client.connect(Self.vip, 80)
    try lab.outside(.udp).send("no", to: Self.vip, 53)
    let sender = try lab.outside(.raw(1))
    try sender.send(icmp(8), to: Self.vip)
    try sender.send(icmp(3), to: Self.vip)
    // Type 3, destination unreachable, behind an IP header of 20 bytes; the echo request before it did not come.
    #expect(try messages.receive()[20] == 3)
    #expect(!client.isConnected())
    #expect(datagrams.isIdle)
    // Answers to its own connections do not come in either.
    let far = try lab.outside(.tcp, Self.first, 8080)
    let own = try lab.inside(.tcp)
    try own.connect(Self.first, 8080)
    try sender.send(icmp(3), to: Self.vip)
    _ = try messages.receive()
    #expect(!own.isConnected())
    _ = (server, far)
  }

  @Test func `what the rules name comes in, and nothing else`() throws {
    let lab = try FirewallLab()
    try lab.up()
    try lab.allow(rules())

    let web = try lab.inside(.tcp, Self.vip, 80)
    let closed = try lab.inside(.tcp, Self.vip, 81)
    let (stranger, wrongPort) = (try lab.outside(.tcp, Self.second), try lab.outside(.tcp))
    try stranger.connect(Self.vip, 80)
    try wrongPort.connect(Self.vip, 81)
    let client = try lab.outside(.tcp)
    try client.connect(Self.vip, 80)
    #expect(client.isConnected(within: .seconds(10)))
    #expect(!stranger.isConnected() && !wrongPort.isConnected())
    _ = (web, closed)

    // IPv6 shows that neighbours are found, too.
    for (address, host) in [(Self.vip, Self.first), (Self.vip6, Self.first6)] {
      let (dns, other) = (try lab.inside(.udp, address, 53), try lab.inside(.udp, address, 54))
      let sender = try lab.outside(.udp, host)
      try sender.send("no", to: address, 54)
      try sender.send("yes", to: address, 53)
      #expect(try dns.receiveText() == "yes")
      #expect(other.isIdle)
    }

    // Real packets, because connection tracking drops what is no SCTP.
    let sctp = try lab.inside(.raw(132))
    for port in [UInt16(10), 9] {
      let packet = SCTPProbe(source: 40_000, destination: port, tag: 1, sequence: 1).initiation
      try lab.outside(.raw(132)).send(packet, to: Self.vip)
    }
    #expect(try sctp.receive()[23] == 9)

    // A ping is not answered.
    let messages = try lab.inside(.raw(1))
    try lab.outside(.raw(1)).send(icmp(8), to: Self.vip)
    try lab.outside(.udp).send("after", to: Self.vip, 53)
    #expect(messages.isIdle)
  }

  @Test func `VRRP comes in from the peer alone, in both IP versions`() throws {
    let lab = try FirewallLab()
    try lab.up()
    try lab.allow(rules())
    let vrrp = try lab.inside(.raw(112))
    for host in [Self.first, Self.second] { try lab.outside(.raw(112), host).send("advert", to: Self.vip) }
    // The source stands at offset 12 of the IP header.
    #expect(try Array(vrrp.receive()[12..<16]) == (try #require(IPAddress(Self.second))).bytes)

    let vrrp6 = try lab.inside(.raw(112), Self.vip6)
    for (host, text) in [(Self.first6, "from a stranger"), (Self.second6, "from the peer")] {
      try lab.outside(.raw(112), host).send(text, to: Self.vip6)
    }
    #expect(try vrrp6.receiveText() == "from the peer")
  }

  @Test func `what belongs to a connection comes in, also after its rule is gone`() throws {
    let lab = try FirewallLab()
    try lab.up()
    try lab.allow(rules())
    let web = try lab.inside(.tcp, Self.vip, 80)
    let client = try lab.outside(.tcp)
    try client.connect(Self.vip, 80)
    let served = try web.accept()

    try lab.allow([])
    try client.send("still there?")
    #expect(try served.receiveText() == "still there?")
    let late = try lab.outside(.tcp)
    try late.connect(Self.vip, 80)

    // The amphora's own connections get their answers, and ICMP about them; what it did not ask for, it does not get.
    let far = try lab.outside(.tcp, Self.first, 8080)
    let own = try lab.inside(.tcp)
    try own.connect(Self.first, 8080)
    _ = try far.accept()
    #expect(own.isConnected(within: .seconds(10)))
    #expect(!late.isConnected())
    let query = try lab.inside(.udp)
    try query.connect(Self.first, 9)
    try query.send("nobody listens")
    #expect(query.receiveError() == ECONNREFUSED)
  }

  @Test func `loopback addresses come in on the loopback only`() throws {
    let lab = try FirewallLab()
    try lab.up()
    try lab.allow(rules())
    let exporter = try lab.inside(.tcp, "127.0.0.1", 9101)
    let client = try lab.inside(.tcp, "127.0.0.1")
    try client.connect("127.0.0.1", 9101)
    _ = try exporter.accept()
    #expect(client.isConnected(within: .seconds(10)))
    #expect(try lab.listing().contains("ip saddr 127.0.0.0/8 drop"))
  }

  @Test func `members on another port, which is none of SR-IOV, are reached`() throws {
    let lab = try FirewallLab()
    try lab.up()
    try lab.allow([])
    try lab.lab.addNIC("eth2", "02:00:00:00:00:0b", in: lab.lab.inside)
    let far = try #require(try NetlinkSocket(in: lab.lab.wire).links().first { $0.name.hasPrefix("w0b") }).name
    try lab.ip("address add 10.0.0.21/24 dev \(far)", in: lab.lab.wire)
    let plug = try NetworkPlug(body: Example.bodyF())
    let member = InterfaceFile.memberPort(.ethernet(2), fixedIPs: plug.fixedIPs, mtu: plug.mtu, isSRIOV: false)
    try lab.paths.store.store(member)
    try lab.up(member)
    let server = try lab.outside(.tcp, "10.0.0.21", 80)
    let own = try lab.inside(.tcp, "10.0.0.5")
    try own.connect("10.0.0.21", 80)
    _ = try server.accept()
    #expect(own.isConnected(within: .seconds(10)))
  }

  @Test func `a boot loads the rules that are there before the link comes up, and a base where a crash cut them`()
    throws
  {
    let lab = try FirewallLab()
    try lab.up()
    try lab.allow(rules())
    let text = FileRead.text(lab.paths.firewallRules)

    try lab.lab.inside.delete(ifExists: true)
    try lab.lab.inside.create()
    try lab.lab.addNIC("eth1", Example.mac, in: lab.lab.inside)
    let steps = Mutex<[String]>([])
    let (paths, file) = (lab.paths, lab.file)
    try lab.lab.inside.runBlocking {
      var configurator = InterfaceConfigurator(paths: paths)
      configurator.onStep = { step in steps.withLock { $0.append(step) } }
      _ = try configurator.up(file)
    }
    #expect(steps.withLock { $0.first } == "load firewall")
    #expect(FileRead.text(lab.paths.firewallRules) == text)
    #expect(try lab.listing().contains("ip saddr \(Self.first) tcp dport 80 accept"))

    for cut in ["", "table inet amphora_table {}\ndelete table inet amphora_table\n"] {
      try lab.lab.folder.write(cut, to: "nftables-vip.rules")
      try lab.up()
      #expect(FileRead.text(lab.paths.firewallRules) == VIPFirewall.closed)
      #expect(try !lab.listing().contains("dport 80"))
    }

    // Cut where nft stumbles over it: the port comes up, closed, and the reason is told.
    let cut = String(try #require(text?.split(separator: "icmpv6").first))
    #expect(cut.contains("policy drop;"))
    try lab.lab.folder.write(cut, to: "nftables-vip.rules")
    let (paths2, file2) = (lab.paths, lab.file)
    let outcome = try lab.lab.inside.runBlocking { try InterfaceConfigurator(paths: paths2).up(file2) }
    #expect(outcome.warnings.contains { $0.contains("nothing is let in") }, "\(outcome.warnings)")
    #expect(try lab.listing().contains("policy drop") && !lab.listing().contains("dport 80"))
    #expect(FileRead.text(lab.paths.firewallRules) == cut, "left for whoever looks for the reason")
  }

  @Test func `rules that nft refuses leave file and filter as they were, and a port without filter stays down`() throws
  {
    let lab = try FirewallLab()
    try lab.up()
    try lab.allow(rules())
    let (text, listing) = (FileRead.text(lab.paths.firewallRules), try lab.listing())
    // nft refuses them when it is asked, or only when it loads them.
    for (name, script) in [("asked", "exit 1"), ("loading", "[ \"$1\" = -c ]")] {
      let nft = "\(lab.lab.folder.path)/\(name)"
      try DurableFile.write(Array("#!/bin/sh\necho no\n\(script)\n".utf8), to: nft, mode: 0o755)
      let firewall = VIPFirewall(file: lab.paths.firewallRules, nft: nft)
      #expect(throws: VIPFirewall.Failure.nft(.status(program: nft, status: 1, output: "no"))) {
        try lab.lab.inside.runBlocking { try firewall.allow([]) }
      }
      #expect(FileRead.text(lab.paths.firewallRules) == text)
      #expect(try lab.listing() == listing)
    }
    try lab.ip("link set eth1 down", in: lab.lab.inside)
    var paths = lab.paths
    paths.nft = "/bin/false"
    let (configurator, file) = (InterfaceConfigurator(paths: paths), lab.file)
    #expect(throws: InterfaceError.self) { try lab.lab.inside.runBlocking { try configurator.up(file) } }
    #expect(try NetlinkSocket(in: lab.lab.inside).link(named: "eth1")?.isUp == false)
  }
}

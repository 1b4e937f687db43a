// Cables and the packet filter: each fault is made in a real namespace; the doctor names it and nothing else.

import Addresses
import AmphoraProtocol
import Files
import Glibc
import Netlink
import Testing

@testable import AmphoraAgent

@Suite(.enabled(if: InterfaceLab.isPossible, InterfaceLab.why)) struct NetworkLinkTests {
  @Test func `a link without carrier is told, and nothing that follows from it`() async throws {
    let lab = try await NetworkLab()
    try lab.configure(members: ["10.0.0.21:80", "192.0.2.21:80"])
    try lab.wire("link set \(lab.far(NetworkLab.memberMAC)) down")
    let faults = await lab.faults()
    #expect(faults.map(\.check) == ["link"], "\(faults)")
    #expect(faults.first?.evidence == "eth2: NO-CARRIER")
    #expect(faults.first?.remedy?.contains(NetworkLab.memberMAC) == true)
    // The port is bound again; its IPv6 addresses went with the carrier of the other end.
    try lab.configure(members: [])
    try lab.wire("link set \(lab.far(NetworkLab.memberMAC)) up")
    try lab.wire("address replace 2001:db8:5::fe/64 dev \(lab.far(NetworkLab.memberMAC)) nodad")
    #expect(await lab.faults() == [])
  }

  @Test func `packets that get lost are told, from a number and a share on`() async throws {
    let lab = try await NetworkLab()
    let (file, index) = try lab.lab.wire.runBlocking { [far = try lab.far(Example.mac)] in
      (
        socket(AF_PACKET, CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), 0),
        try #require(try NetlinkSocket().link(named: far)).index
      )
    }
    defer { close(file) }
    func losses() throws -> UInt64 {
      try #require(try NetlinkSocket(in: lab.lab.inside).link(named: "eth1")).statistics.receiveDropped
    }
    // EtherType 0x88B5 is for experiments; nobody takes it, so the kernel drops it.
    let frame = [UInt8](repeating: 0xFF, count: 6) + [2, 0, 0, 0, 0, 1, 0x88, 0xB5] + [UInt8](repeating: 0, count: 46)
    var sent = 0
    while try losses() < 900 && sent < 900 {
      try FrameSender.send(frame, index, file)
      sent += 1
    }
    #expect(await lab.faults() == [])
    while try losses() < 1100 && sent < 5000 {
      try FrameSender.send(frame, index, file)
      sent += 1
    }
    let faults = await lab.faults()
    #expect(faults.map(\.check) == ["link"] && faults.first?.verdict == .warning, "\(faults)")
    #expect(faults.first?.evidence.contains("received packets dropped") == true)
  }

  @Test func `a flushed ruleset is told, and comes back by the printed command or a repair`() async throws {
    let lab = try await NetworkLab()
    for isRepair in [false, true] {
      try lab.lab.run("/usr/sbin/nft", "flush", "ruleset")
      let faults = await lab.faults()
      #expect(faults.map(\.check) == ["packet-filter"] && faults.first?.verdict == .warning, "\(faults)")
      #expect(
        faults.first?.evidence.hasPrefix("rules are missing in table ip octavia-ipv4 and table ip6 octavia-ipv6: ")
          == true)
      if isRepair {
        let outcome = await lab.repair()
        #expect(outcome.changes.count == 1 && outcome.failures == [], "\(outcome)")
      } else {
        try lab.carryOut(interfaceCommand: faults.first?.remedy)
      }
      #expect(await lab.faults() == [])
    }
  }

  @Test func `an SR-IOV port without its firewall, or with less of it, is told and guarded again`() async throws {
    let lab = try await NetworkLab(isSRIOV: true)
    #expect(await lab.faults() == [])
    for (fault, evidence) in [
      ("flush ruleset", "eth1 is an SR-IOV port and lets everything in: table inet amphora_table is not loaded"),
      (
        "flush chain inet amphora_table amphora_vip_chain",
        "eth1: table inet amphora_table has 0 of the 2 rules in \(lab.lab.paths.firewallRules)"
      ),
      (
        "chain inet amphora_table amphora_chain { policy accept ; }",
        "eth1 is an SR-IOV port and lets everything in: table inet amphora_table is not loaded"
      ),
    ] {
      for isRepair in [false, true] {
        try lab.lab.run("/usr/sbin/nft", fault)
        let faults = await lab.faults()
        #expect(faults.map(\.check) == ["packet-filter"] && faults.first?.verdict == .failure, "\(faults)")
        #expect(faults.first?.evidence.hasPrefix(evidence) == true, "\(faults)")
        if isRepair {
          let outcome = await lab.repair()
          #expect(!outcome.changes.isEmpty && outcome.failures == [], "\(outcome)")
        } else {
          try lab.carryOut(interfaceCommand: faults.first?.remedy)
        }
        #expect(await lab.faults() == [])
      }
    }
  }
}

/// Puts Ethernet frames on a wire.
enum FrameSender {
  static func send(_ frame: [UInt8], _ linkIndex: Int32, _ file: CInt) throws {
    // struct sockaddr_ll of packet(7): family, protocol, link, hardware type, packet type, length, address.
    var target =
      withUnsafeBytes(of: sa_family_t(AF_PACKET)) { Array($0) } + [0x88, 0xB5]
      + withUnsafeBytes(of: linkIndex) { Array($0) } + [0, 0, 0, 6] + [UInt8](repeating: 0xFF, count: 6) + [0, 0]
    let count = target.withUnsafeMutableBytes { bytes in
      bytes.withMemoryRebound(to: sockaddr.self) { sendto(file, frame, frame.count, 0, $0.baseAddress, 20) }
    }
    try #require(count == frame.count || errno == ENOBUFS, "\(String(cString: strerror(errno)))")
  }
}

// The health checkers against members at the other end of a wire: what is sent, and which exit code each answer gives
// (contract services §6). The members speak over raw sockets, because the kernels this is built on have no SCTP.

import Addresses
import Files
import Glibc
import Netlink
import Synchronization
import Testing
import TestSupport

@testable import AmphoraAgent

/// An amphora and a member on one wire.
private final class CheckLab: Sendable {
  let lab: InterfaceLab
  static let (amphora, member) = ("10.0.0.5", "10.0.0.21")
  static let (amphora6, member6) = ("2001:db8:5::5", "2001:db8:5::21")

  init() throws {
    lab = try InterfaceLab()
    try lab.inside.create()
    try lab.addNIC("eth2", "02:00:00:00:00:0b", in: lab.inside)
    let far = try #require(try NetlinkSocket(in: lab.wire).links().first { $0.name.hasPrefix("w") }).name
    for (namespace, commands) in [
      (
        lab.inside,
        ["link set eth2 up", "address add 10.0.0.5/24 dev eth2", "address add 2001:db8:5::5/64 dev eth2 nodad"]
      ),
      (lab.wire, ["address add 10.0.0.21/24 dev \(far)", "address add 2001:db8:5::21/64 dev \(far) nodad"]),
    ] {
      for command in commands {
        let words = command.split(separator: " ").map(String.init)
        _ = try namespace.runBlocking { try NamespaceProcess.run("/sbin/ip", words, within: .seconds(10)) }
      }
    }
  }

  /// Runs the program in the amphora's namespace; its exit code.
  func check(_ arguments: String...) async throws -> Int32 {
    try await lab.inside.run { HealthCheckCommand.run(arguments) { _ in } }
  }
}

extension CheckLab {
  /// Runs keepalived's script for members of UDP pools, as it is written, in the amphora's namespace; its exit code.
  fileprivate func checkUDP(_ member: String) async throws -> Int32 {
    let paths = AgentPaths(base: lab.folder.path)
    try LVSScripts.installMemberCheck(paths)
    return try await lab.inside.run {
      try NamespaceProcess.run(
        "/bin/sh", ["-c", "\"$@\"; echo $?", "sh", paths.memberCheckScript, member, "53"], within: .seconds(20))
    }.split(separator: "\n").last.flatMap { Int32($0) } ?? -1
  }
}

@Suite(.enabled(if: InterfaceLab.isPossible, InterfaceLab.why)) struct HealthCheckTests {
  @Test(arguments: [(CheckLab.member, CheckLab.amphora), (CheckLab.member6, CheckLab.amphora6)])
  func `an SCTP member that acknowledges is up, and its half-open association is ended`(member: String, amphora: String)
    async throws
  {
    let lab = try CheckLab()
    let server = try SCTPMember(member, in: lab.lab.wire)
    async let code = lab.check("SCTP", "-t", "20", member, "9")
    let packet = try await onThread { try server.receive() }
    #expect(packet.count == 32)
    // Destination port 9, tag 0, an INIT of 20 bytes; then window and streams.
    #expect(Array(packet[2..<8]) == [0, 9, 0, 0, 0, 0])
    #expect(Array(packet[12..<16]) == [1, 0, 0, 20])
    #expect(Array(packet[20..<28]) == [0, 1, 0xA0, 0, 0, 10, 0xFF, 0xFF])
    // What is for somebody else does not count: too short, another tag, other ports.
    try server.answer(packet, 6, to: amphora) { $0.removeLast() }
    try server.answer(packet, 6, to: amphora) { $0[7] ^= 1 }
    try server.answer(packet, 6, to: amphora) { $0[1] ^= 1 }
    try server.answer(packet, 6, to: amphora) { $0[3] ^= 1 }
    try server.answer(packet, 2, to: amphora)
    #expect(try await code == 0)
    let abort = try await onThread { try server.receive() }
    #expect(Array(abort[..<4]) == Array(packet[..<4]), "the same ports")
    #expect(Array(abort[4..<8]) == Array(packet[16..<20]), "our own tag")
    #expect(Array(abort[12...]) == [6, 1, 0, 4])
  }

  @Test func `ABORT is 1, another chunk 3, silence 2`() async throws {
    let lab = try CheckLab()
    let server = try SCTPMember(CheckLab.member, in: lab.lab.wire)
    for (chunk, wanted, ends) in [(UInt8(6), Int32(1), false), (4, 3, true)] {
      async let code = lab.check("sctp", "-t", "20", CheckLab.member, "9")
      let packet = try await onThread { try server.receive() }
      try server.answer(packet, chunk, to: CheckLab.amphora)
      #expect(try await code == wanted)
      if ends { #expect(try await onThread { try server.receive() }[12] == 6) }
      #expect(server.isIdle)
    }
    let start = ContinuousClock.now
    #expect(try await lab.check("sctp", "-t", "1", CheckLab.member, "9") == 2)
    #expect(ContinuousClock.now - start >= .seconds(1))
    _ = try await onThread { try server.receive() }
    #expect(server.isIdle, "no ABORT after silence")
  }

  @Test func `a kernel with SCTP ends half-open associations itself`() async throws {
    let lab = try CheckLab()
    let server = try SCTPMember(CheckLab.member, in: lab.lab.wire)
    try lab.lab.folder.write("protocol  size sockets\nSCTPv6  1 0\nSCTP  1 0\n", to: "protocols")
    let address = try #require(IPAddress(CheckLab.member))
    let check = SCTPCheck(
      address, SCTPProbe(source: 1234, destination: 5678, tag: 1, sequence: 1), timeout: .seconds(20),
      protocols: "\(lab.lab.folder.path)/protocols")
    async let outcome = lab.lab.inside.run { check.run { _ in } }
    let packet = try await onThread { try server.receive() }
    #expect(packet == check.probe.initiation)
    try server.answer(packet, 2, to: CheckLab.amphora)
    #expect(try await outcome == .up)
    #expect(server.isIdle)
  }

  @Test func `a host that cannot be reached is 1, at once`() async throws {
    let lab = try CheckLab()
    // No route; nobody listens to SCTP there at all, which ICMP says.
    #expect(try await lab.check("sctp", "-t", "20", "198.51.100.9", "9") == 1)
    #expect(try await lab.check("sctp", "-t", "20", CheckLab.member, "9") == 1)
  }

  @Test(arguments: [
    [], ["sctp"], ["tcp", "10.0.0.21", "9"], ["sctp", "10.0.0.21"], ["sctp", "host", "9"], ["sctp", "10.0.0.21", "0"],
    ["sctp", "10.0.0.21", "65536"], ["sctp", "10.0.0.21", "9", "-t", "1"], ["sctp", "-t", "10.0.0.21", "9"],
    ["sctp", "-t", "0", "10.0.0.21", "9"], ["sctp", "-t"], ["sctp", "10.0.0.21", "9", "more"],
  ]) func `wrong arguments are a message and 1`(arguments: [String]) {
    let lines = Mutex<[String]>([])
    #expect(HealthCheckCommand.run(arguments) { line in lines.withLock { $0.append(line) } } == 1)
    #expect(lines.withLock { $0.count == 1 && ($0[0].contains("usage:") || $0[0].contains("seconds")) })
  }

  @Test(
    .enabled(if: FileRead.exists("/usr/bin/nc"), "nc is missing; run: make setup"),
    arguments: [CheckLab.member, CheckLab.member6])
  func `a UDP member is down when its port is closed, and up when it is silent`(member: String) async throws {
    let lab = try CheckLab()
    #expect(try await lab.checkUDP(member) == 1)
    let server = try LabSocket(.udp, at: member, port: 53, in: lab.lab.wire)
    #expect(try await lab.checkUDP(member) == 0)
    #expect(try await onThread { try server.receive() } == Array("X".utf8))
    #expect(try await lab.checkUDP("198.51.100.9") == 1)
  }
}

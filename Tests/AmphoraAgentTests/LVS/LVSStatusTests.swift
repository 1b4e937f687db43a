import Addresses
import AmphoraProtocol
import Testing

@testable import AmphoraAgent

/// The states of contract services §5.8.
@Suite struct LVSStatusTests {
  /// The states of members 1 to 4 and of the pool, last.
  private func states(
    _ text: String, _ kernel: String?, restarting: Bool = false
  ) throws -> [String] {
    let configuration = LVSConfiguration(parsing: text)
    let servers = kernel.map { IPVSTable(parsing: $0).services(of: configuration).flatMap(\.servers) }
    let pool = try #require(LVSPoolStatus.of(configuration, servers: servers, isRestarting: restarting))
    #expect(pool.key == LVSExample.pool)
    return pool.members.map(\.status) + [pool.status]
  }

  @Test func `the worked example as shown`() throws {
    #expect(try states(LVSExample.fourMembers(), LVSExample.kernel) == ["UP", "MAINT", "DRAIN", "DOWN", "UP"])
  }

  @Test func `the worked example with a newer configuration`() throws {
    #expect(
      try states(LVSExample.fourMembers(), LVSExample.kernel, restarting: true)
        == ["UP", "MAINT", "DRAIN", "RESTARTING", "UP"])
  }

  @Test func `the worked example without a checker`() throws {
    #expect(
      try states(LVSExample.fourMembers(isChecked: false), LVSExample.kernel)
        == ["no check", "MAINT", "DRAIN", "DOWN", "UP"])
  }

  @Test func `the worked example with the service missing from the kernel`() throws {
    for kernel in [LVSExample.emptyKernel, ""] {
      #expect(try states(LVSExample.fourMembers(), kernel) == ["DOWN", "MAINT", "DOWN", "DOWN", "DOWN"])
    }
  }

  @Test func `the worked example with the service missing and without a checker`() throws {
    for isRestarting in [false, true] {
      #expect(
        try states(LVSExample.fourMembers(isChecked: false), LVSExample.emptyKernel, restarting: isRestarting)
          == ["no check", "MAINT", "no check", "no check", "UP"])
    }
  }

  @Test func `a pool that is only restarting is not down`() throws {
    #expect(
      try states(LVSExample.fourMembers(), LVSExample.emptyKernel, restarting: true)
        == ["RESTARTING", "MAINT", "RESTARTING", "RESTARTING", "UP"])
  }

  @Test func `every disabled member is told, not only the last`() throws {
    #expect(
      try states(LVSExample.fourMembers(alsoDisabled: [5, 6, 7]), LVSExample.kernel)
        == ["UP", "MAINT", "DRAIN", "DOWN", "MAINT", "MAINT", "MAINT", "UP"])
  }

  @Test func `what the kernel does not say is no failure`() throws {
    for isChecked in [true, false] {
      #expect(
        try states(LVSExample.fourMembers(isChecked: isChecked), nil)
          == ["RESTARTING", "MAINT", "RESTARTING", "RESTARTING", "UP"])
    }
  }

  @Test func `a pool without members is up, and no pool is none`() {
    let empty = LVSConfiguration(
      parsing: "virtual_server_group a {\n198.51.100.10 53\n}\n# Configuration for Pool \(LVSExample.pool)\n")
    #expect(
      LVSPoolStatus.of(empty, servers: [], isRestarting: false)
        == HeartbeatMessage.Pool(key: LVSExample.pool, status: "UP", members: []))
    for text in [LVSExample.withoutPool, LVSExample.disabledListener] {
      #expect(LVSPoolStatus.of(LVSConfiguration(parsing: text), servers: [], isRestarting: false) == nil)
    }
  }

  @Test func `a dual-stack listener has the servers of all its addresses, and of no other service`() throws {
    let configuration = LVSConfiguration(parsing: LVSExample.dualStack)
    let services = IPVSTable(parsing: LVSExample.dualStackKernel).services(of: configuration)
    #expect(services.map(\.transport) == [.udp, .udp, .udp])
    #expect(services.map(\.endpoint) == configuration.addresses)
    #expect(services.map { $0.servers.map(\.activeConnections) } == [[2], [1], [4]])
    #expect(services.map { $0.servers.map(\.weight) } == [[1], [1], [1]])
    #expect(try states(LVSExample.dualStack, LVSExample.dualStackKernel) == ["UP", "MAINT", "UP", "UP"])
    // UDP and SCTP on one address and port are two listeners.
    let other = LVSConfiguration(parsing: LVSExample.dualStack.replacing("protocol UDP", with: "protocol SCTP"))
    #expect(
      IPVSTable(parsing: LVSExample.dualStackKernel).services(of: other).map { $0.servers.map(\.activeConnections) }
        == [[50]])
  }

  @Test(
    arguments: [
      ("UDP  [2001:0db8:0000:0000:0000:0000:0000:0010]:14E9 wrr", "2001:db8::10", 5353),
      ("SCTP [2001:db8::10]:0050 rr", "2001:db8::10", 80),
      ("UDP  C0000215:FFFF wlc ops", "192.0.2.21", 65535),
    ] as [(String, String, UInt16)]) func `addresses are read from hexadecimal`(
      line: String, address: String, port: UInt16
    ) throws
  {
    let service = try #require(IPVSTable(parsing: line).services.first)
    #expect(service.endpoint == LVSEndpoint(address: try #require(IPAddress(address)), port: port))
  }

  @Test func `a real server in compressed form is the same one`() throws {
    let short = LVSExample.dualStackKernel.replacing(
      "[2001:0db8:0001:0000:0000:0000:0000:0021]", with: "[2001:db8:1::21]")
    #expect(IPVSTable(parsing: short) == IPVSTable(parsing: LVSExample.dualStackKernel))
  }

  @Test(arguments: [
    "UDP", "UDP  C000021:0035 wrr", "UDP  C0000215:35 wrr", "UDP  +C000021:0035 wrr", "UDP  [::1:0035 wrr",
    "UDP  C0000215 wrr",
    "udp  C0000215:0035 wrr", "  -> C0000215:0035 Masq 1 2 5", "FWM  00000001 rr", "UDP  [zz::]:0035 wrr",
  ]) func `a line that is no service makes none`(line: String) {
    #expect(IPVSTable(parsing: line).services == [])
  }

  @Test(arguments: ["-> C0000215:0035 Masq x 2 5", "-> C0000215:0035 Masq 1 2", "->", "-> C0000215 Masq 1 2 5"])
  func `a line that is no server is passed over`(line: String) {
    let table = IPVSTable(parsing: "UDP  C633640A:14E9 wrr\n  \(line)\n  -> C0000215:0035 Masq 1 2 5\n")
    #expect(table.services.map(\.servers.count) == [1])
  }
}

import Addresses

import Testing

@testable import AmphoraAgent

/// The facts of contract services §5.6.
@Suite struct LVSConfigurationTests {
  private func endpoint(_ address: String, _ port: UInt16) throws -> LVSEndpoint {
    LVSEndpoint(address: try #require(IPAddress(address)), port: port)
  }

  @Test func `every fact of the contract's example is found`() throws {
    let configuration = LVSConfiguration(parsing: LVSExample.dualStack)
    #expect(configuration.namespace == "amphora-haproxy")
    #expect(!configuration.isDisabled)
    #expect(configuration.hasVirtualServers)
    #expect(configuration.transport == .udp)
    #expect(configuration.pool == "bbbbbbbb-0000-4000-8000-000000000001")
    #expect(configuration.hasChecks)
    let addresses = [
      try endpoint("198.51.100.10", 5353), try endpoint("198.51.100.11", 5353), try endpoint("2001:db8::10", 5353),
    ]
    #expect(configuration.addresses == addresses, "every line of every group")
    let members: [LVSConfiguration.Member] = [
      .init(id: LVSExample.member(1), endpoint: try endpoint("192.0.2.21", 53)),
      .init(id: LVSExample.member(2), isDisabled: true),
      .init(id: LVSExample.member(6), endpoint: try endpoint("2001:db8:1::21", 53)),
    ]
    #expect(configuration.members == members)
  }

  @Test func `members keep their addresses with disabled ones between them`() throws {
    let configuration = LVSConfiguration(parsing: LVSExample.fourMembers())
    #expect(configuration.members.map(\.id) == (1...4).map(LVSExample.member))
    #expect(configuration.members.map { $0.endpoint?.port } == [53, nil, 5300, 53])
    #expect(configuration.members.map(\.isDisabled) == [false, true, false, false])
  }

  @Test(arguments: [
    ("misc_path \"amphora-health-checker sctp -t 3 192.0.2.21 53\"", "MISC_CHECK", true), ("url {", "HTTP_GET", true),
    ("connect_port 53", "TCP_CHECK", true), ("", "notify_up", false),
  ]) func `each kind of check counts, and nothing else`(line: String, block: String, expected: Bool) {
    let text = LVSExample.fourMembers().replacing("MISC_CHECK", with: block)
    #expect(LVSConfiguration(parsing: text).hasChecks == expected)
  }

  @Test func `a disabled listener, a disabled pool and a listener without a pool are told apart`() {
    let disabled = LVSConfiguration(parsing: LVSExample.disabledListener)
    #expect(disabled.isDisabled && !disabled.hasVirtualServers && disabled.addresses.isEmpty)
    let withoutPool = LVSConfiguration(parsing: LVSExample.withoutPool)
    #expect(!withoutPool.isDisabled && !withoutPool.hasVirtualServers && withoutPool.pool == nil)
    let disabledPool = LVSConfiguration(
      parsing: LVSExample.dualStack.replacing(
        "# Configuration for Pool \(LVSExample.pool)", with: "# Pool \(LVSExample.pool) is disabled"))
    #expect(disabledPool.pool == nil && disabledPool.hasVirtualServers && !disabledPool.addresses.isEmpty)
  }

  @Test(arguments: [
    "", "#\n", "# \n", "# Configuration for\n", "real_server 192.0.2.21 53 {\n",
    "virtual_server_group x {\n198.51.100.10\n",
    "virtual_server_group x {\n198.51.100.10 99999\n}\n", "# Configuration for Member\nreal_server\n}\n}",
    "net_namespace",
    "protocol", "\u{FFFD}\0\r\n\r",
  ]) func `odd text gives fewer facts and no failure`(text: String) {
    let configuration = LVSConfiguration(parsing: text)
    #expect(configuration.addresses.isEmpty && configuration.members.isEmpty && configuration.pool == nil)
  }

  @Test func `a member whose address keepalived would refuse has none, and its neighbours keep theirs`() {
    let text = LVSExample.fourMembers().replacing("real_server 192.0.2.23", with: "real_server 192.0.2.999")
    #expect(LVSConfiguration(parsing: text).members.map { $0.endpoint?.port } == [53, nil, nil, 53])
  }

  @Test func `SCTP is told from UDP`() {
    let text = LVSExample.dualStack.replacing("protocol UDP", with: "protocol SCTP")
    #expect(LVSConfiguration(parsing: text).transport == .sctp)
  }
}

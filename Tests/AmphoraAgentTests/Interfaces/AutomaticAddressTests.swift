// A port without fixed addresses, with a real DHCP server and a real router (contract networking §3.4 G, §4.6).

import AmphoraProtocol
import Logging
import Netlink
import Testing
import TestSupport

@testable import AmphoraAgent

@Suite(
  .enabled(if: InterfaceLab.isPossible, InterfaceLab.why),
  .enabled(if: AddressServer.isInstalled, AddressServer.why), .timeLimit(.minutes(3)))
struct AutomaticAddressTests {
  private static let mac = "02:00:00:00:00:2a"

  /// A lab with a server on the wire of a NIC that is not plugged yet, and a configurator that uses the real client.
  private func prepared() throws -> (InterfaceLab, AddressServer, InterfaceConfigurator) {
    let lab = try InterfaceLab()
    try lab.addNIC("ens5", Self.mac)
    try lab.inside.create()
    // As in an amphora: without the value 2 the kernel would ignore routers from here on.
    try lab.inside.runBlocking { try Sysctl.write("net/ipv6/conf/all/forwarding", "1") }
    var paths = lab.paths
    paths.dhclient = AddressServer.client
    return (lab, try AddressServer(lab), InterfaceConfigurator(paths: paths))
  }

  private func plug(_ configurator: InterfaceConfigurator) async throws -> InterfacePlugger.Outcome {
    let plugger = InterfacePlugger(
      configurator: configurator, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    return try await plugger.plugNetwork(
      NetworkPlug(body: PlugNetworkBody(macAddress: Self.mac, fixedIPs: [], mtu: 1450)), topology: .single)
  }

  /// The addresses with a finite lifetime, which the network has given.
  private func dynamic(_ lab: InterfaceLab) throws -> [String] {
    try lab.ip("-o address show dev eth2 scope global dynamic").compactMap { line in
      line.split(separator: " ").dropFirst(3).first.map(String.init)
    }
  }

  /// Waits for the lease and for an address of the router's prefix; they come in any order.
  private func awaitAddresses(_ lab: InterfaceLab, _ server: AddressServer) async throws {
    try await poll("a lease and an address of the prefix; \(server.log)", within: .seconds(60)) {
      let addresses = try dynamic(lab)
      return addresses.contains(AddressServer.lease) && addresses.contains { $0.hasPrefix(AddressServer.prefix) }
    }
  }

  @Test func `a port without fixed addresses lives on a lease and a router's prefix`() async throws {
    let (lab, server, configurator) = try prepared()
    #expect(try await plug(configurator) == .plugged(.ethernet(2), addresses: []))
    try await awaitAddresses(lab, server)
    #expect(try lab.ip("link show eth2").contains { $0.contains("mtu 1450") })
    #expect(try lab.routes("-4").contains { $0.hasPrefix("default via \(AddressServer.router) dev eth2") })
    #expect(try lab.routes("-6").contains { $0.hasPrefix("default via fe80::") && $0.contains(" proto ra ") })

    // Neither a repeated plug nor a repeated bring-up touches what the network gave.
    let before = try (dynamic(lab), lab.routes("-4"))
    #expect(try await plug(configurator) == .updated(.ethernet(2)))
    let file = try #require(lab.paths.store.load(.ethernet(2)))
    #expect(try lab.inside.runBlocking { try configurator.up(file) }.isUnchanged)
    #expect(try dynamic(lab) == before.0 && lab.routes("-4") == before.1)
    #expect(server.log.ranges(of: "DHCPACK(").count == 1, "asked once")
  }

  @Test func `taking the port down gives the lease back and stops listening to routers`() async throws {
    let (lab, server, configurator) = try prepared()
    _ = try await plug(configurator)
    try await awaitAddresses(lab, server)
    let file = try #require(lab.paths.store.load(.ethernet(2)))
    let client = DHCPClient(interface: .ethernet(2), paths: configurator.paths)
    #expect(client.isRunning)

    let outcome = try lab.inside.runBlocking { try configurator.down(file) }
    #expect(outcome.warnings == [] && outcome.automaticConfigurationChanged)
    try await poll("the release") { server.log.contains("DHCPRELEASE(") }
    #expect(!client.isRunning)
    #expect(try lab.addresses("eth2") == [] && lab.routes("-4") == [] && lab.routes("-6") == [])
    for key in ["accept_ra", "autoconf"] {
      #expect(try lab.inside.runBlocking { try Sysctl.read("net/ipv6/conf/eth2/\(key)") } == "0", "\(key)")
    }
    #expect(try lab.ip("-br link show eth2").contains { $0.contains(" DOWN ") })

    // Up again it asks again.
    _ = try lab.inside.runBlocking { try configurator.up(file) }
    try await awaitAddresses(lab, server)
    _ = try lab.inside.runBlocking { try configurator.down(file) }
  }

  @Test func `fixed addresses take the place of the lease`() async throws {
    let (lab, server, configurator) = try prepared()
    _ = try await plug(configurator)
    try await awaitAddresses(lab, server)
    let plugger = InterfacePlugger(
      configurator: configurator, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let fixed = FixedIPBody(ipAddress: "10.0.0.5", subnetCIDR: "10.0.0.0/24")
    _ = try await plugger.plugNetwork(
      NetworkPlug(body: PlugNetworkBody(macAddress: Self.mac, fixedIPs: [fixed], mtu: 1450)), topology: .single)
    #expect(!DHCPClient(interface: .ethernet(2), paths: configurator.paths).isRunning)
    #expect(try lab.ip("-4 -o address show dev eth2").map { $0.contains("10.0.0.5/24") } == [true])
    #expect(try lab.inside.runBlocking { try Sysctl.read("net/ipv6/conf/eth2/accept_ra") } == "0")
    try await poll("the release") { server.log.contains("DHCPRELEASE(") }
  }
}

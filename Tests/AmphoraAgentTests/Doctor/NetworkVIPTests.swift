// Who has the VIPs: each fault is made in real namespaces; the doctor names it and nothing else.

import Addresses
import AmphoraProtocol
import Files
import Netlink
import Testing

@testable import AmphoraAgent

@Suite(.enabled(if: InterfaceLab.isPossible, InterfaceLab.why)) struct NetworkVIPTests {
  @Test(arguments: [NetworkLab.vip + "/32", NetworkLab.vip6 + "/128"])
  func `a second host with the VIP is found, with its MAC address`(address: String) async throws {
    let lab = try await NetworkLab()
    let far = try lab.far(Example.mac)
    let mac = try #require(try NetlinkSocket(in: lab.lab.wire).link(named: far)?.macAddress)
    #expect(await lab.faults() == [])
    try lab.wire("address add \(address) dev \(far)")
    let faults = await lab.faults()
    #expect(faults.map(\.check) == ["duplicate-vip"], "\(faults)")
    let vip = address.prefix { $0 != "/" }
    #expect(faults.first?.evidence == "\(vip) is on eth1 (\(Example.mac)) and also at \(mac)")
    #expect(faults.first?.remedy?.contains("openstack port list --mac-address \(mac)") == true)
    try lab.wire("address delete \(address) dev \(far)")
    #expect(await lab.faults() == [])
  }

  @Test func `the other amphora of a pair may have the VIP`() async throws {
    let lab = try await NetworkLab(topology: .activeStandby)
    try lab.wire("address add 203.0.113.2/32 dev \(lab.far(Example.mac))")
    #expect(await lab.faults() == [])
  }

  /// Keepalived as far as anybody else can see it: a process with its name.
  ///
  /// The real one puts back at once what is taken from it.
  private func pretendKeepalived(_ lab: NetworkLab) throws {
    _ = lab.folder.folder("vrrp")
    try DurableFile.write([], to: lab.amphora.paths.vrrpConfiguration, mode: 0o644)
    let pid = try lab.folder.startSleeper(named: "keepalived")
    try DurableFile.write(Array("\(pid)\n".utf8), to: lab.amphora.paths.vrrpPIDFile, mode: 0o644)
  }

  private func role(_ lab: NetworkLab) async -> [Finding] { await VIPCheck().run(lab.amphora) }

  @Test func `in a pair the VIPs are all here or none`() async throws {
    let lab = try await NetworkLab(topology: .activeStandby)
    try pretendKeepalived(lab)
    #expect(await lab.faults() == [])
    #expect(await role(lab).first?.evidence.hasPrefix("ACTIVE_STANDBY: not master, ") == true)

    // A master.
    let master = [
      "address add 203.0.113.2/32 dev eth1", "address add 2001:db8::2/128 dev eth1 nodad",
      "rule add from 203.0.113.2/32 table 1 priority 100 protocol 18",
      "-6 rule add from 2001:db8::2/128 table 1 priority 100 protocol 18",
    ]
    for words in master { _ = try lab.lab.ip(words) }
    #expect(await lab.faults() == [])
    #expect(
      await role(lab).first?.evidence.hasPrefix("ACTIVE_STANDBY: master, 203.0.113.2, 2001:db8::2 on eth1") == true)

    for (fault, signs, missing) in [
      ("address delete 203.0.113.2/32 dev eth1", "2001:db8::2 is here", "203.0.113.2 is not on eth1"),
      ("address delete 2001:db8::2/128 dev eth1", "its rules are here", "203.0.113.2, 2001:db8::2 is not on eth1"),
    ] {
      _ = try lab.lab.ip(fault)
      let faults = await lab.faults()
      #expect(faults.map(\.check) == ["vip-role"] && faults.first?.verdict == .failure, "\(faults)")
      #expect(faults.first?.evidence.contains("is master (\(signs)), but \(missing)") == true, "\(faults)")
      #expect(faults.first?.remedy?.hasPrefix("systemctl restart octavia-keepalived") == true)
    }
    // A restarted keepalived sets all of it anew.
    for words in master.prefix(2) { _ = try lab.lab.ip(words) }
    #expect(await lab.faults() == [])
  }

  @Test func `a pair's VIP that nobody moves is told once there is a load balancer`() async throws {
    let lab = try await NetworkLab(topology: .activeStandby)
    #expect(await lab.faults() == [])
    try lab.configure(members: [])
    let faults = await lab.faults()
    #expect(faults.map(\.check) == ["vip-role"], "\(faults)")
    #expect(faults.first?.remedy == "openstack loadbalancer amphora failover amphora-1")
    try pretendKeepalived(lab)
    #expect(await lab.faults() == [])
  }
}

// network_data.json, and the files of systemd-networkd that come of it (contract image §3.6, §4.2, §8 items 3 and 4).

import Addresses
import Foundation
import Testing

@testable import AmphoraAgent

@Suite struct NetworkTests {
  private static let head = """
    # Written by amphora-agent init for the management network. Every other NIC is the agent's to configure.
    [Match]
    MACAddress=fa:16:3e:00:00:01
    Type=ether


    """
  private static let quiet = "UseDNS=no\nUseDomains=no\n"
  private static let link =
    "{\"id\": \"l\", \"ethernet_mac_address\": \"fa:16:3e:00:00:01\", \"type\": \"vif\", \"mtu\": null}"

  private func apply(networks: String, links: String = link) async throws -> (TrialDrive, BootReport) {
    let drive = try TrialDrive()
    try drive.put("latest/network_data.json", "{\"links\": [\(links)], \"networks\": [\(networks)]}")
    return (drive, await drive.apply())
  }

  @Test func `DHCP for IPv4 with an MTU is configured by the NIC's MAC`() async throws {
    let drive = try TrialDrive()
    #expect(await drive.apply().problems.isEmpty)
    #expect(
      drive.network() == Self.head + "[Link]\nMTUBytes=1450\n\n[Network]\nDHCP=ipv4\nIPv6AcceptRA=no\n\n"
        + "[DHCPv4]\nClientIdentifier=mac\nUseHostname=no\nUseMTU=yes\n" + Self.quiet)
    #expect(try drive.status("/etc/systemd/network/10-amphora-fa163e000001.network").mode == 0o644)
  }

  @Test(
    arguments: [
      (
        """
        {"type": "ipv4", "link": "l", "ip_address": "192.0.2.10", "netmask": "255.255.255.0", "services": [],
         "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "192.0.2.1"},
                    {"network": "198.51.100.0", "netmask": "255.255.255.0", "gateway": "203.0.113.1"}]}
        """,
        "[Network]\nDHCP=no\nIPv6AcceptRA=no\nAddress=192.0.2.10/24\n\n"
          + "[Route]\nDestination=0.0.0.0/0\nGateway=192.0.2.1\n\n"
          + "[Route]\nDestination=198.51.100.0/24\nGateway=203.0.113.1\nGatewayOnLink=yes\n"
      ),
      (
        """
        {"type": "ipv6", "link": "l", "ip_address": "2001:db8::10", "netmask": "ffff:ffff:ffff:ffff::",
         "routes": [{"network": "::", "netmask": "::", "gateway": "fe80::1"}]}
        """,
        "[Network]\nDHCP=no\nIPv6AcceptRA=no\nAddress=2001:db8::10/64\n\n[Route]\nDestination=::/0\nGateway=fe80::1\n"
      ),
      (
        "{\"type\": \"ipv6\", \"link\": \"l\", \"ip_address\": \"2001:db8::10/56\", \"gateway\": \"2001:db8::1\"}",
        "[Network]\nDHCP=no\nIPv6AcceptRA=no\nAddress=2001:db8::10/56\n\n"
          + "[Route]\nDestination=::/0\nGateway=2001:db8::1\n"
      ),
      (
        "{\"type\": \"ipv4\", \"link\": \"l\", \"ip_address\": \"192.0.2.10\", \"netmask\": 25}",
        "[Network]\nDHCP=no\nIPv6AcceptRA=no\nAddress=192.0.2.10/25\n"
      ),
      (
        "{\"type\": \"ipv6_slaac\", \"link\": \"l\", \"ip_address\": \"2001:db8::10\"}",
        "[Network]\nDHCP=no\nIPv6AcceptRA=yes\n\n[DHCPv6]\nUseHostname=no\n\(quiet)\n[IPv6AcceptRA]\n\(quiet)"
      ),
      (
        "{\"type\": \"ipv6_dhcpv6-stateless\", \"link\": \"l\"}",
        "[Network]\nDHCP=no\nIPv6AcceptRA=yes\n\n[DHCPv6]\nUseHostname=no\n\(quiet)\n[IPv6AcceptRA]\n\(quiet)"
      ),
      (
        "{\"type\": \"ipv6_dhcpv6-stateful\", \"link\": \"l\"}",
        "[Network]\nDHCP=ipv6\nIPv6AcceptRA=yes\n\n[DHCPv6]\nUseHostname=no\nWithoutRA=solicit\n\(quiet)\n"
          + "[IPv6AcceptRA]\n\(quiet)"
      ),
      (
        "{\"type\": \"ipv4_dhcp\", \"link\": \"l\"}, {\"type\": \"ipv6_dhcp\", \"link\": \"l\"}",
        "[Network]\nDHCP=yes\nIPv6AcceptRA=yes\n\n"
          + "[DHCPv4]\nClientIdentifier=mac\nUseHostname=no\nUseMTU=yes\n\(quiet)\n"
          + "[DHCPv6]\nUseHostname=no\nWithoutRA=solicit\n\(quiet)\n[IPv6AcceptRA]\n\(quiet)"
      ),
    ])
  func `each kind of network is configured`(_ networks: String, _ expected: String) async throws {
    let (drive, report) = try await apply(networks: networks)
    #expect(report.problems.isEmpty)
    #expect(drive.network() == Self.head + expected)
  }

  @Test(
    arguments: [
      ("{\"type\": \"ipv9\", \"link\": \"l\"}", "networks[0].type is 'ipv9', which is no known kind of network"),
      ("{\"type\": \"ipv4\", \"link\": \"x\"}", "networks[0].link is 'x', which is no usable link"),
      ("{\"link\": \"l\"}", "networks[0] has no 'type'"),
      ("{\"type\": \"ipv4\", \"link\": \"l\"}", "networks[0] has no 'ip_address'"),
      (
        "{\"type\": \"ipv4\", \"link\": \"l\", \"ip_address\": \"192.0.2.1\\nDHCP=yes\", \"netmask\": \"24\"}",
        "networks[0].ip_address is '192.0.2.1?DHCP=yes', which is no IPv4 address"
      ),
      (
        "{\"type\": \"ipv4\", \"link\": \"l\", \"ip_address\": \"2001:db8::1\", \"netmask\": \"24\"}",
        "networks[0].ip_address is '2001:db8::1', which is no IPv4 address"
      ),
      (
        "{\"type\": \"ipv4\", \"link\": \"l\", \"ip_address\": \"192.0.2.1\", \"netmask\": \"255.0.255.0\"}",
        "networks[0].netmask is '255.0.255.0', which is no mask"
      ),
      (
        "{\"type\": \"ipv6\", \"link\": \"l\", \"ip_address\": \"2001:db8::1\", \"netmask\": 129}",
        "networks[0].netmask is '129', which is no mask"
      ),
      (
        "{\"type\": \"ipv4\", \"link\": \"l\", \"ip_address\": \"192.0.2.1/33\"}",
        "networks[0].ip_address is '192.0.2.1/33', which is no IPv4 network"
      ),
      (
        """
        {"type": "ipv4", "link": "l", "ip_address": "192.0.2.1/24",
         "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "::1"}]}
        """, "networks[0].routes[0].gateway is '::1', which is no IPv4 address"
      ),
    ])
  func `a network that is wrong adds nothing, and the others are configured`(
    _ network: String, _ problem: String
  ) async throws {
    let (drive, report) = try await apply(networks: network + ", {\"type\": \"ipv6_slaac\", \"link\": \"l\"}")
    #expect(report.problems == ["network_data.json: \(problem)"])
    let text = try #require(drive.network())
    #expect(text.contains("DHCP=no\nIPv6AcceptRA=yes\n\n") && !text.contains("\nAddress=") && !text.contains("[Route]"))
    #expect(drive.text("/etc/octavia/certs/server.pem") != nil)
  }

  @Test(
    arguments: [
      (
        "{\"id\": \"x\", \"ethernet_mac_address\": \"no\"}",
        "links[0].ethernet_mac_address is 'no', which is no MAC address"
      ),
      ("{\"ethernet_mac_address\": \"fa:16:3e:00:00:02\"}", "links[0] has no 'id'"),
      (
        "{\"id\": \"x\", \"type\": \"bond\", \"ethernet_mac_address\": \"fa:16:3e:00:00:02\"}",
        "links[0].type is 'bond'; only single NICs are configured"
      ),
      ("[]", "links[0] is no mapping"),
    ])
  func `a link that is wrong is left out`(_ link: String, _ problem: String) async throws {
    let (drive, report) = try await apply(
      networks: "{\"type\": \"ipv4_dhcp\", \"link\": \"l\"}", links: "\(link), \(Self.link)")
    #expect(report.problems == ["network_data.json: \(problem)"])
    #expect(drive.network()?.contains("DHCP=ipv4\n") == true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: drive.root + "/etc/systemd/network").count == 1)
  }

  @Test func `a wrong MTU is told and left out, its link is not`() async throws {
    let (drive, report) = try await apply(
      networks: "{\"type\": \"ipv4_dhcp\", \"link\": \"l\"}",
      links: "{\"id\": \"l\", \"ethernet_mac_address\": \"fa:16:3e:00:00:01\", \"mtu\": 10}")
    #expect(report.problems == ["network_data.json: links[0].mtu is '10', no number from 68 to 65536"])
    #expect(drive.network()?.contains("DHCP=ipv4\n") == true && drive.network()?.contains("MTUBytes") == false)
  }

  private static let twoNICs = """
    {"links": [{"id": "a", "ethernet_mac_address": "fa:16:3e:00:00:01", "mtu": 1400},
               {"id": "b", "ethernet_mac_address": "fa:16:3e:00:00:02"}],
     "networks": [{"type": "ipv4_dhcp", "link": "a"}, {"type": "ipv4_dhcp", "link": "b"}]}
    """

  @Test func `a NIC that the drive names only later is a load balancer's and is not configured`() async throws {
    let drive = try TrialDrive()
    await drive.apply()
    try drive.put("latest/network_data.json", Self.twoNICs)
    #expect(await drive.apply().problems.isEmpty)
    #expect(drive.network()?.contains("MTUBytes=1400") == true, "the known one follows the drive")
    #expect(drive.network("fa163e000002") == nil)
  }

  @Test func `all NICs of the first boot are configured, and those of another instance are forgotten`() async throws {
    let drive = try TrialDrive()
    try drive.place("/etc/systemd/network/10-amphora-fa163e000009.network", "another instance's")
    try drive.place("/etc/systemd/network/20-operator.network", "the image's")
    try drive.put("latest/network_data.json", Self.twoNICs)
    #expect(await drive.apply().problems.isEmpty)
    #expect(drive.network() != nil && drive.network("fa163e000002") != nil)
    #expect(drive.network("fa163e000009") == nil)
    #expect(drive.text("/etc/systemd/network/20-operator.network") == "the image's")
  }

  /// A NIC as sysfs shows it.
  private func addNIC(_ drive: TrialDrive, _ name: String, mac: String, index: Int, hasDevice: Bool = true) throws {
    for (file, text) in [("type", "1"), ("address", mac), ("ifindex", "\(index)")] {
      try drive.place("/sys/class/net/\(name)/\(file)", text + "\n")
    }
    if hasDevice { try drive.place("/sys/class/net/\(name)/device/vendor", "0x1af4\n") }
  }

  @Test(arguments: ["{}", "{\"links\": [], \"networks\": []}", "{\"links\": 5", ""])
  func `without network data the NIC that is there asks for an address`(_ document: String) async throws {
    let drive = try TrialDrive()
    try addNIC(drive, "eth0", mac: "fa:16:3e:00:00:02", index: 3)
    try addNIC(drive, "zz0", mac: "fa:16:3e:00:00:01", index: 2)
    try addNIC(drive, "lo", mac: "fa:16:3e:00:00:03", index: 1, hasDevice: false)
    try drive.put("latest/network_data.json", document)
    _ = await drive.apply()
    #expect(drive.network()?.contains("DHCP=ipv4\n") == true, "the first in the kernel's order")
    #expect(try FileManager.default.contentsOfDirectory(atPath: drive.root + "/etc/systemd/network").count == 1)
  }

  @Test func `without a drive the host name stays, and later NICs are left alone`() async throws {
    let drive = try TrialDrive()
    try addNIC(drive, "eth0", mac: "fa:16:3e:00:00:01", index: 2)
    try drive.place("/etc/hostname", "debian\n")
    let empty = drive.folder.folder("empty")
    let boot = FirstBoot(
      root: drive.root, patience: .zero, search: DriveSearch(devices: empty, blocks: empty))
    let report = await boot.writeFiles()
    #expect(report.problems.isEmpty)
    #expect(report.notes.contains("no config drive (label config-2): the host name stays"))
    #expect(drive.text("/etc/hostname") == "debian\n")
    #expect(drive.network()?.contains("DHCP=ipv4\n") == true)
    #expect(drive.text("/var/lib/amphora/instance-id") == nil)
    // At the next boot a load balancer's NIC may come first.
    try addNIC(drive, "eth1", mac: "fa:16:3e:00:00:02", index: 1)
    _ = await boot.writeFiles()
    #expect(drive.network("fa163e000002") == nil)
    // A drive that turns up is taken.
    #expect(await drive.apply().problems.isEmpty)
    #expect(drive.text("/etc/hostname") == "amphora-1\n")
  }
}

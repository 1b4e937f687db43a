// The first boot from a drive that the controller library makes: what it sends is what is on the amphora's disk.

import Addresses
import AmphoraAgent
import AmphoraController
import AmphoraProtocol
import Files
import Testing

@Suite(.live) struct FirstBootTests {
  @Test(arguments: ConfigDrive.Delivery.allCases)
  func `every byte of the controller library's files arrives, in both ways of sending`(
    _ delivery: ConfigDrive.Delivery
  ) async throws {
    let folder = try TemporaryFolder()
    let texts = [
      "/etc/octavia/certs/server.pem": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
      "/etc/octavia/amphora-agent.conf": "\n[DEFAULT]\nkey = a: b # c\n\n[x]\n  indented = 'é\"\n",
      "/etc/rsyslog.d/10-rsyslog.conf": "", "/etc/no-end": "no end", "/etc/blank": "\n\n",
      "/etc/lead": "   a\n b\n\n\n",
      "/etc/tabs": "\ta\t\n \t\nb  \n", "/etc/signs": "- a\n#b\n---\n...\n| c\n",
    ]
    var drive = ConfigDrive(
      amphora: try #require(AmphoraID("6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8")),
      network: ManagementNetwork(mac: try #require(MACAddress("fa:16:3e:00:00:01")), mtu: 1400),
      files: texts.sorted { $0.key < $1.key }.map { BootFile(path: $0.key, text: $0.value) })
    drive.delivery = delivery
    drive.sshKeys = ["k": "ssh-ed25519 AAAA operator"]
    drive.network.addresses = [CIDR("192.0.2.10/24"), CIDR("2001:db8::10/64")].compactMap(\.self)
    drive.network.gateways = [IPAddress("192.0.2.1"), IPAddress("2001:db8::1")].compactMap(\.self)
    try drive.write(to: "\(folder.path)/drive")
    try DurableFile.createDirectory("\(folder.path)/root/etc", mode: 0o755)
    try DurableFile.write(
      Array("debian:x:1000:1000::/home/debian:/bin/sh\n".utf8), to: "\(folder.path)/root/etc/passwd", mode: 0o644)

    let report = await FirstBoot(root: "\(folder.path)/root", drive: "\(folder.path)/drive").writeFiles()
    #expect(report.problems.isEmpty)
    for (path, text) in texts { #expect(try folder.read("root\(path)") == text, "\(path)") }
    #expect(try folder.read("root/etc/hostname") == "amphora-6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8\n")
    #expect(try folder.read("root/home/debian/.ssh/authorized_keys") == "ssh-ed25519 AAAA operator\n")
    #expect(try folder.read("root/etc/timezone") == "UTC\n")
    let network = try folder.read("root/etc/systemd/network/10-amphora-fa163e000001.network")
    for line in [
      "MTUBytes=1400", "DHCP=no", "Address=192.0.2.10/24", "Address=2001:db8::10/64",
      "Destination=0.0.0.0/0\nGateway=192.0.2.1", "Destination=::/0\nGateway=2001:db8::1",
    ] {
      #expect(network.contains(line + "\n"), "\(line)")
    }
  }
}

// The config drive's tree, read the way a first boot reads it: JSON, YAML, paths.

import Addresses
import AmphoraProtocol
import Foundation
import Glibc
import Testing

@testable import AmphoraController

@Suite struct ConfigDriveTests {
  private static let files = [
    BootFile(path: "/etc/octavia/amphora-agent.conf", text: "\n[DEFAULT]\ndebug = False\n"),
    BootFile(path: "/etc/rsyslog.d/10-rsyslog.conf", text: ""),
  ]

  private static func drive(_ files: [BootFile] = files) throws -> ConfigDrive {
    let amphora = try #require(AmphoraID("6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8"))
    let mac = try #require(MACAddress("fa:16:3e:00:00:01"))
    return ConfigDrive(amphora: amphora, network: ManagementNetwork(mac: mac), files: files)
  }

  private static func json(_ tree: [String: String], _ name: String) throws -> DocumentValue {
    try JSONDecoder().decode(DocumentValue.self, from: Data(try #require(tree["openstack/latest/\(name)"]).utf8))
  }

  private static func object(_ value: DocumentValue?) throws -> [String: DocumentValue] {
    guard case .object(let members)? = value else { throw NotAnObject() }
    return members
  }

  private struct NotAnObject: Error {}

  @Test func `meta_data names the machine, its keys and where each file's content is`() throws {
    var drive = try Self.drive()
    drive.sshKeys = ["operator": "ssh-ed25519 AAAA me"]
    drive.randomSeed = [0, 255, 16]
    let tree = try drive.tree()
    let meta = try Self.object(try Self.json(tree, "meta_data.json"))
    let name = "amphora-6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8"
    #expect(meta["name"] == .string(name) && meta["hostname"] == .string(name + ".novalocal"))
    #expect(meta["uuid"] == .string(drive.instance) && drive.instance != "6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8")
    #expect(meta["public_keys"] == .object(["operator": .string("ssh-ed25519 AAAA me")]))
    #expect(meta["random_seed"] == .string("AP8Q"))
    #expect(
      meta["files"]
        == .array([
          .object(
            ["content_path": "/content/0000", "path": "/etc/octavia/amphora-agent.conf"].mapValues { .string($0) }),
          .object(
            ["content_path": "/content/0001", "path": "/etc/rsyslog.d/10-rsyslog.conf"].mapValues { .string($0) }),
        ]))
    #expect(tree["openstack/content/0000"] == Self.files[0].text && tree["openstack/content/0001"] == "")
    #expect(try Self.json(tree, "vendor_data.json") == .object([:]))
  }

  @Test func `two drives differ in instance and random seed`() throws {
    let (one, other) = (try Self.drive(), try Self.drive())
    #expect(one.instance != other.instance && one.randomSeed != other.randomSeed && one.randomSeed.count == 512)
  }

  @Test func `without addresses the network is DHCP on the NIC's hardware address`() throws {
    var drive = try Self.drive()
    drive.network.mtu = 1450
    let network = try Self.object(try Self.json(try drive.tree(), "network_data.json"))
    #expect(
      network["links"]
        == .array([
          .object([
            "id": .string("tap163e000001"), "type": .string("ovs"),
            "ethernet_mac_address": .string("fa:16:3e:00:00:01"), "mtu": .integer(1450),
          ])
        ]))
    #expect(
      network["networks"]
        == .array([
          .object(["id": "network0", "type": "ipv4_dhcp", "link": "tap163e000001"].mapValues { .string($0) })
        ]))
  }

  @Test func `fixed addresses have masks and the routes of their own networks`() throws {
    var drive = try Self.drive()
    drive.network.addresses = ["192.0.2.10/20", "2001:db8::10/64"].compactMap { CIDR($0) }
    drive.network.gateways = ["192.0.0.1", "2001:db8::1"].compactMap { IPAddress($0) }
    let network = try Self.object(try Self.json(try drive.tree(), "network_data.json"))
    func entry(_ index: Int, _ type: String, _ address: String, _ mask: String, _ any: String, _ gateway: String)
      -> DocumentValue
    {
      .object([
        "id": .string("network\(index)"), "type": .string(type), "link": .string("tap163e000001"),
        "ip_address": .string(address), "netmask": .string(mask),
        "routes": .array([.object(["network": any, "netmask": any, "gateway": gateway].mapValues { .string($0) })]),
      ])
    }
    #expect(
      network["networks"]
        == .array([
          entry(0, "ipv4", "192.0.2.10", "255.255.240.0", "0.0.0.0", "192.0.0.1"),
          entry(1, "ipv6", "2001:db8::10", "ffff:ffff:ffff:ffff::", "::", "2001:db8::1"),
        ]))
  }

  @Test func `user_data restarts rsyslog and sets the time zone`() throws {
    let text = try #require(try Self.drive().tree()["openstack/latest/user_data"])
    #expect(text.hasPrefix("#cloud-config\n"))
    let document = try Self.object(try YAMLDocument(text).value)
    #expect(document == ["runcmd": .array([.string("systemctl restart rsyslog")]), "timezone": .string("UTC")])
  }

  // Each is also the last one once: what follows the list must not become part of it.
  @Test(arguments: 0..<11) func `in user_data mode every byte of the files comes through YAML`(rotation: Int) throws {
    var texts = [
      "\n[DEFAULT]\nkey = a: b # c\n", "", "no newline at the end", "two\n\n\n", "  indented\nthen not\n", "a\r\nb\r\n",
      "\n", "- list\n\"quoted\" 'text' &amp; {x}\n\ttab\n", "---\n...\n",
      "bell\u{7} next line\u{85}", "separators\u{2028}\u{2029}\u{FEFF}\n",
    ]
    texts = Array(texts[rotation...] + texts[..<rotation])
    var drive = try Self.drive(texts.enumerated().map { BootFile(path: "/etc/f\($0.offset)", text: $0.element) })
    drive.delivery = .userData
    let tree = try drive.tree()
    #expect(!tree.keys.contains { $0.hasPrefix("openstack/content/") })
    #expect(try Self.object(try Self.json(tree, "meta_data.json"))["files"] == .array([]))
    let document = try Self.object(try YAMLDocument(try #require(tree["openstack/latest/user_data"])).value)
    #expect(
      document["runcmd"]
        == .array([.string("systemctl restart rsyslog"), .string("service amphora-agent restart")]))
    guard case .array(let entries)? = document["write_files"] else { throw NotAnObject() }
    #expect(entries.count == texts.count)
    for (index, text) in texts.enumerated() {
      let entry = try Self.object(entries[index])
      #expect(entry["path"] == .string("/etc/f\(index)"))
      guard case .string(let content)? = entry["content"] else { throw NotAnObject() }
      let isEncoded = entry["encoding"] == .string("b64")
      #expect(isEncoded == text.unicodeScalars.contains { "\r\u{7}\u{85}\u{2028}".unicodeScalars.contains($0) })
      let decoded = isEncoded ? Data(base64Encoded: content).map { String(decoding: $0, as: UTF8.self) } : content
      #expect(decoded.map { Array($0.utf8) } == Array(text.utf8), "\(text.debugDescription)")
    }
  }

  @Test func `the tree is written for its owner only, and once`() throws {
    let folder = try CertificateFolder()
    let written = try Self.drive().write(to: folder.file("a/b"))
    #expect(
      written.map { String($0.dropFirst(folder.file("a/b/").count)) } == [
        "openstack/content/0000", "openstack/content/0001", "openstack/latest/meta_data.json",
        "openstack/latest/network_data.json", "openstack/latest/user_data", "openstack/latest/vendor_data.json",
      ])
    for path in written { #expect(try folder.mode(String(path.dropFirst(folder.path.count + 1))) == 0o600) }
    for name in ["a", "a/b/openstack", "a/b/openstack/content"] { #expect(try folder.mode(name) == 0o700) }
    #expect(throws: ConfigDriveError.exists(path: folder.file("a/b/openstack"))) {
      try Self.drive().write(to: folder.file("a/b"))
    }
  }

  @Test func `values that would say more in YAML are refused, and nothing is written`() throws {
    let folder = try CertificateFolder()
    func refuses(_ change: (inout ConfigDrive) -> Void) throws {
      var drive = try Self.drive()
      change(&drive)
      #expect(throws: ConfigDriveError.self) { try drive.write(to: folder.file("c")) }
      #expect(!FileManager.default.fileExists(atPath: folder.file("c")))
    }
    try refuses { $0.timezone = "UTC\nruncmd: [reboot]" }
    try refuses { $0.timezone = "" }
    try refuses { $0.files = [BootFile(path: "/etc/x: y", text: "")] }
    try refuses { $0.files = [BootFile(path: "etc/x", text: "")] }
    try refuses { $0.sshKeys = ["operator": "ssh-ed25519 AAAA\nssh-ed25519 BBBB"] }
    try refuses { $0.name = "a\u{1B}" }
    try refuses { $0.name = "a\u{2028}runcmd: [reboot]" }
    try refuses { $0.sshKeys = ["operator": "ssh-ed25519 AAAA\u{85}x"] }
    var drive = try Self.drive()
    drive.timezone = "UTC\nruncmd: [reboot]"
    #expect(throws: ConfigDriveError.self) { try drive.tree() }
  }

  @Test(
    .enabled(
      if: ProcessInfo.processInfo.environment["AMPHORA_SANDBOX"] != nil, "skipped: needs a mount; run: sudo Tests/run"))
  func `a tree that could not be written whole is removed, so that the next try can begin`() throws {
    let folder = try CertificateFolder()
    let place = folder.file("d")
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    try #require(mount("tmpfs", place, "tmpfs", 0, "size=64k") == 0)
    defer { umount2(place, CInt(MNT_DETACH)) }
    let large = BootFile(path: "/etc/x", text: String(repeating: "secret\n", count: 20_000))
    #expect(throws: ConfigDriveError.self) { try Self.drive(Self.files + [large]).write(to: place) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: place).isEmpty)
    #expect(try !Self.drive().write(to: place).isEmpty)
  }
}

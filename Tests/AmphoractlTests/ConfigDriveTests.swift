import Foundation
import Testing

@Suite(
  .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"), "/usr/bin/openssl is not installed"))
struct ConfigDriveTests {
  private static let amphora = "6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8"
  private static let secrets = ["AMPHORA_PASSPHRASE": "p", "AMPHORA_HEARTBEAT_KEY": "s<cret"]
  private static let certificates = "home/.config/amphora/certificates"

  let program: ControlProgram

  init() throws {
    program = try ControlProgram()
    let made = try program.run("ca", "init", environment: Self.secrets)
    try #require(made.status == 0, "\(made.errors)")
  }

  private func drive(_ arguments: String...) throws -> ProgramResult {
    try program.finish(
      program.process(
        ["config-drive", Self.amphora, "--output", "drive", "--mac", "FA:16:3E:00:00:01"] + arguments,
        environment: Self.secrets))
  }

  private func object(_ name: String) throws -> [String: Any] {
    let data = Data(try program.read("drive/openstack/latest/\(name)").utf8)
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  @Test func `the drive has a certificate that openssl verifies, the client CA and the agent's configuration`() throws {
    try program.write("ssh-ed25519 AAAA me\n", "key.pub")
    try program.write("*.* @192.0.2.9\n", "rsyslog.conf")
    let result = try drive(
      "--receiver", "192.0.2.5:5555", "--receiver", "[2001:db8::5]:5555", "--ssh-key", "key.pub", "--rsyslog",
      "rsyslog.conf", "--topology", "ACTIVE_STANDBY", "--heartbeat-interval", "3", "--json")
    #expect(result.status == 0, "\(result.errors)")
    let body = try #require(try result.json() as? [String: Any])
    #expect((body["files"] as? [String])?.count == 8 && body["amphora"] as? String == Self.amphora)
    var contents: [String: String] = [:]
    for file in try #require(try object("meta_data.json")["files"] as? [[String: String]]) {
      let place = "drive/openstack" + (file["content_path"] ?? "")
      contents[file["path"] ?? ""] = place
      #expect(try program.mode(place) == 0o600)
    }
    let server = try #require(contents["/etc/octavia/certs/server.pem"])
    #expect(try program.openssl("verify", "-CAfile", "\(Self.certificates)/server_ca.pem", server) != nil)
    #expect(try program.openssl("pkey", "-in", server, "-noout") != nil)
    let trusted = try program.read(try #require(contents["/etc/octavia/certs/client_ca.pem"]))
    #expect(trusted == (try program.read("\(Self.certificates)/client_ca.pem")))
    let agent = try program.read(try #require(contents["/etc/octavia/amphora-agent.conf"]))
    for line in [
      "controller_ip_port_list = 192.0.2.5:5555, [2001:db8::5]:5555", "heartbeat_key = s&lt;cret",
      "heartbeat_interval = 3", "amphora_id = \(Self.amphora)", "loadbalancer_topology = ACTIVE_STANDBY",
    ] { #expect(agent.contains(line), "\(line)") }
    #expect(try program.read(try #require(contents["/etc/rsyslog.d/10-rsyslog.conf"])) == "*.* @192.0.2.9\n")
    #expect(try object("meta_data.json")["public_keys"] as? [String: String] == ["operator": "ssh-ed25519 AAAA me"])
    // The record tells `ca list` of the certificate's end.
    #expect(program.exists("\(Self.certificates)/amphorae/\(Self.amphora).pem"))
    #expect(!result.output.contains("cret"))
  }

  private static let genisoimage = "/usr/bin/genisoimage"

  @Test(
    .enabled(
      if: FileManager.default.isExecutableFile(atPath: genisoimage), "skipped: genisoimage is missing; run: make setup")
  )
  func `genisoimage makes the medium that nova makes`() throws {
    #expect(try drive().status == 0)
    let options = "-quiet -o cd.iso -ldots -allow-lowercase -allow-multidot -l -J -r -V config-2 drive"
    let made = try program.finish(
      program.process(options.split(separator: " ").map(String.init), program: Self.genisoimage))
    #expect(made.status == 0, "\(made.errors)")
    // ECMA-119 §8.4.7: the volume identifier, 40 bytes into sector 16.
    let iso = try Data(contentsOf: URL(filePath: program.file("cd.iso")))
    #expect(String(decoding: iso[(16 * 2048 + 40)..<(16 * 2048 + 72)], as: UTF8.self).hasPrefix("config-2 "))
  }

  @Test func `in user data mode there are no injected files`() throws {
    let result = try drive("--user-data-mode", "--address", "192.0.2.10/24", "--gateway", "192.0.2.1")
    #expect(result.status == 0, "\(result.errors)")
    #expect(!program.exists("drive/openstack/content"))
    let text = try program.read("drive/openstack/latest/user_data")
    #expect(
      text.contains("-   path: /etc/octavia/certs/server.pem\n    content: |\n        -----BEGIN CERTIFICATE-----\n"))
    let networks = try object("network_data.json")["networks"] as? [[String: Any]]
    #expect(networks?.first?["ip_address"] as? String == "192.0.2.10")
  }

  @Test(arguments: [
    (["--receiver", "controller:5555"], "ADDRESS:PORT"),
    (["--gateway", "192.0.2.1"], "in the network of no --address"),
    (["--mtu", "20"], "--mtu"), (["--address", "192.0.2.300/24"], "--address"),
    (["--ssh-key", "none.pub"], "none.pub"),
  ])
  func `what is wrong is named with status 2, and nothing is written`(arguments: [String], text: String) throws {
    let result = try program.finish(
      program.process(
        ["config-drive", Self.amphora, "--output", "drive", "--mac", "fa:16:3e:00:00:01"] + arguments,
        environment: Self.secrets))
    #expect(result.status == 2 && result.errors.contains(text), "\(result.errors)")
    #expect(!program.exists("drive"))
  }

  @Test func `a folder is filled once, and without a CA it is said how to make one`() throws {
    #expect(try drive().status == 0)
    let again = try drive()
    #expect(again.status == 1 && again.errors.contains("drive/openstack exists"), "\(again.errors)")
    let none = try program.run(
      "config-drive", Self.amphora, "--output", "d2", "--mac", "fa:16:3e:00:00:01", "--set", "certificates=nowhere",
      environment: Self.secrets)
    #expect(none.status == 2 && none.errors.contains("amphoractl ca init"), "\(none.errors)")
  }
}

// `amphora-agent support-bundle` with a real agent and haproxy: what is in it, what must not be, and what it does when things
// are down, stuck or full.

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Files
import Glibc
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(5))) struct SupportBundleTests {
  /// Secrets in the places where an amphora has them, and the text that must not be found again.
  private static let planted = [
    "lab heartbeat key", "plantedstats", "planteduser", "plantedvrrp", "plantedlvs", "plantedcookie", "plantedbearer",
    "plantedunit", "plantedinterface", "plantedrsyslog", "plantedargument", "plantedjournal", "plantedtoken",
    "plantednewfailed",
  ]

  /// Runs the program; a large machine of two processors may be busy.
  private func bundle(_ amphora: LiveAmphora, _ arguments: String, path: String = "/run/bin") async throws
    -> CommandResult
  {
    let command =
      "/usr/bin/env PATH=\(path):/usr/sbin:/usr/bin:/sbin:/bin \(amphora.vm.agent) support-bundle \(arguments)"
    return try await amphora.vm.run(command.split(separator: " ").map(String.init), timeout: .seconds(100))
  }

  /// Unpacks a bundle that lies in the amphora's /run; the folder, as seen from outside.
  private func unpack(_ amphora: LiveAmphora, _ name: String) async throws -> String {
    let folder = amphora.vm.outside("/run/unpacked-\(name)")
    try DurableFile.createDirectory(folder, mode: 0o700)
    let result = try await Command.run("tar", ["-xf", amphora.vm.outside("/run/\(name)"), "-C", folder])
    try #require(result.isSuccess, "\(result.output)")
    let inner = try #require(FileRead.names(in: folder).first)
    #expect(inner.hasPrefix("amphora-support-\(amphora.id)-"))
    return "\(folder)/\(inner)"
  }

  private func key() async throws -> String {
    let output = try await Command.run("openssl", ["genrsa", "2048"]).output
    return String(output[try #require(output.firstRange(of: "-----BEGIN")).lowerBound...])
  }

  /// Puts secrets wherever an amphora may have some; the keys among them.
  private func plant(_ stage: LiveStage) async throws -> [String] {
    let amphora = stage.amphora
    let keys = [try await key(), try await key(), try await key(), try await key()]
    let escaped = keys[1].replacing("\n", with: "\\n")
    let journal = keys[2].split(separator: "\n").map { "2026-01-31T00:00:00 amphora haproxy[1]: \($0)" }.joined(
      separator: "\n")
    try await amphora.write(
      "vrrp_instance x {\n authentication {\n auth_type PASS\n auth_pass plantedvrrp\n }\n}\n",
      to: "/var/lib/octavia/vrrp/octavia-keepalived.conf.new-failed")
    try await amphora.write(
      "smtp_alert\nauth_pass plantedlvs\n", to: "/var/lib/octavia/lvs/octavia-keepalivedlvs-\(stage.id).conf.new-failed"
    )
    try await amphora.write(
      "\(keys[0])userlist u\n user a password plantednewfailed\n", to: "\(stage.folder)/haproxy.cfg.new-failed")
    try await amphora.write(keys[3], to: "/var/lib/octavia/certs/\(stage.id)/planted.pem", mode: 0o600)
    try await amphora.write(
      #"{"name": "eth9", "wpa": {"password": "plantedinterface"}, "pem": ""# + escaped + #""}"#,
      to: "/etc/octavia/interfaces/eth9.json.bak")
    try await amphora.write(
      "[Service]\nEnvironment=\"OS_HEALTH_MANAGER__HEARTBEAT_KEY=plantedunit and more\"\n",
      to: "/etc/systemd/system/amphora-agent.service.d/override.conf")
    try await amphora.write("*.* action(type=\"omfwd\" password=\"plantedrsyslog\")\n", to: "/etc/rsyslog.d/10-x.conf")
    try await amphora.write(
      """
      GET /a?token=plantedtoken HTTP/1.1
      Cookie: a=plantedcookie; b=plantedcookie
      Authorization: Bearer plantedbearer
      the key is lab heartbeat key
      \(journal)

      """, to: "/run/amphora-agent/planted.log")
    // systemd as far as this program asks for it.
    try await amphora.write(
      "#!/bin/sh\necho \"$* password=plantedjournal\"; cat /run/amphora-agent/planted.log\n", to: "/run/bin/journalctl",
      mode: 0o755)
    try await amphora.write("#!/bin/sh\necho \"UNIT $*\"\n", to: "/run/bin/systemctl", mode: 0o755)
    _ = try await amphora.run("/bin/mkdir -p /run/systemd/system")
    return keys
  }

  @Test func `it has everything but secrets`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      let extra =
        "\nuserlist u\n  user a insecure-password planteduser\nlisten s\n  bind 127.0.0.1:8404\n  mode http\n"
        + "  timeout client 1s\n  timeout server 1s\n  timeout connect 1s\n  stats auth admin:plantedstats\n"
      try await amphora.client.uploadHAProxy(stage.balancer.haproxyConfiguration() + extra, loadBalancer: stage.id)
      try await amphora.client.control(stage.object, .reload)
      try await stage.waitForTraffic()
      let keys = try await plant(stage)
      let process = try amphora.vm.start(
        ["/bin/bash", "-c", "exec -a sleeper /bin/bash -c 'sleep 300; true' --password=plantedargument"],
        log: "sleeper.log")
      let result = try await bundle(amphora, "--output /run/all.tar.zst --since 30m")
      kill(process.pid, SIGKILL)
      #expect(result.output.contains("[1/7] what the agent says\n"), "\(result.output)")
      #expect(result.output.contains("\n/run/all.tar.zst\n"), "\(result.output)")
      #expect([0, 1].contains(result.status), "\(result.output)")
      #expect(amphora.mode("/run/all.tar.zst") == "600")
      let folder = try await unpack(amphora, "all.tar.zst")
      try await expectParts(in: folder, stage)
      for secret in Self.planted + keys.flatMap(Self.lines) {
        let found = try await Command.run("grep", ["-rlF", "--", secret, folder])
        #expect(found.status == 1, "\(secret) is in \(found.output)")
      }
      let server = try #require(amphora.text("/etc/octavia/certs/server.pem"))
      let begin = try #require(server.firstRange(of: "PRIVATE KEY-----"))
      for line in Self.lines(String(server[begin.upperBound...])) {
        #expect(try await Command.run("grep", ["-rlF", "--", line, folder]).status == 1, "\(line)")
      }
      #expect(
        FileRead.text("\(folder)/files/run/amphora-agent/planted.log")?.contains("GET /a?token=(removed)") == true)
      try await reading(amphora, planted: folder)
    }
  }

  /// What stays readable around secrets.
  private func reading(_ amphora: LiveAmphora, planted folder: String) async throws {
    let journal = FileRead.text("\(folder)/journal/amphora-agent.service.txt") ?? ""
    #expect(journal.contains("--since=-1800s --unit=amphora-agent.service password=(removed)"), "\(journal)")
    let certificate = FileRead.text("\(folder)/files/etc/octavia/certs/server.pem") ?? ""
    #expect(certificate.hasPrefix("-----BEGIN CERTIFICATE-----\n") && certificate.contains("lines that are not public"))
    #expect(FileRead.text("\(folder)/machine/units.txt")?.hasPrefix("UNIT list-units --all") == true)
  }

  /// The parts of a key's text by which it would be found.
  private static func lines(_ pem: String) -> [String] {
    pem.split(separator: "\n").filter { $0.count > 20 && !$0.hasPrefix("-----") }.map { String($0.prefix(32)) }
  }

  private func expectParts(in folder: String, _ stage: LiveStage) async throws {
    let parts = [
      ("versions.txt", "amphora-agent "), ("status.txt", "haproxy"), ("status.json", "\"loadBalancers\""),
      ("doctor.txt", "PASS"), ("doctor.json", "\"findings\""),
      ("config-check.txt", "complete and valid"), ("config-show.txt", "heartbeat_key = (set)"),
      ("heartbeat.txt", stage.balancer.listener), ("files/etc/octavia/amphora-agent.conf", "heartbeat_key = (removed)"),
      ("files\(stage.folder)/haproxy.cfg", stage.balancer.listener),
      ("files/etc/octavia/interfaces/eth1.json", "203.0.113"), ("haproxy/\(stage.id)/show-info.txt", "Uptime_sec"),
      ("haproxy/\(stage.id)/show-stat.txt", "FRONTEND"), ("haproxy/\(stage.id)/show-servers-state.txt", "srv_name"),
      ("network/root/ip-addresses.txt", "lo:"), ("network/amphora-haproxy/ip-addresses.txt", "eth1"),
      ("network/amphora-haproxy/ip-routes-4.txt", "table 1"), ("network/amphora-haproxy/ip-rules-4.txt", "lookup"),
      ("network/amphora-haproxy/ip-links.txt", "mtu 1450"), ("network/amphora-haproxy/proc-net-dev.txt", "eth2"),
      ("network/amphora-haproxy/sysctl-net.txt", "net.ipv4.ip_nonlocal_bind = 1"),
      ("network/root/proc-net-snmp.txt", "Tcp:"),
      ("machine/processes.txt", "haproxy"), ("machine/meminfo.txt", "MemTotal"), ("machine/disks.txt", "/run: "),
      ("machine/packages.txt", "haproxy 2."), ("machine/sysctl-vm.txt", "vm."),
      ("MANIFEST.txt", "haproxy/\(stage.id)/show-info.txt"),
    ]
    for (name, text) in parts {
      let content = FileRead.text("\(folder)/\(name)")
      #expect(content?.contains(text) == true, "\(name): \(content?.prefix(300) ?? "missing")")
    }
    let errors = try await Command.run("find", [folder, "-name", "*errors*"]).output
    #expect(errors == "", "show errors holds what clients sent")
    // The traffic namespace's and not the root's.
    #expect(FileRead.text("\(folder)/network/root/proc-net-dev.txt")?.contains("eth2") == false)
  }

  @Test func `with agent down and haproxy stuck it takes bounded time`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      try await stage.waitForTraffic()
      try await amphora.crashAgent()
      let workers = try await amphora.processes("haproxy")
      for pid in workers { try await amphora.kill(pid, "STOP") }
      let start = ContinuousClock.now
      let result = try await bundle(amphora, "--output /run/stuck.tar.gz")
      #expect(ContinuousClock.now - start < .seconds(60))
      for pid in workers { try await amphora.kill(pid, "CONT") }
      #expect(result.status == 1, "\(result.output)")
      let folder = try await unpack(amphora, "stuck.tar.gz")
      let manifest = try #require(FileRead.text("\(folder)/MANIFEST.txt"))
      #expect(
        manifest.contains("show-info.txt  — stats socket /var/lib/octavia/\(stage.id).sock did not"), "\(manifest)")
      #expect(manifest.contains("show-stat.txt  — not asked: the socket was silent before"), "\(manifest)")
      #expect(FileRead.text("\(folder)/files\(stage.folder)/haproxy.cfg")?.contains(stage.balancer.listener) == true)
      #expect(FileRead.text("\(folder)/network/amphora-haproxy/ip-addresses.txt")?.contains("203.0.113.10/32") == true)
    }
  }

  @Test func `where it cannot be written nothing is left, and nothing is replaced`() async throws {
    try await withAmphora(starts: false) { amphora in
      _ = try await amphora.run("/bin/mkdir /run/small /run/no-zstd")
      _ = try await amphora.run("/bin/mount -t tmpfs -o size=32k small /run/small")
      let full = try await bundle(amphora, "--output /run/small/b.tar.zst")
      #expect(
        full.status == 2 && full.output.contains("cannot write /run/small/b.tar.zst: No space left on device"),
        "\(full.output)")
      #expect(try await amphora.run("/bin/ls -A /run/small").output == "")

      try await amphora.write("mine", to: "/run/mine.tar.zst")
      let taken = try await bundle(amphora, "--output /run/mine.tar.zst")
      #expect(taken.status == 2 && taken.output.contains("/run/mine.tar.zst exists already"), "\(taken.output)")
      #expect(!taken.output.contains("[1/7]"))
      #expect(amphora.text("/run/mine.tar.zst") == "mine")

      let missing = try await bundle(amphora, "--output /run/nowhere/b.tar.zst")
      #expect(missing.status == 2 && missing.output.contains("cannot write in /run/nowhere: No such file or directory"))
      let bad = try await bundle(amphora, "--since yesterday")
      #expect(bad.status != 0 && bad.output.contains("--since takes a number"))
      let user = try await amphora.run(
        "/usr/bin/setpriv --reuid 65534 --clear-groups \(amphora.vm.agent) support-bundle --output /tmp/amphora-nobody")
      #expect(user.status == 2 && user.output.contains("works as root only"), "\(user.output)")
    }
  }

  @Test func `without zstd it is gzip, Ctrl-C leaves nothing, and a pipe gets the bytes alone`() async throws {
    try await withAmphora(starts: false) { amphora in
      _ = try await amphora.run("/bin/mkdir /run/none /run/out")
      let plain = try await amphora.vm.run(
        ["/usr/bin/env", "PATH=/run/none", amphora.vm.agent, "support-bundle", "--output", "/run/out/b.tar.zst"],
        timeout: .seconds(100))
      #expect(plain.output.contains("zstd(1) is not installed"), "\(plain.output)")
      #expect(plain.output.contains("\n/run/out/b.tar.gz\n"), "\(plain.output)")
      let listing = try await Command.run("tar", ["-tzf", amphora.vm.outside("/run/out/b.tar.gz")])
      #expect(listing.isSuccess && listing.output.hasSuffix("/MANIFEST.txt\n"), "\(listing.output)")
      _ = try await amphora.run("/bin/rm /run/out/b.tar.gz")

      let piped = try await amphora.vm.run(
        [
          "/bin/bash", "-c",
          "\(amphora.vm.agent) support-bundle --output - 2>/run/progress | tar --zstd -t | tail -n 1",
        ], timeout: .seconds(100))
      #expect(piped.output.hasSuffix("/MANIFEST.txt\n"), "\(piped.output)")
      #expect(amphora.text("/run/progress")?.contains("[7/7] logs") == true)

      let child = try amphora.vm.start(
        [amphora.vm.agent, "support-bundle", "--output", "/run/out/b.tar.zst"], log: "b.log")
      let log = "\(amphora.vm.directory)/b.log"
      try await poll("its progress") { FileRead.text(log)?.contains("[5/7]") == true }
      _ = try await amphora.run("/usr/bin/pkill -INT -f support-bundle")
      #expect(await child.exitStatus() != 0)
      #expect(amphora.names(in: "/run/out") == [])
    }
  }
}

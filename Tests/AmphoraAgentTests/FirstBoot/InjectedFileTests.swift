// What an instance gets once: injected files, write_files, keys, time zone (contract image §4).

import Foundation
import Glibc
import Testing

@testable import AmphoraAgent

@Suite struct InjectedFileTests {
  @Test func `injected files arrive with their bytes, the agent's with mode 0600 and others with 0644`() async throws {
    let drive = try TrialDrive()
    let report = await drive.apply()
    #expect(report.problems.isEmpty)
    for (path, text) in TrialDrive.files {
      #expect(drive.text(path) == text, "\(path)")
      let status = try drive.status(path)
      #expect(status.mode == (path.hasPrefix("/etc/octavia/") ? 0o600 : 0o644), "\(path)")
      #expect(status.owner == getuid())
    }
    #expect(try drive.status("/etc/octavia/certs").mode == 0o755)
    #expect(drive.text("/etc/rsyslog.d/10-rsyslog.conf") == "", "an empty file is a file")
  }

  @Test func `a reboot does not bring back what the controller has replaced since`() async throws {
    let drive = try TrialDrive()
    try drive.put("latest/user_data", "#cloud-config\nwrite_files:\n- path: /etc/extra\n  content: first\n")
    await drive.apply()
    for path in ["/etc/octavia/certs/server.pem", "/etc/octavia/amphora-agent.conf", "/etc/extra"] {
      try drive.place(path, "replaced")
    }
    let report = await drive.apply()
    #expect(report.problems.isEmpty)
    for path in ["/etc/octavia/certs/server.pem", "/etc/octavia/amphora-agent.conf", "/etc/extra"] {
      #expect(drive.text(path) == "replaced", "\(path)")
    }
  }

  @Test func `another instance's drive is applied in full, and its ssh host keys are made anew`() async throws {
    let drive = try TrialDrive()
    await drive.apply()
    try drive.place("/etc/octavia/amphora-agent.conf", "old instance")
    try drive.place("/etc/ssh/ssh_host_ed25519_key", "old instance")
    try drive.meta(uuid: "11111111-2222-4333-8444-555555555555")
    #expect(await drive.apply().problems.isEmpty)
    #expect(drive.text("/etc/octavia/amphora-agent.conf") == TrialDrive.files["/etc/octavia/amphora-agent.conf"])
    #expect(drive.text("/etc/ssh/ssh_host_ed25519_key") == nil)
    #expect(drive.text("/var/lib/amphora/instance-id") == "11111111-2222-4333-8444-555555555555\n")
  }

  @Test func `a drive without a usable id counts at the first boot only`() async throws {
    let drive = try TrialDrive()
    try drive.meta(uuid: "../../x")
    let report = await drive.apply()
    #expect(report.problems == ["meta_data.json: uuid is '../../x', which is no instance's id"])
    #expect(drive.text("/etc/octavia/certs/server.pem") != nil, "the rest is applied")
    try drive.place("/etc/octavia/certs/server.pem", "replaced")
    await drive.apply()
    #expect(drive.text("/etc/octavia/certs/server.pem") == "replaced")
  }

  @Test func `a certificate that could not be written is tried again at the next boot`() async throws {
    let drive = try TrialDrive()
    try drive.place("/etc/octavia", "a file where a folder is wanted")
    let report = await drive.apply()
    #expect(report.exitCode == 1)
    #expect(report.problems.contains { $0.contains("/etc/octavia") })
    #expect(drive.text("/etc/rsyslog.d/10-rsyslog.conf") == "", "the others are written")
    #expect(drive.text("/etc/hostname") == "amphora-1\n")
    #expect(drive.text("/var/lib/amphora/instance-id") == nil)
    try FileManager.default.removeItem(atPath: drive.root + "/etc/octavia")
    #expect(await drive.apply().problems.isEmpty)
    #expect(drive.text("/etc/octavia/certs/server.pem") == TrialDrive.files["/etc/octavia/certs/server.pem"])
  }

  @Test func `write_files come after injected files, with their own modes and owners`() async throws {
    let drive = try TrialDrive()
    try drive.place("/etc/group", "adm:x:\(getgid()):\n")
    try drive.put(
      "latest/user_data",
      """
      #cloud-config
      write_files:
      - path: /etc/rsyslog.d/10-rsyslog.conf
        content: '*.* @192.0.2.1'
      - path: /opt/tool
        permissions: '0755'
        owner: debian:adm
        content: |
          #!/bin/sh
          true
      - path: /etc/octavia/certs/server.pem
        permissions: 0644
        content: key
      - path: /opt/data
        encoding: b64
        content: AAEC/w==
      - path: /opt/unquoted
        permissions: 0640
        owner: nobody-here
        content: x
      """)
    let report = await drive.apply()
    #expect(report.problems == ["write_files: the owner of /opt/unquoted is 'nobody-here': unknown"])
    #expect(drive.text("/etc/rsyslog.d/10-rsyslog.conf") == "*.* @192.0.2.1")
    #expect(drive.text("/opt/tool") == "#!/bin/sh\ntrue\n")
    #expect(try drive.status("/opt/tool").mode == 0o755)
    #expect(try drive.status("/opt/tool").owner == drive.owner)
    #expect(try drive.status("/etc/octavia/certs/server.pem").mode == 0o600, "keys stay the agent's alone")
    #expect(try Data(contentsOf: URL(filePath: drive.root + "/opt/data")) == Data([0, 1, 2, 255]))
  }

  @Test func `no line of the journal holds a content`() async throws {
    let drive = try TrialDrive()
    try drive.put(
      "latest/user_data", "#cloud-config\nwrite_files: secret-key\nruncmd: {secret-key: a}\nfoo: secret-key\n")
    let report = await drive.apply()
    #expect(report.problems.count == 3)
    for line in report.notes + report.problems { #expect(!line.contains("secret"), "\(line)") }
  }

  @Test func `the seed is stirred into the kernel's pool at each boot`() async throws {
    let drive = try TrialDrive()
    await drive.apply()
    #expect(drive.text("/dev/urandom") == String(repeating: "Z", count: 512))
    try drive.place("/dev/urandom", "")
    await drive.apply()
    #expect(drive.text("/dev/urandom") == String(repeating: "Z", count: 512))
  }
}

// amphora-agent init as a process: exit codes and lines, and a kill at every change to a file that it makes.

import Files
import Foundation
import Testing

@testable import AmphoraAgent

@Suite struct InitCommandTests {
  /// The binary, built beside the tests.
  private static let agent = URL(filePath: (try? FileRead.link("/proc/self/exe")) ?? "").deletingLastPathComponent()
    .appending(path: "amphora-agent").path

  private func run(_ drive: TrialDrive, _ arguments: [String] = [], killAfter count: Int? = nil) async throws
    -> CommandResult
  {
    let base = ["init", "--drive", drive.tree, "--root", drive.root, "--wait", "0"]
    guard let count else { return try await Command.run(Self.agent, base + arguments) }
    try drive.folder.write("kill", "start \(count)")
    return try await Command.run(
      "/usr/bin/env", ["AMPHORA_TEST_KILL_FILE=\(drive.folder.path)/kill", Self.agent] + base + arguments)
  }

  @Test func `all applied is exit code 0, and both stages say what they did`() async throws {
    let drive = try TrialDrive()
    try drive.put("latest/user_data", "#cloud-config\nruncmd:\n- echo hello\n")
    let first = try await run(drive)
    #expect(first.status == 0, "\(first.output)")
    #expect(first.output.contains("4 of 4 files written"))
    #expect(drive.text("/etc/octavia/certs/server.pem") == TrialDrive.files["/etc/octavia/certs/server.pem"])
    #expect(drive.text("/etc/hostname") == "amphora-1\n")
    #expect(HostFacts.hostname() != "amphora-1", "another root's name")
    let second = try await run(drive, ["--stage", "commands"])
    #expect(second.status == 0, "\(second.output)")
    #expect(second.output.contains("runcmd[0]: hello"))
  }

  @Test func `something wrong is exit code 1 and a line, and the rest is applied`() async throws {
    let drive = try TrialDrive()
    try drive.put("latest/user_data", "#cloud-config\nfoo: bar\nruncmd: [exit 4]\n")
    let first = try await run(drive)
    #expect(first.status == 1)
    #expect(first.output.contains("user_data: 'foo' is not known here, and left out\n"))
    #expect(drive.text("/etc/octavia/certs/server.pem") != nil)
    let second = try await run(drive, ["--stage", "commands"])
    #expect(second.status == 1)
    #expect(second.output.contains("runcmd[0] ended with status 4\n"))
  }

  @Test func `the help names examples, exit codes and files`() async throws {
    let help = try await Command.run(Self.agent, ["init", "--help"])
    for part in ["EXAMPLES:", "Exit codes:", "/var/lib/amphora/instance-id", "--stage", "--drive", "--root", "--user"] {
      #expect(help.output.contains(part), "\(part)")
    }
    #expect(try await Command.run(Self.agent, ["init", "--stage", "other"]).status == 64)
    #expect(try await Command.run(Self.agent, ["init", "--wait", "-1"]).status == 64)
  }

  @Test func `killed at any change to a file, it is completed by the next boot`() async throws {
    let drive = try TrialDrive()
    try drive.place("/usr/share/zoneinfo/Europe/Zurich", "TZif2")
    try drive.put(
      "latest/user_data",
      "#cloud-config\ntimezone: Europe/Zurich\nwrite_files:\n- path: /opt/a/b\n  content: x\n  owner: debian\n")
    #expect(try await run(drive).status == 0)
    let whole = try drive.state()
    var kills = 0
    for count in 1...300 {
      try drive.makeRoot()
      try drive.place("/usr/share/zoneinfo/Europe/Zurich", "TZif2")
      let result = try await run(drive, killAfter: count)
      // What is there is whole, and only temporaries are not.
      for (path, content) in try drive.state() where !path.hasSuffix(".tmp") {
        #expect(content == whole[path] || path.hasSuffix("urandom"), "\(path) after \(count)")
      }
      if result.status == 0 { break }
      #expect(result.status == 137, "\(result.output)")
      kills = count
      #expect(await drive.apply().problems.isEmpty)
      let now = try drive.state()
      #expect(now == whole, "killed at \(count): \(Set(now.keys).symmetricDifference(whole.keys))")
      #expect(try drive.status("/home/debian/.ssh/authorized_keys").owner == drive.owner, "killed at \(count)")
      #expect(try drive.status("/home/debian/.ssh").owner == drive.owner, "killed at \(count)")
      #expect(try drive.status("/opt/a/b").owner == drive.owner, "killed at \(count)")
    }
    #expect(kills > 60, "files, folders, links, owners: \(kills)")
  }
}

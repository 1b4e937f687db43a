// runcmd, the second stage.

import Foundation
import Testing

@testable import AmphoraAgent

@Suite struct BootCommandTests {
  private func drive(_ commands: String) throws -> TrialDrive {
    let drive = try TrialDrive()
    try drive.put(
      "latest/user_data", "#cloud-config\nruncmd:\n" + commands.replacing("$OUT", with: drive.root + "/out"))
    return drive
  }

  @Test func `both forms run in order, with their output as lines`() async throws {
    let drive = try drive(
      "- echo one >> $OUT; echo seen; echo too >&2\n- [sh, -c, 'echo \"$1\" >> $OUT', sh, 'a  $b']\n")
    #expect(await drive.apply().problems.isEmpty)
    #expect(drive.text("/out") == nil, "the first stage runs nothing")
    let report = await drive.boot().runCommands()
    #expect(report.problems.isEmpty)
    #expect(report.notes == ["runcmd[0]: seen", "runcmd[0]: too", "runcmd[0] done", "runcmd[1] done"])
    #expect(drive.text("/out") == "one\na  $b\n")
  }

  @Test func `a command that fails is told without its words, and the next runs`() async throws {
    let drive = try drive("- echo why; exit 3 # secret\n- [/nonexistent/secret]\n- kill -9 $$\n- echo last > $OUT\n")
    await drive.apply()
    let report = await drive.boot().runCommands()
    #expect(report.exitCode == 1)
    #expect(
      report.problems == [
        "runcmd[0] ended with status 3",
        "runcmd[1]: /nonexistent/secret could not be started: No such file or directory",
        "runcmd[2] ended with status 137",
      ])
    #expect(report.notes.contains("runcmd[0]: why"))
    #expect(drive.text("/out") == "last\n")
  }

  @Test func `commands run once for an instance`() async throws {
    let drive = try drive("- echo run >> $OUT\n")
    await drive.apply()
    for _ in 0..<2 { _ = await drive.boot().runCommands() }
    #expect(drive.text("/out") == "run\n")
    try drive.meta(uuid: "another")
    await drive.apply()
    _ = await drive.boot().runCommands()
    #expect(drive.text("/out") == "run\nrun\n")
  }

  @Test func `when that cannot be noted they do not run: one that reboots would do so for ever`() async throws {
    let drive = try drive("- echo run >> $OUT\n")
    await drive.apply()
    // A folder stands in the way of the note.
    try drive.place("/var/lib/amphora/instance-id.commands/x", "")
    let report = await drive.boot().runCommands()
    #expect(report.problems.count == 1, "\(report.problems)")
    #expect(drive.text("/out") == nil)
  }

  @Test func `that they ran is on disk before they do, for one may reboot the machine`() async throws {
    let record = "/var/lib/amphora/instance-id.commands"
    let drive = try TrialDrive()
    try drive.put("latest/user_data", "#cloud-config\nruncmd:\n- cat \(drive.root)\(record) > \(drive.root)/out\n")
    await drive.apply()
    _ = await drive.boot().runCommands()
    #expect(drive.text("/out") == TrialDrive.instance + "\n")
  }

  @Test func `without a drive there is nothing to run`() async throws {
    let drive = try TrialDrive()
    let empty = drive.folder.folder("empty")
    let boot = FirstBoot(root: drive.root, patience: .seconds(60), search: DriveSearch(devices: empty, blocks: empty))
    let report = await boot.runCommands()
    #expect(report.problems.isEmpty && report.notes.isEmpty)
  }
}

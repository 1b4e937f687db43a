// Drives with wrong or hostile content: each thing is told by its field, and what is usable is applied.

import Foundation
import Glibc
import Testing

@testable import AmphoraAgent

@Suite struct HostileDriveTests {
  private func problems(files: String) async throws -> (TrialDrive, [String]) {
    let drive = try TrialDrive()
    try drive.put("content/0000", "body")
    try drive.put(
      "latest/meta_data.json",
      "{\"uuid\": \"u\", \"files\": [\(files), {\"content_path\": \"/content/0000\", \"path\": \"/good\"}]}")
    return (drive, await drive.apply().problems)
  }

  @Test(
    arguments: [
      ("{\"path\": \"/x\"}", "files[0] has no 'content_path'"),
      ("{\"content_path\": \"/content/0000\"}", "files[0] has no 'path'"),
      (
        "{\"content_path\": \"/content/9999\", \"path\": \"/x\"}",
        "files[0].content_path names '/content/9999', which is not on the drive"
      ),
      (
        "{\"content_path\": \"/content/../latest/meta_data.json\", \"path\": \"/x\"}",
        "files[0].content_path is '/content/../latest/meta_data.json'; '.', '..' and parts longer than 255 bytes are refused"
      ),
      (
        "{\"content_path\": \"/latest/meta_data.json\", \"path\": \"/x\"}",
        "files[0].content_path does not begin with /content/"
      ),
      (
        "{\"content_path\": \"/content/0000\", \"path\": \"/../x\"}",
        "files[0].path is '/../x'; '.', '..' and parts longer than 255 bytes are refused"
      ),
      ("{\"content_path\": \"/content/0000\", \"path\": \"x\"}", "files[0].path is 'x', which is no absolute path"),
      (
        "{\"content_path\": \"/content/0000\", \"path\": \"/a\\u0000b\"}",
        "files[0].path is '/a?b', which is too long or has control characters"
      ),
      (
        "{\"content_path\": \"/content/0000\", \"path\": \"/a\\n<3>forged\"}",
        "files[0].path is '/a?<3>forged', which is too long or has control characters"
      ),
      ("{\"content_path\": \"/content/0000\", \"path\": 7}", "files[0].path is '7', which is no absolute path"),
      ("{\"content_path\": \"/content/0000\", \"path\": {}}", "files[0].path is no text"),
      ("17", "files[0] is no mapping"),
    ])
  func `a bad file is told by its field, and the next is written`(_ file: String, _ problem: String) async throws {
    let (drive, problems) = try await problems(files: file)
    #expect(problems == ["meta_data.json: \(problem)"])
    #expect(drive.text("/good") == "body")
    #expect(drive.text("/x") == nil)
  }

  @Test(
    arguments: [
      ("", "meta_data.json: is no JSON"), ("[1, 2", "meta_data.json: is no JSON"),
      ("\u{FEFF}x", "meta_data.json: is no JSON"),
      (String(repeating: "[", count: 100_000), "meta_data.json: is no JSON"),
      (
        String(repeating: "[", count: 100) + String(repeating: "]", count: 100),
        "meta_data.json: nests deeper than 16 levels"
      ),
    ])
  func `without meta_data the network and the user data still count`(_ text: String, _ problem: String) async throws {
    let drive = try TrialDrive()
    try drive.put("latest/meta_data.json", text)
    try drive.put("latest/user_data", "#cloud-config\nwrite_files:\n- path: /etc/octavia/x\n  content: y\n")
    let report = await drive.apply()
    #expect(report.exitCode == 1)
    #expect(report.problems.first == problem)
    #expect(drive.network() != nil)
    #expect(drive.text("/etc/octavia/x") == "y")
  }

  @Test(arguments: ["content/0000", "latest/user_data"])
  func `what the agent needs and could not be read is read again at the next boot`(path: String) async throws {
    let drive = try TrialDrive()
    let isFile = path.hasPrefix("content")
    try drive.meta(files: isFile ? TrialDrive.files : [:])
    let content = isFile ? TrialDrive.files["/etc/octavia/amphora-agent.conf"] ?? "" : "#cloud-config\ntimezone: UTC\n"
    try drive.put(path, content)
    // A folder cannot be read as a file, as a drive with a bad sector.
    let place = "\(drive.tree)/openstack/\(path)"
    try FileManager.default.removeItem(atPath: place)
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
    #expect(await drive.apply().problems.count == 1)
    #expect(drive.text("/var/lib/amphora/instance-id") == nil)
    try FileManager.default.removeItem(atPath: place)
    try drive.put(path, content)
    #expect(await drive.apply().problems.isEmpty)
    #expect(drive.text("/var/lib/amphora/instance-id") != nil)
    if isFile { #expect(drive.text("/etc/octavia/amphora-agent.conf") == content) }
  }

  @Test func `sizes and numbers are bounded`() async throws {
    let drive = try TrialDrive()
    let large = String(repeating: "x", count: (1 << 20) + 1)
    try drive.put("content/0000", large)
    try drive.put("content/0001", String(large.dropFirst()))
    let many = (0..<20).map { "{\"content_path\": \"/content/0001\", \"path\": \"/many/\($0)\"}" }.joined(
      separator: ",")
    try drive.put(
      "latest/meta_data.json",
      "{\"uuid\": \"u\", \"files\": [{\"content_path\": \"/content/0000\", \"path\": \"/large\"}, \(many)]}")
    try drive.put("latest/user_data", "#cloud-config\n#" + large)
    let report = await drive.apply()
    #expect(
      report.problems == [
        "config drive: content/0000 is larger than 1048576 bytes",
        "meta_data.json: files[17] is past the 16777216 bytes that all files may have together",
        "config drive: latest/user_data is larger than 1048576 bytes",
      ])
    #expect(drive.text("/many/15") != nil && drive.text("/many/16") == nil)
    let hundred = (0..<100).map { "{\"content_path\": \"/content/0001\", \"path\": \"/more/\($0)\"}" }.joined(
      separator: ",")
    try drive.put("latest/meta_data.json", "{\"uuid\": \"v\", \"files\": [\(hundred)]}")
    #expect(await drive.apply().problems.first == "meta_data.json: files has 100 elements; 64 are the most")
  }

  @Test func `a FIFO or a link on the drive is not opened`() async throws {
    let drive = try TrialDrive()
    mkfifo(drive.tree + "/openstack/latest/user_data", 0o644)
    try FileManager.default.removeItem(atPath: drive.tree + "/openstack/latest/network_data.json")
    try FileManager.default.createSymbolicLink(
      atPath: drive.tree + "/openstack/latest/network_data.json", withDestinationPath: "/etc/passwd")
    let report = await drive.apply()
    #expect(report.problems.contains("config drive: latest/user_data is no plain file"))
    #expect(report.problems.contains("config drive: latest/network_data.json is no plain file"))
    #expect(drive.text("/etc/octavia/certs/server.pem") != nil)
  }

  @Test func `a folder that is no drive is told`() async throws {
    let drive = try TrialDrive()
    let report = await drive.boot(drive: drive.folder.path).writeFiles()
    #expect(report.problems.first == "\(drive.folder.path) is no config drive: it has no folder openstack")
    try drive.place("/file", "text")
    let other = await drive.boot(drive: drive.root + "/file").writeFiles()
    #expect(other.problems.first?.hasSuffix("is neither a folder nor a device with the label config-2") == true)
  }
}

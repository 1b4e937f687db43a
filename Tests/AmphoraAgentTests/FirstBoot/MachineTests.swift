// Host name, keys and time zone.

import Foundation
import Glibc
import Testing

@testable import AmphoraAgent

@Suite struct MachineTests {
  @Test func `the host name is the first part, and its line of hosts has the whole`() async throws {
    let drive = try TrialDrive()
    try drive.place("/etc/hosts", "127.0.0.1 localhost\n127.0.1.1\tdebian\n::1 localhost\n")
    await drive.apply()
    #expect(drive.text("/etc/hostname") == "amphora-1\n")
    #expect(
      drive.text("/etc/hosts") == "127.0.0.1 localhost\n127.0.1.1 amphora-1.novalocal amphora-1\n::1 localhost\n")
  }

  @Test func `without a file of hosts one is made, and a plain name stands there once`() async throws {
    let drive = try TrialDrive()
    try drive.meta(hostname: "amphora-1")
    await drive.apply()
    #expect(
      drive.text("/etc/hosts") == "127.0.0.1 localhost\n::1 localhost ip6-localhost\n127.0.1.1 amphora-1\n")
  }

  @Test func `what is right is not written again, and what is wrong is`() async throws {
    let drive = try TrialDrive()
    await drive.apply()
    let paths = ["/etc/hostname", "/etc/hosts", "/etc/systemd/network/10-amphora-fa163e000001.network"]
    func inodes() -> [ino_t] {
      paths.map { path in
        var status = stat()
        return lstat(drive.root + path, &status) == 0 ? status.st_ino : 0
      }
    }
    let before = inodes()
    await drive.apply()
    #expect(inodes() == before)
    for path in paths { try drive.place(path, "wrong") }
    await drive.apply()
    #expect(drive.text("/etc/hostname") == "amphora-1\n")
    #expect(drive.network()?.contains("DHCP=ipv4") == true)
  }

  @Test(arguments: ["a_b", "-a", "a.", "", "a..b", "a\u{0}b", "ä", String(repeating: "a", count: 64), "a\nb"])
  func `what is no host name is refused by its field`(_ name: String) async throws {
    let drive = try TrialDrive()
    let encoded = String(decoding: try JSONEncoder().encode(name), as: UTF8.self)
    try drive.meta(hostname: String(encoded.dropFirst().dropLast()))
    let report = await drive.apply()
    #expect(report.problems.count == 1)
    #expect(report.problems.first?.hasPrefix("meta_data.json: hostname is '") == true)
    #expect(drive.text("/etc/hostname") == nil)
    #expect(drive.text("/etc/octavia/certs/server.pem") != nil)
  }

  @Test func `keys go to the user, who owns them, beside those that are there`() async throws {
    let drive = try TrialDrive()
    try drive.place("/home/debian/.ssh/authorized_keys", "ssh-rsa AAAA there\n\(TrialDrive.key)\n")
    let other = "ecdsa-sha2-nistp256 AAAA other"
    try drive.put("latest/user_data", "#cloud-config\nssh_authorized_keys:\n- \(other)\n")
    #expect(await drive.apply().problems.isEmpty)
    #expect(drive.text("/home/debian/.ssh/authorized_keys") == "ssh-rsa AAAA there\n\(TrialDrive.key)\n\(other)\n")
    #expect(try drive.status("/home/debian/.ssh/authorized_keys") == (0o600, drive.owner))
  }

  @Test func `a folder for keys is made for the user alone`() async throws {
    let drive = try TrialDrive()
    await drive.apply()
    #expect(try drive.status("/home/debian/.ssh") == (0o700, drive.owner))
    #expect(try drive.status("/home/debian/.ssh/authorized_keys") == (0o600, drive.owner))
    #expect(drive.text("/home/debian/.ssh/authorized_keys") == TrialDrive.key + "\n")
  }

  @Test func `keys of a user that is missing are told, and the rest is applied`() async throws {
    let drive = try TrialDrive()
    let report = await drive.boot(user: "ubuntu").writeFiles()
    #expect(report.problems == ["user 'ubuntu' is not in /etc/passwd; ssh keys need a user (--user)"])
    #expect(drive.text("/etc/octavia/certs/server.pem") != nil)
  }

  @Test func `a link where the user's keys belong is not followed`() async throws {
    let drive = try TrialDrive()
    try drive.place("/home/debian/x", "")
    try drive.place("/root/target", "untouched")
    try FileManager.default.createDirectory(atPath: drive.root + "/home/debian/.ssh", withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: drive.root + "/home/debian/.ssh/authorized_keys", withDestinationPath: drive.root + "/root/target")
    let report = await drive.apply()
    #expect(report.problems.count == 1)
    #expect(drive.text("/root/target") == "untouched")
  }

  @Test(arguments: ["{\"k\": \"no key\"}", "{\"k\": \"ssh-rsa %%%\"}", "{\"k\": \"ssh-rsa AAAA a\\u0007b\"}", "[]"])
  func `what is no key is refused by its field`(_ keys: String) async throws {
    let drive = try TrialDrive()
    try drive.meta(keys: keys)
    let report = await drive.apply()
    #expect(report.problems.count == 1)
    #expect(report.problems.first?.hasPrefix("meta_data.json: public_keys") == true)
    #expect(drive.text("/home/debian/.ssh/authorized_keys") == nil)
  }

  @Test func `a time zone is a link and Debian's file`() async throws {
    let drive = try TrialDrive()
    try drive.place("/usr/share/zoneinfo/Europe/Zurich", "TZif2")
    try drive.put("latest/user_data", "#cloud-config\ntimezone: Europe/Zurich\n")
    #expect(await drive.apply().problems.isEmpty)
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: drive.root + "/etc/localtime")
        == "../usr/share/zoneinfo/Europe/Zurich")
    #expect(drive.text("/etc/timezone") == "Europe/Zurich\n")
  }

  @Test func `UTC needs no file, and ends another zone`() async throws {
    let drive = try TrialDrive()
    try drive.place("/usr/share/zoneinfo/Europe/Zurich", "TZif2")
    try drive.put("latest/user_data", "#cloud-config\ntimezone: Europe/Zurich\n")
    await drive.apply()
    try drive.meta(uuid: "another")
    try drive.put("latest/user_data", "#cloud-config\ntimezone: UTC\n")
    #expect(await drive.apply().problems.isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: drive.root + "/etc").contains("localtime") == false)
    #expect(drive.text("/etc/timezone") == "UTC\n")
  }

  @Test(
    arguments: [
      ("../../etc/shadow", "user_data: timezone is '../../etc/shadow', which is no time zone"),
      ("Mars/Base", "timezone Mars/Base is not in this image's /usr/share/zoneinfo"),
      ("Europe", "timezone Europe is not in this image's /usr/share/zoneinfo"),
    ])
  func `what is no time zone is refused`(_ zone: String, _ problem: String) async throws {
    let drive = try TrialDrive()
    try drive.place("/usr/share/zoneinfo/Europe/Zurich", "TZif2")
    try drive.put("latest/user_data", "#cloud-config\ntimezone: \(zone)\n")
    #expect(await drive.apply().problems == [problem])
    #expect(drive.text("/etc/timezone") == nil)
  }
}

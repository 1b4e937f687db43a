// The search for the drive by its label. That the kernel mounts what is found is shown in the booted image (Tests/Image):
// a machine that runs these tests need not know iso9660.

import Foundation
import Testing

@testable import AmphoraAgent

@Suite struct DriveSearchTests {
  /// Devices that are files, with the entries that sysfs has for them.
  private struct Disks {
    let folder: LabFolder
    var search: DriveSearch { DriveSearch(devices: folder.path + "/dev", blocks: folder.path + "/block") }

    init() throws {
      folder = try LabFolder()
      for name in ["dev", "block"] { folder.folder(name) }
    }

    func path(_ name: String) -> String { "\(folder.path)/dev/\(name)" }

    func add(_ name: String, _ bytes: [UInt8] = []) throws {
      try FileManager.default.createDirectory(
        at: URL(filePath: path(name)).deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(bytes).write(to: URL(filePath: path(name)))
      try folder.write("block/\(name.replacing("/", with: "!"))", "")
    }

    /// Makes a device of a real tool.
    func make(_ name: String, _ program: String, _ arguments: [String]) async throws {
      try add(name)
      let result = try await Command.run(program, arguments)
      try #require(result.isSuccess, "\(result.output)")
    }
  }

  private static func iso(_ label: String) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 40_000)
    bytes.replaceSubrange(32_768..<32_774, with: [1] + Array("CD001".utf8))
    let padded = Array(label.utf8) + [UInt8](repeating: 0x20, count: 32 - label.utf8.count)
    bytes.replaceSubrange(32_808..<32_840, with: padded)
    return bytes
  }

  private static func has(_ program: String) -> Bool {
    ["/usr/bin/", "/usr/sbin/", "/sbin/"].contains { FileManager.default.isExecutableFile(atPath: $0 + program) }
  }

  @Test func `a drive is found among other devices, whatever its bus calls it`() throws {
    for name in ["vdb", "sda", "sr0", "xvdz", "cciss/c0d0", "nvme0n1"] {
      let disks = try Disks()
      try disks.add("vda", [UInt8](repeating: 0, count: 40_000))
      try disks.add("vdc", Self.iso("config-20"))
      try disks.add("vdd", Self.iso("cidata"))
      try disks.add("empty")
      #expect(disks.search.find() == nil)
      try disks.add(name, Self.iso("config-2"))
      #expect(disks.search.find() == DriveDevice(path: disks.path(name), format: .iso9660), "\(name)")
    }
  }

  @Test func `devices that clouds do not use are not asked`() throws {
    let disks = try Disks()
    for name in ["loop0", "ram0", "zram0", "dm-0", "md0", "nbd0", "fd0"] { try disks.add(name, Self.iso("config-2")) }
    #expect(disks.search.find() == nil)
  }

  @Test func `udev's link is taken first`() throws {
    let disks = try Disks()
    try disks.add("sda", Self.iso("config-2"))
    try disks.add("sdb", Self.iso("config-2"))
    try FileManager.default.createDirectory(atPath: disks.path("disk/by-label"), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: disks.path("disk/by-label/config-2"), withDestinationPath: "../../sdb")
    #expect(disks.search.find()?.path == disks.path("disk/by-label/config-2"))
    try Data(Self.iso("other")).write(to: URL(filePath: disks.path("sdb")))
    #expect(disks.search.find()?.path == disks.path("sda"), "a link that is no longer true")
  }

  @Test(.enabled(if: has("genisoimage"), "skipped: genisoimage is not installed"))
  func `an ISO of genisoimage, as nova makes it, is found`() async throws {
    let disks = try Disks()
    let drive = try TrialDrive()
    let options = ["-quiet", "-ldots", "-allow-lowercase", "-allow-multidot", "-l", "-J", "-r"]
    try await disks.make("sr0", "genisoimage", options + ["-V", "other", "-o", disks.path("sr0"), drive.tree])
    #expect(disks.search.find() == nil)
    try await disks.make("sr1", "genisoimage", options + ["-V", "config-2", "-o", disks.path("sr1"), drive.tree])
    #expect(disks.search.find() == DriveDevice(path: disks.path("sr1"), format: .iso9660))
  }

  @Test(.enabled(if: has("mkfs.vfat"), "skipped: mkfs.vfat is not installed"), arguments: ["12", "16", "32"])
  func `a vfat drive is found, whatever its size and letters`(_ bits: String) async throws {
    let disks = try Disks()
    for (name, label) in [("vdb", "other"), ("vdc", bits == "32" ? "config-2" : "CONFIG-2")] {
      try await disks.make(name, "mkfs.vfat", ["-C", "-F", bits, "-n", label, disks.path(name) + ".img", "65536"])
      try FileManager.default.removeItem(atPath: disks.path(name))
      try FileManager.default.moveItem(atPath: disks.path(name) + ".img", toPath: disks.path(name))
    }
    #expect(disks.search.find() == DriveDevice(path: disks.path("vdc"), format: .vfat))
  }

  @Test func `the search waits for a drive that appears, and no longer than told`() async throws {
    let disks = try Disks()
    #expect(disks.search.find(until: .now) == nil)
    async let found = HeartbeatLab.offPool { disks.search.find(until: .now + .seconds(60)) }
    // Not there at the first look, as a rule: the thread starts first.
    try disks.add("sr0", Self.iso("config-2"))
    #expect(try await found?.path == disks.path("sr0"))
  }
}

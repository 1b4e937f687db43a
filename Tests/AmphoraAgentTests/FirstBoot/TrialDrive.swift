// A config drive's tree and an amphora's root in one folder, with what the tests of the first boot share.

import Files
import Foundation
import Glibc
import Testing

@testable import AmphoraAgent

/// A drive that a test fills, and a root to which it is applied.
final class TrialDrive: Sendable {
  static let instance = "6a7c0d2e-9a2f-4d3c-8a11-0123456789ab"
  static let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1hYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh operator@desk"
  /// The files of a new amphora, as controllers inject them.
  static let files = [
    "/etc/octavia/certs/server.pem": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\nsecret-key\n",
    "/etc/octavia/certs/client_ca.pem": "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n",
    "/etc/octavia/amphora-agent.conf": "\n[DEFAULT]\n[health_manager]\nheartbeat_key = secret&amp;key\n",
    "/etc/rsyslog.d/10-rsyslog.conf": "",
  ]
  static let oneNIC = """
    {"links": [{"id": "tap1", "type": "ovs", "ethernet_mac_address": "FA:16:3E:00:00:01", "mtu": 1450}],
     "networks": [{"id": "network0", "type": "ipv4_dhcp", "link": "tap1", "network_id": "n"}], "services": []}
    """

  let folder: LabFolder
  var tree: String { folder.path + "/drive" }
  var root: String { folder.path + "/root" }
  /// Root may give files to anybody, other users to themselves only.
  let owner = getuid() == 0 ? uid_t(4711) : getuid()

  init() throws {
    folder = try LabFolder()
    try makeRoot()
    try meta()
    try put("latest/network_data.json", Self.oneNIC)
  }

  /// Makes the root anew.
  func makeRoot() throws {
    try? FileManager.default.removeItem(atPath: root)
    try place("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\ndebian:x:\(owner):\(getgid())::/home/debian:/bin/bash\n")
    try place("/dev/urandom", "")
  }

  /// Writes a file of the drive, by its path below `openstack`.
  func put(_ path: String, _ text: String) throws { try put(path, Array(text.utf8)) }
  func put(_ path: String, _ bytes: [UInt8]) throws { try write(bytes, to: "\(tree)/openstack/\(path)") }

  /// Writes a file of the root.
  func place(_ path: String, _ text: String) throws { try write(Array(text.utf8), to: root + path) }

  private func write(_ bytes: [UInt8], to path: String) throws {
    let url = URL(filePath: path)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
  }

  /// Writes meta_data.json with the files that it injects.
  func meta(
    uuid: String = instance, files: [String: String] = files, hostname: String = "amphora-1.novalocal",
    keys: String = "{\"mykey\": \"\(key)\\n\"}", seed: String = Data(repeating: 0x5A, count: 512).base64EncodedString()
  ) throws {
    var entries: [[String: String]] = []
    for (index, file) in files.sorted(by: { $0.key < $1.key }).enumerated() {
      try put("content/000\(index)", file.value)
      entries.append(["content_path": "/content/000\(index)", "path": file.key])
    }
    let list = String(decoding: try JSONEncoder().encode(entries), as: UTF8.self)
    try put(
      "latest/meta_data.json",
      """
      {"uuid": "\(uuid)", "hostname": "\(hostname)", "name": "amphora-1", "public_keys": \(keys),
       "random_seed": "\(seed)", "files": \(list), "launch_index": 0, "availability_zone": "nova"}
      """)
  }

  func boot(drive: String? = nil, user: String = "debian") -> FirstBoot {
    FirstBoot(root: root, drive: drive ?? tree, user: user, patience: .zero)
  }

  @discardableResult
  func apply() async -> BootReport { await boot().writeFiles() }

  /// A file of the root.
  func text(_ path: String) -> String? { try? String(contentsOfFile: root + path, encoding: .utf8) }

  /// Mode and owner of a file or folder of the root, links not followed.
  func status(_ path: String) throws -> (mode: mode_t, owner: uid_t) {
    var status = stat()
    try #require(lstat(root + path, &status) == 0, "\(path) is not there")
    return (status.st_mode & 0o7777, status.st_uid)
  }

  /// All files of the root by path: content, and the mode in octal.
  func state() throws -> [String: String] {
    var state: [String: String] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: root) where !FileRead.isFolder("\(root)/\(name)") {
      state[name] = String(try status("/" + name).mode, radix: 8) + " " + (text("/" + name) ?? "?")
    }
    return state
  }

  /// The file of networkd for a MAC written without colons.
  func network(_ mac: String = "fa163e000001") -> String? { text("/etc/systemd/network/10-amphora-\(mac).network") }
}

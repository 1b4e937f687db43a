// The encrypted RAM disk for tenants' certificates, of images that have one (contract image §3.5).

import Files
import FoundationEssentials

/// The disk as the image's element `certs-ramfs` makes it.
enum CertificateDisk {
  /// The unit that makes it; its file tells that the image has one.
  static let unit = "certs-ramfs.service"
  private static let device = "/dev/mapper/certfs-ramfs"

  /// Whether keys would go to the ordinary disk, where they outlive the amphora; the agent does not start like this.
  static func isMissing(_ amphora: LocalAmphora, _ machine: Machine = Machine()) -> Bool {
    guard FileRead.exists("\(amphora.paths.units)/\(unit)") else { return false }
    return !isMounted(on: amphora.paths.certificates, mountinfo: FileRead.text("\(machine.proc)/self/mountinfo") ?? "")
  }

  /// Whether the disk is what a folder shows.
  ///
  /// A line is `36 35 254:0 / /mount/point rw,nosuid - ext2 /dev/mapper/name rw` (proc(5)); of several mounts on one folder
  /// the last counts.
  static func isMounted(on folder: String, mountinfo: String) -> Bool {
    var source: Substring?
    for line in mountinfo.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count > 4, words[4] == folder, let dash = words.firstIndex(of: "-"), words.count > dash + 2 else {
        continue
      }
      source = words[dash + 2]
    }
    return source.map { $0 == device } ?? false
  }

  /// Mounts the disk that is there with its keys, or makes a new one.
  static var remedy: String {
    FileRead.exists(device) ? "/usr/local/bin/certfs-ramfs check" : "systemctl restart \(unit)"
  }
}

// Room on the disks.

import Files
import Glibc

/// Whether the agent can store, and the logs can be written.
struct DiskCheck: DoctorCheck {
  let name = "disk"
  /// Folders for which 10 MB must be left, and more; the program's logs among them.
  var logs = "/var/log"

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    var (seen, findings): (Set<dev_t>, [Finding]) = ([], [])
    var room: [String] = []
    // The RAM disk for certificates is smaller than what is asked of others.
    for (folder, least) in [("/", 10), (amphora.paths.base, 10), (logs, 10), (amphora.paths.certificates, 0)] {
      var status = stat()
      guard stat(folder, &status) == 0, seen.insert(status.st_dev).inserted, let usage = DiskUsage(folder) else {
        continue
      }
      room.append("\(usage.percent) % of \(folder)")
      if let finding = judge(usage, folder, leastMegabytes: UInt64(least)) { findings.append(finding) }
    }
    return findings.isEmpty ? [.pass(name, "in use: \(room.joined(separator: ", "))")] : findings
  }

  func judge(_ usage: DiskUsage, _ folder: String, leastMegabytes: UInt64) -> Finding? {
    if usage.percent >= 99 || usage.free < leastMegabytes * 1_000_000 {
      let evidence = "\(folder) is full: \(Readable.bytes(usage.free)) of \(Readable.bytes(usage.size)) left"
      return finding(evidence, folder, isFailure: true)
    }
    if usage.inodePercent >= 99 {
      return .failure(
        name, "\(folder) has no room for another file: all inodes are in use", remedy: Self.inodeRemedy(folder))
    }
    if usage.percent >= 90 {
      let evidence = "\(usage.percent) % of \(folder) is in use, \(Readable.bytes(usage.free)) left"
      return finding(evidence, folder, isFailure: false)
    }
    if usage.inodePercent >= 90 {
      let evidence = "\(usage.inodePercent) % of the inodes of \(folder) are in use"
      return .warning(name, evidence, remedy: Self.inodeRemedy(folder))
    }
    return nil
  }

  private static func inodeRemedy(_ folder: String) -> String {
    "du --inodes -x \(folder) | sort -n | tail shows where they are; remove what is not needed"
  }

  private func finding(_ evidence: String, _ folder: String, isFailure: Bool) -> Finding {
    let (largest, remedy) = largest(below: folder)
    return isFailure
      ? .failure(name, evidence + largest, remedy: remedy) : .warning(name, evidence + largest, remedy: remedy)
  }

  /// What takes the room, and how to have it back.
  private func largest(below folder: String) -> (evidence: String, remedy: String) {
    guard let file = LargestFile.find(below: folder) else {
      return ("", "du -xm \(folder) | sort -n | tail shows what takes the room; remove what is not needed")
    }
    let evidence = "; the largest file is \(file.path), \(Readable.bytes(file.bytes))"
    if file.path.hasPrefix("\(logs)/journal/") { return (evidence, "journalctl --rotate --vacuum-size=8M") }
    // Not rm: its writer would keep it, and the room, until it is restarted.
    if file.path.hasPrefix("\(logs)/") { return (evidence, "truncate -s 0 \(file.path)") }
    return (evidence, "if nothing needs it: rm \(file.path)")
  }
}

/// How full a file system is.
struct DiskUsage: Equatable {
  var size: UInt64
  /// What may still be written by an ordinary process.
  var free: UInt64
  var used: UInt64
  var inodes: UInt64
  var freeInodes: UInt64

  /// As df(1) has it: of what ordinary processes can have.
  var percent: UInt64 { used + free == 0 ? 0 : used * 100 / (used + free) }
  /// 0 where the file system has no fixed number, such as btrfs.
  var inodePercent: UInt64 { inodes == 0 ? 0 : (inodes - min(inodes, freeInodes)) * 100 / inodes }

  init(size: UInt64, free: UInt64, used: UInt64, inodes: UInt64, freeInodes: UInt64) {
    (self.size, self.free, self.used, self.inodes, self.freeInodes) = (size, free, used, inodes, freeInodes)
  }

  init?(_ folder: String) {
    var status = statvfs()
    guard statvfs(folder, &status) == 0 else { return nil }
    let unit = UInt64(status.f_frsize)
    self.init(
      size: UInt64(status.f_blocks) * unit, free: UInt64(status.f_bavail) * unit,
      used: UInt64(status.f_blocks - status.f_bfree) * unit, inodes: UInt64(status.f_files),
      freeInodes: UInt64(status.f_ffree))
  }
}

/// The largest file of a file system, looked for where an amphora's grow.
enum LargestFile {
  /// The look ends after so many entries: on a disk with that many there are quicker tools.
  private static let limit = 20_000

  static func find(below folder: String) -> (path: String, bytes: UInt64)? {
    var top = stat()
    guard lstat(folder, &top) == 0 else { return nil }
    var best: (path: String, bytes: UInt64)?
    // On the root file system, the folders of programs do not grow.
    var queue = folder == "/" ? ["/var", "/root", "/home", "/tmp", "/etc", "/opt"] : [folder]
    var count = 0
    while let next = queue.popLast() {
      for name in FileRead.names(in: next) {
        count += 1
        guard count < limit else { return best }
        let path = next == "/" ? "/\(name)" : "\(next)/\(name)"
        var status = stat()
        guard lstat(path, &status) == 0, status.st_dev == top.st_dev else { continue }
        if status.st_mode & S_IFMT == S_IFDIR { queue.append(path) }
        guard status.st_mode & S_IFMT == S_IFREG else { continue }
        // In blocks of 512 bytes (stat(2)): what it takes, not how far it reaches.
        let bytes = UInt64(max(0, status.st_blocks)) * 512
        if bytes > best?.bytes ?? 0 { best = (path, bytes) }
      }
    }
    return best
  }
}

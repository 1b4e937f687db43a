// The time zone: a link to a file of /usr/share/zoneinfo, and Debian's /etc/timezone.

import Files
import Glibc

/// The name of a time zone, such as `Europe/Zurich`.
struct TimeZoneName: Hashable, Sendable {
  let text: String

  /// Reads a name that cannot leave the folder of time zones.
  init(_ field: DriveField) throws(FieldError) {
    let text = try field.text()
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    let isName =
      text.utf8.count <= 64
      && parts.allSatisfy { part in
        !part.isEmpty
          && part.utf8.allSatisfy { $0.isASCIIAlphanumeric || "-_+".utf8.contains($0) }
      }
    guard isName else { throw field.error("is \(Quoted.text(text)), which is no time zone") }
    self.text = text
  }

  /// Whether it is the time that a machine without any time zone has.
  private var isUniversal: Bool { ["UTC", "Etc/UTC", "Etc/UCT", "Universal", "Zulu", "GMT", "Etc/GMT"].contains(text) }

  /// Sets the time zone.
  ///
  /// An image without the package of time zones still knows UTC, which needs no file.
  func apply(to root: RootFolder) throws {
    let link = root.path("/etc/localtime")
    // tzfile(5): a folder or a table of names is no time zone.
    if let file = try? FileRead.bytes(root.path("/usr/share/zoneinfo/\(text)"), limit: 1 << 20),
      file.starts(with: "TZif".utf8)
    {
      // Relative, as systemd makes it, so that it holds below another root too.
      try Self.link("../usr/share/zoneinfo/\(text)", at: link)
    } else if isUniversal {
      try DurableFile.remove(link)
    } else {
      throw FieldError(field: "timezone", reason: "\(text) is not in this image's /usr/share/zoneinfo")
    }
    try root.update("\(text)\n", at: "/etc/timezone")
  }

  /// Puts a symbolic link in place, or leaves it when it is right.
  private static func link(_ target: String, at path: String) throws(DurableFile.Failure) {
    if (try? FileRead.link(path)) == target { return }
    let (folder, name) = DurableFile.split(path)
    try DurableFile.createDirectory(folder, mode: 0o755)
    let temporary = DurableFile.temporaryPath(in: folder, for: name)
    guard changingFiles({ symlink(target, temporary) }) == 0 else {
      throw DurableFile.Failure(operation: "link", path: temporary, errno: errno)
    }
    do throws(DurableFile.Failure) {
      try DurableFile.move(temporary, to: path)
    } catch {
      _ = changingFiles { unlink(temporary) }
      throw error
    }
  }
}

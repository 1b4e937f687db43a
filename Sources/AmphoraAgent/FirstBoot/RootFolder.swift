// The root below which everything is written: the machine's own, or a folder for trials and tests.

import Files
import Glibc

/// A root.
struct RootFolder: Sendable {
  /// Without the slash at its end; empty for the machine's own root.
  private let prefix: String

  init(_ path: String) {
    var path = path
    while path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
    prefix = path
  }

  /// Whether it is the machine's own root: only then does the running system change too.
  var isMachine: Bool { prefix.isEmpty }

  /// Where an absolute path is found.
  func path(_ absolute: String) -> String { prefix + absolute }

  /// Writes a file durably, and its missing parent folders with mode 0755.
  func write(_ bytes: [UInt8], to path: String, mode: FileMode = 0o644) throws(DurableFile.Failure) {
    let target = self.path(path)
    try DurableFile.createDirectory(DurableFile.split(target).folder, mode: 0o755)
    try DurableFile.write(bytes, to: target, mode: mode)
  }

  /// Writes a file unless its content is that already; whether it was written.
  @discardableResult
  func update(_ text: String, at path: String) throws(DurableFile.Failure) -> Bool {
    let bytes = Array(text.utf8)
    if let old = try? FileRead.bytes(self.path(path), limit: 1 << 20), old == bytes { return false }
    try write(bytes, to: path)
    return true
  }

  /// Removes what a crash has left half written in folders.
  func tidy(_ folders: some Sequence<String>, report: inout BootReport) {
    for folder in folders { report.attempt { try DurableFile.removeLeftovers(in: path(folder)) } }
  }

  /// Gives a file or folder to somebody; links are not followed.
  func give(_ path: String, to owner: Owner) throws(DurableFile.Failure) {
    let target = self.path(path)
    guard changingFiles({ lchown(target, owner.user, owner.group) }) == 0 else {
      throw DurableFile.Failure(operation: "give away", path: target, errno: errno)
    }
  }
}

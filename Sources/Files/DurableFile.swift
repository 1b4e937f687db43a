// Files that survive a crash whole: a reader sees the old content or the new one, never a part, also after power loss.

import Glibc

/// Permission bits of a file, as chmod(2) takes them.
package typealias FileMode = UInt32

/// Writes, removes and tidies files so that a crash at any instruction leaves the old state or the new one.
package enum DurableFile {
  /// A system call on a file that failed.
  package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was attempted, as a verb.
    package let operation: String
    /// The file or folder.
    package let path: String
    /// The kernel's error number.
    package let errno: CInt

    /// Makes a failure from its parts.
    package init(operation: String, path: String, errno: CInt) {
      self.operation = operation
      self.path = path
      self.errno = errno
    }

    /// For logs: operation, path and the kernel's text.
    package var description: String { "cannot \(operation) \(path): \(String(cString: strerror(errno)))" }
  }

  /// Puts a file with exactly these bytes and this mode at `path`, replacing what is there.
  ///
  /// The mode is set explicitly, so neither the umask nor a former file's mode counts. On failure `path` is as before, and
  /// no temporary file is left; only when it was the folder that could not be synced, the new file is there, and a power
  /// cut may bring back the old one.
  package static func write(_ bytes: some Collection<UInt8>, to path: String, mode: FileMode) throws(Failure) {
    let (folder, name) = split(path)
    let (descriptor, temporary) = try openTemporary(in: folder, for: name)
    do throws(Failure) {
      defer { close(descriptor) }
      // The mode comes first: there is no moment at which a secret stands under a wider one.
      try check(changingFiles { fchmod(descriptor, mode) }, "set the mode of", path)
      try writeAll(Array(bytes), to: descriptor, path)
      try check(changingFiles { fsync(descriptor) }, "sync", path)
    } catch {
      _ = changingFiles { unlink(temporary) }
      throw error
    }
    guard changingFiles({ rename(temporary, path) }) == 0 else {
      let failure = Failure(operation: "replace", path: path, errno: errno)
      _ = changingFiles { unlink(temporary) }
      throw failure
    }
    try syncFolder(folder)
  }

  /// Removes a file; one that is not there is fine.
  package static func remove(_ path: String) throws(Failure) {
    guard changingFiles({ unlink(path) }) == 0 else {
      if errno == ENOENT { return }
      throw Failure(operation: "remove", path: path, errno: errno)
    }
    try syncFolder(split(path).folder)
  }

  /// Makes a folder with this mode, and missing parents with theirs.
  ///
  /// A mode of nil is what the umask leaves of 0755. An existing folder is left as it is.
  package static func createDirectory(_ path: String, mode: FileMode?, parents: FileMode? = 0o755) throws(Failure) {
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else {
        throw Failure(operation: "create folder", path: path, errno: ENOTDIR)
      }
      return
    }
    let parent = split(path).folder
    if parent != path, !FileRead.exists(parent) { try createDirectory(parent, mode: parents, parents: parents) }
    guard changingFiles({ mkdir(path, mode ?? 0o755) }) == 0 else {
      if errno == EEXIST { return }
      throw Failure(operation: "create folder", path: path, errno: errno)
    }
    if let mode { try check(changingFiles { chmod(path, mode) }, "set the mode of", path) }
    try syncFolder(parent)
  }

  /// Removes temporary files (`.NAME.XXXXXX.tmp`) that a crash left in a folder, and returns their names.
  ///
  /// A missing folder is fine. Call it at start only: a writer that is at work in the folder would lose its file.
  @discardableResult
  package static func removeLeftovers(in folder: String) throws(Failure) -> [String] {
    let leftovers = try FileRead.entriesIfAny(of: folder).filter(isTemporary)
    for name in leftovers { try remove("\(folder)/\(name)") }
    return leftovers
  }

  /// Whether a file name is one that ``write(_:to:mode:)`` gives to its temporaries.
  package static func isTemporary(_ name: String) -> Bool {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[0].isEmpty, parts[parts.count - 1] == "tmp" else { return false }
    let random = parts[parts.count - 2].utf8
    return random.count == 6 && random.allSatisfy(\.isASCIIAlphanumeric)
  }

  /// Makes an empty file `.NAME.XXXXXX.tmp` that only its owner can open, and returns its descriptor and path.
  package static func openTemporary(in folder: String, for name: String) throws(Failure) -> (CInt, path: String) {
    // By hand, because Swift's Glibc has no mkostemp, and mkstemp leaves the file open in children.
    while true {
      let path = temporaryPath(in: folder, for: name)
      let descriptor = changingFiles { open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
      if descriptor >= 0 { return (descriptor, path) }
      guard errno == EEXIST else { throw Failure(operation: "create", path: "\(folder)/\(name)", errno: errno) }
    }
  }

  /// A fresh name for a temporary of a file, random, in the same folder.
  package static func temporaryPath(in folder: String, for name: String) -> String {
    // NAME_MAX is 255 bytes.
    let stem = String(decoding: name.utf8.prefix(200), as: UTF8.self)
    let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".utf8)
    let random = String(decoding: (0..<6).map { _ in letters[Int.random(in: 0..<letters.count)] }, as: UTF8.self)
    return "\(folder)/.\(stem).\(random).tmp"
  }

  /// A path's folder and name; without a slash the folder is ".".
  package static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    return (slash == path.startIndex ? "/" : String(path[..<slash]), String(path[path.index(after: slash)...]))
  }

  private static func writeAll(_ bytes: [UInt8], to descriptor: CInt, _ path: String) throws(Failure) {
    var offset = 0
    while offset < bytes.count {
      let written = bytes.withUnsafeBytes { bytes in
        changingFiles { Glibc.write(descriptor, bytes.baseAddress?.advanced(by: offset), bytes.count - offset) }
      }
      if written < 0 {
        if errno == EINTR { continue }
        throw Failure(operation: "write", path: path, errno: errno)
      }
      offset += written
    }
  }

  static func syncFolder(_ folder: String) throws(Failure) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure(operation: "open folder", path: folder, errno: errno) }
    defer { close(descriptor) }
    try check(changingFiles { fsync(descriptor) }, "sync folder", folder)
  }

  private static func check(_ result: CInt, _ operation: String, _ path: String) throws(Failure) {
    guard result == 0 else { throw Failure(operation: operation, path: path, errno: errno) }
  }
}

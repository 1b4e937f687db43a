// Key and certificate files on the controller's disk: written durably, and never readable by others at any moment.

import Glibc

/// A failed file operation: what was tried, on which path, and the system's reason.
public struct SecretFileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was tried, as a phrase: "open".
  public let operation: String
  /// The file.
  public let path: String
  /// The system's error number.
  public let errorNumber: Int32

  /// The failure in words.
  public var description: String { "could not \(operation) \(path): \(String(cString: strerror(errorNumber)))" }
}

enum SecretFile {
  /// No key or certificate file is longer; what is, is something else.
  private static let maximumBytes = 1 << 20

  /// Reads a whole file.
  static func read(_ path: String) throws(SecretFileError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SecretFileError(operation: "open", path: path, errorNumber: errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = Glibc.read(descriptor, &piece, piece.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw SecretFileError(operation: "read", path: path, errorNumber: errno) }
      guard count > 0 else { return bytes }
      bytes.append(contentsOf: piece[..<count])
      guard bytes.count <= maximumBytes else {
        throw SecretFileError(operation: "read", path: path, errorNumber: EFBIG)
      }
    }
  }

  /// Writes a file with mode 0600: readers see the old or the new content, also after a power loss.
  static func write(_ text: String, to path: String) throws(SecretFileError) {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    var template = Array("\(folder(of: path))/.\(name).XXXXXX".utf8CString)
    // mkstemp makes files of mode 0600.
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else {
      throw SecretFileError(operation: "make a temporary file beside", path: path, errorNumber: errno)
    }
    let temporary = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    do throws(SecretFileError) {
      defer { close(descriptor) }
      try writeAll(Array(text.utf8), to: descriptor, path)
      try check(fchmod(descriptor, 0o600), "set the mode of", path)
      try check(fsync(descriptor), "sync", path)
      try check(Glibc.rename(temporary, path), "replace", path)
    } catch {
      unlink(temporary)
      throw error
    }
    try syncFolder(of: path)
  }

  /// Gives a file another name in its folder, durably; a file of that name is replaced.
  static func rename(_ path: String, to new: String) throws(SecretFileError) {
    try check(Glibc.rename(path, new), "rename to \(new)", path)
    try syncFolder(of: new)
  }

  /// Removes a file durably; one that is not there is fine.
  static func remove(_ path: String) throws(SecretFileError) {
    guard unlink(path) == 0 else {
      if errno == ENOENT { return }
      throw SecretFileError(operation: "remove", path: path, errorNumber: errno)
    }
    try syncFolder(of: path)
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Makes a folder with mode 0700, and those above it; one that exists stays as it is.
  static func makeFolder(_ path: String) throws(SecretFileError) {
    if exists(path) { return }
    let parent = folder(of: path)
    if parent != path && parent != "." { try makeFolder(parent) }
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
      throw SecretFileError(operation: "make the folder", path: path, errorNumber: errno)
    }
  }

  /// The names in a folder, sorted; none when it does not exist.
  static func names(in path: String) throws(SecretFileError) -> [String] {
    guard let handle = opendir(path) else {
      if errno == ENOENT { return [] }
      throw SecretFileError(operation: "list", path: path, errorNumber: errno)
    }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  private static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
  }

  private static func syncFolder(of path: String) throws(SecretFileError) {
    let descriptor = open(folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    try check(descriptor, "open the folder of", path)
    defer { close(descriptor) }
    try check(fsync(descriptor), "sync the folder of", path)
  }

  private static func writeAll(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(SecretFileError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { throw SecretFileError(operation: "write", path: path, errorNumber: errno) }
      rest = rest.dropFirst(written)
    }
  }

  private static func check(_ result: Int32, _ operation: String, _ path: String) throws(SecretFileError) {
    guard result >= 0 else { throw SecretFileError(operation: operation, path: path, errorNumber: errno) }
  }
}

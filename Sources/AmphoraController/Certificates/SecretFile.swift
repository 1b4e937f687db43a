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
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let name = path.split(separator: "/").last.map(String.init) ?? path
    var template = Array("\(folder == "." ? "./" : folder).\(name).XXXXXX".utf8CString)
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
      try check(rename(temporary, path), "replace", path)
    } catch {
      unlink(temporary)
      throw error
    }
    let folderDescriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    try check(folderDescriptor, "open the folder of", path)
    defer { close(folderDescriptor) }
    try check(fsync(folderDescriptor), "sync the folder of", path)
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

// Key and certificate files on the controller's disk: written durably, and never readable by others at any moment.

import Files
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

/// Durable files that only their owner can read.
enum SecretFile {
  /// No key or certificate file is longer; what is, is something else.
  private static let maximumBytes = 1 << 20

  /// Reads a whole file.
  static func read(_ path: String) throws(SecretFileError) -> [UInt8] {
    try mapped { () throws(DurableFile.Failure) in try FileRead.bytes(path, limit: maximumBytes) }
  }

  /// Writes a file with mode 0600: readers see the old or the new content, also after a power loss.
  static func write(_ text: String, to path: String) throws(SecretFileError) {
    try mapped { () throws(DurableFile.Failure) in try DurableFile.write(text.utf8, to: path, mode: 0o600) }
  }

  /// Gives a file another name in its folder, durably; a file of that name is replaced.
  static func rename(_ path: String, to new: String) throws(SecretFileError) {
    try mapped { () throws(DurableFile.Failure) in try DurableFile.move(path, to: new) }
  }

  /// Removes a file durably; one that is not there is fine.
  static func remove(_ path: String) throws(SecretFileError) {
    try mapped { () throws(DurableFile.Failure) in try DurableFile.remove(path) }
  }

  static func exists(_ path: String) -> Bool { FileRead.exists(path) }

  /// Makes a folder with mode 0700, and those above it; one that exists stays as it is.
  static func makeFolder(_ path: String) throws(SecretFileError) {
    try mapped { () throws(DurableFile.Failure) in
      try DurableFile.createDirectory(path, mode: 0o700, parents: 0o700)
    }
  }

  /// The names in a folder, sorted; none when it does not exist.
  static func names(in path: String) throws(SecretFileError) -> [String] {
    try mapped { () throws(DurableFile.Failure) in try FileRead.entriesIfAny(of: path) }
  }

  private static func mapped<Value>(
    _ body: () throws(DurableFile.Failure) -> Value
  ) throws(SecretFileError) -> Value {
    do { return try body() } catch {
      throw SecretFileError(operation: error.operation, path: error.path, errorNumber: error.errno)
    }
  }
}

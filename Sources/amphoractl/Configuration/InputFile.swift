// Files that commands are given; `-` is standard input.

import Glibc

enum InputFile {
  /// No input is longer.
  static let maximumBytes = 64 << 20

  /// Reads a file or, for `-`, standard input.
  static func bytes(_ path: String) throws(CommandFailure) -> [UInt8] {
    try bytes(path, allowsMissing: false) ?? []
  }

  /// Reads a file; nil when it does not exist and need not.
  static func bytes(_ path: String, allowsMissing: Bool) throws(CommandFailure) -> [UInt8]? {
    if path == "-" { return try read(0, "standard input") }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT && allowsMissing { return nil }
      throw CommandFailure(.usage, "\(path): \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    return try read(descriptor, path)
  }

  private static func read(_ descriptor: Int32, _ name: String) throws(CommandFailure) -> [UInt8] {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = Glibc.read(descriptor, &piece, piece.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw CommandFailure(.usage, "\(name): \(String(cString: strerror(errno)))") }
      guard count > 0 else { return bytes }
      bytes.append(contentsOf: piece[..<count])
      guard bytes.count <= maximumBytes else {
        throw CommandFailure(.usage, "\(name): is longer than \(maximumBytes >> 20) MiB")
      }
    }
  }
}

/// Whether files are there.
enum AccessibleFile {
  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}

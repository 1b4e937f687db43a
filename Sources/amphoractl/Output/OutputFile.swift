// Files that commands write: replaced whole, so that a reader sees the old or the new content.

import Glibc

enum OutputFile {
  /// Writes a file.
  ///
  /// - Parameter mode: the permission bits; 0600 for whatever holds a key.
  static func write(_ bytes: some Sequence<UInt8>, to path: String, mode: mode_t = 0o644) throws(CommandFailure) {
    func failure(_ operation: String) -> CommandFailure {
      CommandFailure(.failed, "\(path): could not \(operation): \(String(cString: strerror(errno)))")
    }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    var template = Array("\(path.folder)/.\(name).XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { throw failure("make a temporary file beside it") }
    let temporary = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    var rest = Array(bytes)[...]
    do throws(CommandFailure) {
      defer { close(descriptor) }
      while !rest.isEmpty {
        let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if written < 0 && errno == EINTR { continue }
        guard written > 0 else { throw failure("write") }
        rest = rest.dropFirst(written)
      }
      guard fchmod(descriptor, mode) == 0 else { throw failure("set the mode") }
      guard fsync(descriptor) == 0 else { throw failure("sync") }
      guard rename(temporary, path) == 0 else { throw failure("replace") }
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// Makes a folder, and those above it.
  static func makeFolder(_ path: String) throws(CommandFailure) {
    if access(path, F_OK) == 0 { return }
    if path.folder != path && path.folder != "." { try makeFolder(path.folder) }
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
      throw CommandFailure(.failed, "\(path): could not make the folder: \(String(cString: strerror(errno)))")
    }
  }
}

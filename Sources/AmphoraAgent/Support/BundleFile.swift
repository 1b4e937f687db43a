// The file that a bundle ends in: new, whole, readable by root alone.

import Files
import Glibc

/// Why there is no support bundle.
package struct SupportBundleError: Error, CustomStringConvertible, Sendable {
  package let description: String
}

/// Writes a file under a name that nothing has yet.
enum BundleFile {
  /// Says early that the file could not be made.
  static func check(_ path: String) throws(SupportBundleError) {
    var status = stat()
    guard lstat(path, &status) != 0 else { throw exists(path) }
    let (folder, _) = DurableFile.split(path)
    guard access(folder, W_OK | X_OK) == 0 else {
      throw SupportBundleError(description: "cannot write in \(folder): \(String(cString: strerror(errno)))")
    }
  }

  /// Writes the file; nothing is left of one that cannot be written whole.
  ///
  /// It has no name until it is complete, where the file system can do that; elsewhere it has a temporary one, and for the
  /// moment of writing Ctrl-C has no effect.
  static func write(_ bytes: [UInt8], to path: String) throws(SupportBundleError) {
    let (folder, name) = DurableFile.split(path)
    var temporary: String?
    // O_TMPFILE, which Swift's Glibc lacks; open(2).
    var descriptor = open(folder, O_WRONLY | O_CLOEXEC | 0o20200000, 0o600)
    if descriptor < 0 {
      for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, SIG_IGN) }
      do throws(DurableFile.Failure) {
        let opened = try DurableFile.openTemporary(in: folder, for: name)
        (descriptor, temporary) = (opened.0, opened.path)
      } catch {
        throw SupportBundleError(description: "\(error)")
      }
    }
    defer {
      close(descriptor)
      if let temporary { unlink(temporary) }
    }
    try writeAll(bytes, to: descriptor, path)
    guard fsync(descriptor) == 0 else { throw failure(path) }
    // link(2) and not rename(2): it refuses a name that is taken.
    let source = temporary ?? "/proc/self/fd/\(descriptor)"
    guard linkat(AT_FDCWD, source, AT_FDCWD, path, temporary == nil ? AT_SYMLINK_FOLLOW : 0) == 0 else {
      throw errno == EEXIST ? exists(path) : failure(path)
    }
  }

  /// Writes to a stream such as a pipe.
  static func writeAll(_ bytes: [UInt8], to descriptor: CInt, _ name: String) throws(SupportBundleError) {
    var offset = 0
    while offset < bytes.count {
      let written = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress?.advanced(by: offset), $0.count - offset)
      }
      if written < 0, errno == EINTR { continue }
      guard written >= 0 else { throw failure(name) }
      offset += written
    }
  }

  private static func exists(_ path: String) -> SupportBundleError {
    SupportBundleError(description: "\(path) exists already and is not replaced; name another file with --output")
  }

  private static func failure(_ path: String) -> SupportBundleError {
    SupportBundleError(
      description:
        "cannot write \(path): \(String(cString: strerror(errno))). Nothing is left of it. Name another place "
        + "with --output, or - for standard output")
  }
}

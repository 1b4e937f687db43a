// Reading small files whole, with the errno that the caller maps.

package import Glibc

/// Reads of whole files; they block.
package enum FileRead {
  /// The bytes of a file.
  ///
  /// Fails with `EFBIG` past `limit`, so that a wrong path cannot fill the memory.
  package static func bytes(_ path: String, limit: Int = 64 << 20) throws(DurableFile.Failure) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw DurableFile.Failure(operation: "open", path: path, errno: errno) }
    defer { close(descriptor) }
    var information = stat()
    guard fstat(descriptor, &information) == 0 else {
      throw DurableFile.Failure(operation: "stat", path: path, errno: errno)
    }
    guard information.st_mode & S_IFMT != S_IFDIR else {
      throw DurableFile.Failure(operation: "read", path: path, errno: EISDIR)
    }
    var bytes: [UInt8] = []
    // Files of /proc have size 0 and still have content, hence the floor.
    var chunk = [UInt8](repeating: 0, count: max(4096, min(Int(information.st_size) + 1, 1 << 20)))
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      if count == 0 { return bytes }
      guard count > 0 else {
        if errno == EINTR { continue }
        throw DurableFile.Failure(operation: "read", path: path, errno: errno)
      }
      bytes.append(contentsOf: chunk[..<count])
      guard bytes.count <= limit else { throw DurableFile.Failure(operation: "read", path: path, errno: EFBIG) }
    }
  }

  /// The text of a file, or nil when it cannot be read.
  ///
  /// Bytes that are not UTF-8 become U+FFFD.
  package static func text(_ path: String) -> String? {
    (try? bytes(path)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Whether something exists at the path.
  package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Whether a program or script is at the path; root may run what anybody may.
  package static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 }

  /// Whether a folder is at the path, not a link to one.
  package static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The names in a directory, sorted, without `.` and `..`; empty when it cannot be read.
  package static func names(in directory: String) -> [String] { (try? entries(of: directory)) ?? [] }

  /// As ``entries(of:)``, but a directory that is not there is empty.
  package static func entriesIfAny(of directory: String) throws(DurableFile.Failure) -> [String] {
    do throws(DurableFile.Failure) {
      return try entries(of: directory)
    } catch {
      if error.isMissing { return [] }
      throw error
    }
  }

  /// The names in a directory, sorted, without `.` and `..`.
  package static func entries(of directory: String) throws(DurableFile.Failure) -> [String] {
    guard let stream = opendir(directory) else {
      throw DurableFile.Failure(operation: "list", path: directory, errno: errno)
    }
    defer { closedir(stream) }
    var names: [String] = []
    // readdir(3): only errno tells an error from the end.
    errno = 0
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
      errno = 0
    }
    guard errno == 0 else { throw DurableFile.Failure(operation: "list", path: directory, errno: errno) }
    return names.sorted()
  }

  /// The process in a pid file, when it lives and is the program expected.
  ///
  /// A pid file outlives its process, and the number may belong to another program by now (contract services §8 item 1);
  /// a zombie no longer serves.
  package static func liveProcess(pidFile: String, named program: String) -> pid_t? {
    guard let text = text(pidFile), let line = text.split(whereSeparator: \.isNewline).first,
      let pid = pid_t(line.filter { !$0.isWhitespace }), pid > 0, isLive(pid, named: program)
    else { return nil }
    return pid
  }

  /// Whether a process lives (and is no zombie) and runs the program.
  package static func isLive(_ pid: pid_t, named program: String) -> Bool {
    // `pid (comm) S ...`; comm may itself hold parentheses, so the last one counts. The kernel cuts it to 15 bytes.
    guard let stat = text("/proc/\(pid)/stat"), let open = stat.firstIndex(of: "("),
      let close = stat.lastIndex(of: ")"),
      open < close
    else { return false }
    let state = stat[stat.index(after: close)...].first { $0 != " " }
    return stat[stat.index(after: open)..<close] == program.prefix(15) && state != "Z" && state != "X"
  }
}

extension FileRead {
  /// Where a symbolic link leads.
  package static func link(_ path: String) throws(DurableFile.Failure) -> String {
    var target = [UInt8](repeating: 0, count: 4096)
    let count = target.withUnsafeMutableBytes { buffer in
      buffer.assumingMemoryBound(to: CChar.self).baseAddress.map { readlink(path, $0, buffer.count) } ?? -1
    }
    guard count > 0 else { throw DurableFile.Failure(operation: "read link", path: path, errno: errno) }
    return String(decoding: target[..<count], as: UTF8.self)
  }
}

extension FileRead {
  /// A file's size in bytes.
  package static func size(_ path: String) throws(DurableFile.Failure) -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else { throw DurableFile.Failure(operation: "stat", path: path, errno: errno) }
    return Int(status.st_size)
  }
}

// Moving, keeping and removing what is already on disk.

import Glibc

extension DurableFile {
  /// Renames within a folder, replacing what stands under the new name, and syncs the folder.
  package static func move(_ old: String, to new: String) throws(Failure) {
    guard Glibc.rename(old, new) == 0 else { throw Failure(operation: "rename", path: old, errno: errno) }
    let folder = new.lastIndex(of: "/").map { String(new[..<$0]) } ?? "."
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure(operation: "open folder", path: folder, errno: errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw Failure(operation: "sync folder", path: folder, errno: errno) }
  }

  /// Gives a file's present content a second name.
  ///
  /// The original is only ever replaced, never written to, so the second name keeps this content without copying it.
  package static func keep(_ path: String, as copy: String) throws(Failure) {
    let temporary = copy + ".tmp"
    unlink(temporary)
    guard link(path, temporary) == 0 else { throw Failure(operation: "link", path: path, errno: errno) }
    try move(temporary, to: copy)
    // rename(2) does nothing when both names are the same file already, and leaves the temporary.
    unlink(temporary)
  }

  /// Removes a folder and all below it; symbolic links are removed, not followed.
  ///
  /// A missing one is fine.
  package static func removeTree(_ path: String) throws(Failure) {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT { return }
      throw Failure(operation: "stat", path: path, errno: errno)
    }
    guard status.st_mode & S_IFMT == S_IFDIR else { return try remove(path) }
    for name in FileRead.names(in: path) { try removeTree("\(path)/\(name)") }
    guard rmdir(path) == 0 || errno == ENOENT else {
      throw Failure(operation: "remove folder", path: path, errno: errno)
    }
  }
}

extension DurableFile.Failure {
  /// Whether the file was simply not there.
  package var isMissing: Bool { errno == ENOENT }
}

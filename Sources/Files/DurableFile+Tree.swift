// Moving, keeping and removing what is already on disk.

import Glibc

extension DurableFile {
  /// Renames within a folder, replacing what stands under the new name, and syncs the folder.
  package static func move(_ old: String, to new: String) throws(Failure) {
    guard changingFiles({ rename(old, new) }) == 0 else { throw Failure(operation: "rename", path: old, errno: errno) }
    try syncFolder(split(new).folder)
  }

  /// Gives a file's present content a second name.
  ///
  /// The original is only ever replaced, never written to, so the second name keeps this content without copying it.
  package static func keep(_ path: String, as copy: String) throws(Failure) {
    let (folder, name) = split(copy)
    var temporary = temporaryPath(in: folder, for: name)
    while changingFiles({ link(path, temporary) }) != 0 {
      guard errno == EEXIST else { throw Failure(operation: "link", path: path, errno: errno) }
      temporary = temporaryPath(in: folder, for: name)
    }
    // rename(2) does nothing when both names are the same file already, and leaves the temporary.
    defer { _ = changingFiles { unlink(temporary) } }
    try move(temporary, to: copy)
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
    guard changingFiles({ rmdir(path) }) == 0 else {
      if errno == ENOENT { return }
      throw Failure(operation: "remove folder", path: path, errno: errno)
    }
    try syncFolder(split(path).folder)
  }

  /// Removes a folder if nothing is in it; whatever else may be is left as it is.
  package static func removeIfEmpty(_ path: String) { _ = changingFiles { rmdir(path) } }
}

extension DurableFile.Failure {
  /// Whether the file was simply not there.
  package var isMissing: Bool { errno == ENOENT }
}

// The tree of a config drive (contract image §4.2), read whole: the drive is unmounted again before anything is applied.

import Files
import Glibc

/// A mounted config drive.
struct ConfigDrive: Sendable {
  /// The folder with `openstack` in it.
  let tree: String

  /// A file below `openstack`; nil when there is none.
  ///
  /// Only plain files are opened: a FIFO, which Rock Ridge can hold, would never return.
  func file(_ path: String, limit: Int = 1 << 20) throws(FieldError) -> [UInt8]? {
    let full = "\(tree)/openstack/\(path)"
    var status = stat()
    guard lstat(full, &status) == 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw FieldError(field: "config drive: \(path)", reason: "cannot be read: \(String(cString: strerror(errno)))")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw FieldError(field: "config drive: \(path)", reason: "is no plain file")
    }
    do {
      return try FileRead.bytes(full, limit: limit)
    } catch  where error.errno == EFBIG {
      throw FieldError(field: "config drive: \(path)", reason: "is larger than \(limit) bytes")
    } catch {
      throw FieldError(
        field: "config drive: \(path)", reason: "cannot be read: \(String(cString: strerror(error.errno)))")
    }
  }

}

// Mounting the drive for the moment in which it is read.

import Files
import Glibc

/// A mount that lasts as long as a call.
enum DriveMount {
  /// Mounts a device read-only on a folder that only root can enter, and unmounts it after the body.
  static func with<T>(_ device: DriveDevice, _ body: (_ tree: String) throws -> T) throws -> T {
    var template = Array("/run/amphora-init.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw DurableFile.Failure(operation: "create folder", path: "/run/amphora-init.XXXXXX", errno: errno)
    }
    let folder = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    defer { rmdir(folder) }
    // Nothing of the drive is ever run, nor opened as a device.
    let flags = UInt(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)
    guard mount(device.path, folder, device.format.rawValue, flags, nil) == 0 else {
      throw DurableFile.Failure(operation: "mount (\(device.format.rawValue))", path: device.path, errno: errno)
    }
    defer { umount2(folder, CInt(MNT_DETACH)) }
    return try body(folder)
  }
}

// Kernel settings below /proc/sys, written without starting sysctl(8).

import Glibc

/// Kernel settings by path, `net/ipv4/ip_forward`.
///
/// Keys below `net/` are those of the calling thread's namespace: call inside ``NetworkNamespace/run(_:)`` for another.
package enum Sysctl {
  /// Writes a setting.
  ///
  /// Same as `sysctl -w KEY=VALUE`.
  ///
  /// Fails with ENOENT for a key that does not exist, EACCES for one that is read-only, EINVAL for a refused value.
  package static func write(_ key: String, _ value: String) throws(NetlinkError) {
    let file = try open(key, O_WRONLY, "write")
    defer { close(file) }
    // In one call: the kernel takes each write as a whole value.
    let bytes = Array(value.utf8)
    guard Glibc.write(file, bytes, bytes.count) == bytes.count else {
      throw NetlinkError("write", path(key), errno: errno)
    }
  }

  /// Reads a setting, without the line end.
  ///
  /// Same as `sysctl -n KEY`.
  package static func read(_ key: String) throws(NetlinkError) -> String {
    let file = try open(key, O_RDONLY, "read")
    defer { close(file) }
    // The longest ones (lists of ports) are below a page.
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = Glibc.read(file, &bytes, bytes.count)
    guard count >= 0 else { throw NetlinkError("read", path(key), errno: errno) }
    bytes.removeLast(bytes.count - count)
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func path(_ key: String) -> String { "/proc/sys/\(key)" }

  private static func open(_ key: String, _ mode: Int32, _ operation: String) throws(NetlinkError) -> Int32 {
    // A key may hold an interface name from outside, so it must not lead out of /proc/sys.
    let parts = key.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }), !key.utf8.contains(0) else {
      throw NetlinkError(operation, path(key), errno: EINVAL)
    }
    let file = Glibc.open(path(key), mode | O_CLOEXEC)
    guard file >= 0 else { throw NetlinkError(operation, path(key), errno: errno) }
    return file
  }
}

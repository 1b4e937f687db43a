// The kernel's own messages, as far as this process may read them.

import Files
import Glibc

/// The kernel's ring buffer.
enum KernelLog {
  /// The messages, each with its seconds since the boot; nil where there is no such file.
  ///
  /// Reads /dev/kmsg to its present end: `priority,sequence,microseconds,flags;text`, a record a read
  /// (Documentation/ABI/testing/dev-kmsg).
  static func text() throws -> String? {
    let descriptor = open("/dev/kmsg", O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw DurableFile.Failure(operation: "open", path: "/dev/kmsg", errno: errno)
    }
    defer { close(descriptor) }
    var lines: [String] = []
    var record = [UInt8](repeating: 0, count: 8192)
    while true {
      let count = read(descriptor, &record, record.count)
      // EPIPE: records were overwritten meanwhile; the next read goes on behind them.
      if count < 0, errno == EINTR || errno == EPIPE { continue }
      guard count > 0 else { return lines.joined(separator: "\n") }
      let text = String(decoding: record[..<count], as: UTF8.self)
      guard let end = text.firstIndex(of: ";") else { continue }
      let fields = text[..<end].split(separator: ",")
      let time = fields.count > 2 ? Int(fields[2]) ?? 0 : 0
      let fraction = String(1_000_000 + time % 1_000_000).dropFirst()
      lines.append("[\(time / 1_000_000).\(fraction)] " + text[text.index(after: end)...].prefix { $0 != "\n" })
    }
  }
}

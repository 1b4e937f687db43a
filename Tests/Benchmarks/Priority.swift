// A core to ourselves, as far as the kernel's scheduler gives one.

import Glibc

enum Priority {
  /// Puts every thread of this process, and so every thread and program that they start, before all others.
  ///
  /// What is measured is what one core can do, not what other work on the machine leaves of it. Without the right to do so
  /// the figures are measured all the same.
  static func raise() {
    guard let folder = opendir("/proc/self/task") else { return }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if let thread = id_t(name) { setpriority(Int32(PRIO_PROCESS.rawValue), thread, -20) }
    }
  }
}

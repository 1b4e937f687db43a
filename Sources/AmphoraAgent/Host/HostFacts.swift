// Measurements of the machine for GET /1.0/details, each from a file of /proc (contract agent-api §3.3).

package import AmphoraProtocol
import Files
import Glibc

/// Reads the machine's state.
///
/// Its calls block for the time of a few small reads.
package enum HostFacts {
  /// The host name, as gethostname(2).
  package static func hostname() -> String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "" }
    return name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
  }

  /// The number of CPUs that this process may use.
  package static func cpuCount() -> Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  /// Clock ticks since boot: the columns of the first line of `/proc/stat` are user, nice, system, idle, iowait, irq,
  /// softirq … (proc(5)).
  package static func cpu(stat text: String = FileRead.text("/proc/stat") ?? "") -> DetailsBody.CPU {
    let line = text.prefix { !$0.isNewline }.split(separator: " ").dropFirst().map(String.init)
    func column(_ index: Int) -> String { line.indices.contains(index) ? line[index] : "0" }
    return DetailsBody.CPU(
      total: line.compactMap { UInt64($0) }.reduce(0, &+), user: column(0), system: column(2), softIRQ: column(6))
  }

  /// Kilobytes by kind.
  package static func memory(meminfo text: String = FileRead.text("/proc/meminfo") ?? "") -> DetailsBody.Memory {
    var values: [Substring: Int] = [:]
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split(whereSeparator: { $0 == " " || $0 == ":" })
      if words.count >= 2 { values[words[0]] = Int(words[1]) }
    }
    var memory = DetailsBody.Memory()
    memory.total = values["MemTotal"] ?? 0
    memory.free = values["MemFree"] ?? 0
    memory.buffers = values["Buffers"] ?? 0
    memory.cached = values["Cached"] ?? 0
    memory.swapUsed = values["SwapCached"] ?? 0
    memory.shared = values["Shmem"] ?? 0
    memory.slab = values["Slab"] ?? 0
    return memory
  }

  /// Bytes of the root file system.
  package static func disk() -> DetailsBody.Disk {
    var information = statvfs()
    guard statvfs("/", &information) == 0 else { return DetailsBody.Disk(used: 0, available: 0) }
    let unit = UInt64(information.f_frsize)
    return DetailsBody.Disk(
      used: UInt64(information.f_blocks - information.f_bfree) * unit, available: UInt64(information.f_bavail) * unit)
  }

  /// The three load averages as texts.
  package static func load(loadavg text: String = FileRead.text("/proc/loadavg") ?? "") -> [String] {
    let words = text.split(separator: " ").prefix(3).map(String.init)
    return words.count == 3 ? words : ["0.00", "0.00", "0.00"]
  }

  /// The active tuned profiles, from the first 1024 characters of tuned's file.
  package static func tunedProfiles(path: String = "/etc/tuned/active_profile") -> String {
    // By code points: in Swift a carriage return and a line feed are one character.
    let text = String(String.UnicodeScalarView((FileRead.text(path) ?? "").unicodeScalars.prefix(1024)))
    let isBlank: (Character) -> Bool = \.isWhitespace
    return String(text.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
  }
}

// The machine under the load balancer.

import Files
import Glibc
import Netlink

/// What an image is made of, as far as the image itself tells.
package struct ImageFacts: Codable, Hashable, Sendable {
  /// `PRETTY_NAME` of os-release(5).
  package var system: String?
  /// `IMAGE_ID`, `IMAGE_VERSION` and `BUILD_ID` of os-release(5), those that are there.
  package var build: String?
  /// When packages were last installed, in seconds since 1970: in an image the build, else somebody's upgrade.
  package var packagesChanged: Double?
  package var kernel: String?
  package var haproxy: String?
  package var keepalived: String?

  package init() {}

  /// Reads what the text of os-release(5) says.
  init(osRelease text: String) {
    var values: [Substring: String] = [:]
    for line in text.split(whereSeparator: \.isNewline) {
      guard let equals = line.firstIndex(of: "=") else { continue }
      values[line[..<equals]] = line[line.index(after: equals)...].filter { $0 != "\"" && $0 != "'" }
    }
    system = values["PRETTY_NAME"] ?? values["NAME"]
    let parts = ["IMAGE_ID", "IMAGE_VERSION", "BUILD_ID"].compactMap { values[Substring($0)] }.filter { !$0.isEmpty }
    build = parts.isEmpty ? nil : parts.joined(separator: " ")
  }

  static func gather(haproxyCommand: String) async -> ImageFacts {
    var facts = ImageFacts(osRelease: FileRead.text("/etc/os-release") ?? "")
    var status = stat()
    if stat("/var/lib/dpkg/status", &status) == 0 { facts.packagesChanged = Double(status.st_mtim.tv_sec) }
    facts.kernel = FileRead.text("/proc/sys/kernel/osrelease")?.split(whereSeparator: \.isNewline).first
      .map(String.init)
    // Elsewhere a program would have to be started.
    if facts.packagesChanged != nil,
      let versions = try? await PackageDatabase(haproxyCommand: haproxyCommand).versions()
    {
      facts.haproxy = versions.haproxy
      facts.keepalived = versions.keepalived.isEmpty ? nil : versions.keepalived
    }
    return facts
  }
}

/// Load, memory and space.
package struct MachineFacts: Codable, Hashable, Sendable {
  /// A file system.
  package struct Disk: Codable, Hashable, Sendable {
    package var path: String
    package var usedBytes: UInt64
    package var availableBytes: UInt64

    /// In percent, as df(1).
    package var fill: Int { Percent.of(usedBytes, of: usedBytes + availableBytes) }
  }

  /// A table with room for a number of entries.
  package struct Fill: Codable, Hashable, Sendable {
    package var count: Int
    package var limit: Int

    /// In percent.
    package var fill: Int { Percent.of(UInt64(max(0, count)), of: UInt64(max(0, limit))) }
  }

  package var hostname: String
  /// Since the boot, in seconds.
  package var uptime: Double
  /// The averages over 1, 5 and 15 minutes.
  package var load: [String]
  package var processors: Int
  package var memoryBytes: Int
  /// What programs could still get.
  package var memoryAvailableBytes: Int
  package var disks: [Disk]
  /// Connections that the namespace's firewall and LVS keep track of; nil where the kernel does not.
  package var conntrack: Fill?

  /// In percent.
  package var memoryFill: Int {
    Percent.of(UInt64(max(0, memoryBytes - memoryAvailableBytes)), of: UInt64(max(0, memoryBytes)))
  }

  static func gather(_ paths: AgentPaths, _ namespace: NetworkNamespace) -> MachineFacts {
    let memory = kilobytes(FileRead.text("/proc/meminfo") ?? "")
    let uptime = FileRead.text("/proc/uptime")?.split(separator: " ").first.flatMap { Double($0) } ?? 0
    return MachineFacts(
      hostname: HostFacts.hostname(), uptime: uptime, load: HostFacts.load(), processors: HostFacts.cpuCount(),
      memoryBytes: memory.total, memoryAvailableBytes: memory.available,
      disks: disks(["/", paths.base, paths.certificates, "/var/log"]), conntrack: conntrack(namespace))
  }

  /// Total and available memory in bytes, from the text of `/proc/meminfo`.
  static func kilobytes(_ text: String) -> (total: Int, available: Int) {
    var values: [Substring: Int] = [:]
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split { $0 == " " || $0 == ":" }
      if words.count >= 2 { values[words[0]] = Int(words[1]) }
    }
    return ((values["MemTotal"] ?? 0) * 1024, (values["MemAvailable"] ?? 0) * 1024)
  }

  /// Each file system once, under the first path that is on it.
  private static func disks(_ paths: [String]) -> [Disk] {
    var seen: Set<UInt64> = []
    return paths.compactMap { path in
      var file = stat()
      var system = statvfs()
      guard stat(path, &file) == 0, seen.insert(UInt64(file.st_dev)).inserted, statvfs(path, &system) == 0,
        system.f_blocks > 0
      else { return nil }
      let unit = UInt64(system.f_frsize)
      return Disk(
        path: path, usedBytes: UInt64(system.f_blocks - system.f_bfree) * unit,
        availableBytes: UInt64(system.f_bavail) * unit)
    }
  }

  private static func conntrack(_ namespace: NetworkNamespace) -> Fill? {
    // Each namespace has its own count.
    let values = try? namespace.runBlocking {
      (
        try Sysctl.read("net/netfilter/nf_conntrack_count"), try Sysctl.read("net/netfilter/nf_conntrack_max")
      )
    }
    guard let values, let count = Int(values.0), let limit = Int(values.1) else { return nil }
    return Fill(count: count, limit: limit)
  }
}

enum Percent {
  /// Rounded up, so that 100 is full and 1 is not nothing; 0 of nothing.
  static func of(_ part: UInt64, of whole: UInt64) -> Int {
    whole == 0 ? 0 : Int(clamping: (part.multipliedReportingOverflow(by: 100).partialValue + whole - 1) / whole)
  }
}

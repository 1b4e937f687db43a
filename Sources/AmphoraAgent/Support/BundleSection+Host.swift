// The kernel's side of a support bundle: networks of both namespaces, and the machine.

import Files
import Glibc
import Netlink

extension BundleSection {
  static func network(_ amphora: LocalAmphora) -> [BundlePart] {
    let traffic = amphora.interfaces.namespace
    return tables(in: amphora.interfaces.rootNamespace, as: "network/root")
      + tables(in: traffic, as: "network/\(traffic.name)")
  }

  private static func tables(in namespace: NetworkNamespace?, as folder: String) -> [BundlePart] {
    let commands: [(String, [String])] = [
      ("links", ["-details", "-statistics", "link", "show"]), ("addresses", ["address", "show"]),
      ("routes-4", ["-4", "route", "show", "table", "all"]), ("routes-6", ["-6", "route", "show", "table", "all"]),
      ("rules-4", ["-4", "rule", "show"]), ("rules-6", ["-6", "rule", "show"]),
      ("neighbours", ["-statistics", "neighbour", "show"]),
    ]
    let ip = ["/sbin/ip"] + (namespace.map { ["-n", $0.name] } ?? [])
    let inside = namespace.map { ["/sbin/ip", "netns", "exec", $0.name] } ?? []
    let files = [
      "net/dev", "net/snmp", "net/snmp6", "net/netstat", "net/sockstat", "net/sockstat6", "net/softnet_stat",
      "net/ip_vs", "net/ip_vs_stats", "net/ip_vs_conn", "net/tcp", "net/tcp6", "net/udp", "net/udp6",
      "net/stat/nf_conntrack",
    ]
    return commands.map { .command("\(folder)/ip-\($0.0).txt", ip + $0.1) }
      + [.command("\(folder)/nft.txt", inside + ["/usr/sbin/nft", "list", "ruleset"])]
      + files.map { .proc($0, in: namespace, as: folder) }
      + [
        BundlePart(name: "\(folder)/sysctl-net.txt") { limit, _ in
          try await BundlePart.reading(in: namespace) {
            BundlePart.Content(bytes: KernelSettings.text(below: "/proc/sys/net", limit: limit))
          }
        }
      ]
  }

  static func machine(_ amphora: LocalAmphora) -> [BundlePart] {
    let files = [
      "cmdline", "cpuinfo", "diskstats", "interrupts", "loadavg", "meminfo", "modules", "mounts", "pressure/cpu",
      "pressure/io", "pressure/memory", "slabinfo", "softirqs", "stat", "swaps", "uptime", "version", "vmstat",
    ]
    let paths = amphora.paths
    var parts = files.map { name in
      BundlePart(name: "machine/\(name.replacing("/", with: "-")).txt") { limit, _ in
        guard FileRead.exists("/proc/\(name)") else { return nil }
        return try await BlockingIO.run {
          BundlePart.Content(bytes: try BoundedBytes.file("/proc/\(name)", limit: limit).bytes)
        }
      }
    }
    parts += [
      .blocking("machine/processes.txt", ProcessTable.text),
      .blocking("machine/disks.txt") { DiskSpace.text([paths.base, paths.certificates]) },
      .blocking("machine/packages.txt", installedPackages),
    ]
    for folder in ["kernel", "vm", "fs"] {
      parts.append(
        BundlePart(name: "machine/sysctl-\(folder).txt") { limit, _ in
          try await BlockingIO.run {
            BundlePart.Content(bytes: KernelSettings.text(below: "/proc/sys/\(folder)", limit: limit))
          }
        })
    }
    if FileRead.exists("/run/systemd/system") {
      parts.append(
        .command("machine/units.txt", ["systemctl", "list-units", "--all", "--full", "--no-pager", "--plain"]))
    }
    if FileRead.exists("/usr/bin/rpm"), !FileRead.exists(Self.dpkgStatus) {
      parts.append(.command("machine/packages.txt", ["/usr/bin/rpm", "--query", "--all"]))
    }
    return parts
  }

  private static let dpkgStatus = "/var/lib/dpkg/status"

  /// Name and version of what dpkg has installed.
  private static func installedPackages() throws -> String? {
    guard let bytes = try? FileRead.bytes(dpkgStatus) else { return nil }
    return PackageDatabase.versions(inDpkgStatus: bytes, of: nil).sorted { $0.key < $1.key }
      .map { "\($0.key) \($0.value)" }.joined(separator: "\n")
  }
}

/// Settings of the kernel below a folder of /proc/sys, as `sysctl -a` prints them.
enum KernelSettings {
  /// Secrets, and what changes by being read.
  private static let leftOut: Set<String> = ["stable_secret", "tcp_fastopen_key", "random", "binfmt_misc"]

  static func text(below folder: String, limit: Int) -> [UInt8] {
    var text = BoundedBytes(limit: limit)
    add(folder, to: &text)
    return text.bytes
  }

  private static func add(_ folder: String, to text: inout BoundedBytes) {
    for name in FileRead.names(in: folder) where !leftOut.contains(name) {
      let path = "\(folder)/\(name)"
      if FileRead.isFolder(path) {
        add(path, to: &text)
      } else if let value = try? FileRead.bytes(path, limit: 65_536) {
        // Those that are only written cannot be read, also by root.
        let key = path.dropFirst("/proc/sys/".count).replacing("/", with: ".")
        text.append(Array("\(key) = ".utf8) + value + (value.last == 0x0A ? [] : [0x0A]))
      }
    }
  }
}

/// The processes: pid, parent, state, threads, resident memory, files, and the command line.
enum ProcessTable {
  static func text() -> String {
    let page = sysconf(Int32(_SC_PAGESIZE)) / 1024
    let rows = FileRead.names(in: "/proc").compactMap { Int32($0) }.sorted().compactMap { pid -> String? in
      // `pid (comm) state ppid …`: proc_pid_stat(5), with fields 20 and 24 for threads and resident pages.
      guard let stat = FileRead.text("/proc/\(pid)/stat"), let open = stat.firstIndex(of: "("),
        let close = stat.lastIndex(of: ")")
      else { return nil }
      let fields = stat[stat.index(after: close)...].split(separator: " ")
      guard fields.count > 21 else { return nil }
      let words = (FileRead.text("/proc/\(pid)/cmdline") ?? "").split(separator: "\0").joined(separator: " ")
      let files = FileRead.names(in: "/proc/\(pid)/fd").count
      let command = words.isEmpty ? "[\(stat[stat.index(after: open)..<close])]" : words
      return "\(pid) \(fields[1]) \(fields[0]) \(fields[17]) \((Int(fields[21]) ?? 0) * page)kB \(files) \(command)"
    }
    return (["pid ppid state threads resident files command"] + rows).joined(separator: "\n")
  }
}

/// Room on the file systems that matter to an amphora.
enum DiskSpace {
  static func text(_ more: [String]) -> String {
    let rows = (["/", "/var", "/var/log", "/var/tmp", "/tmp", "/run"] + more).compactMap { path -> String? in
      var information = statvfs()
      guard statvfs(path, &information) == 0 else { return nil }
      let unit = Int(information.f_frsize)
      return "\(path): \(Int(information.f_blocks) * unit) bytes, \(Int(information.f_bavail) * unit) free; "
        + "\(information.f_files) inodes, \(information.f_favail) free"
    }
    return rows.joined(separator: "\n")
  }
}

// The two metrics of the amphora itself that precede haproxy's (contract services §7.4).

import Files
import Glibc

/// Load and memory of the amphora, from /proc.
enum HostMetrics {
  /// Both metrics, as exposition text.
  static func text(load: String?, memory: String?, processors: Int) -> String {
    var text = ""
    if let average = load?.split(separator: " ").first.flatMap({ Double($0) }), processors > 0 {
      text += gauge(
        "octavia_loadbalancer_cpu", "Load of the load balancer's CPUs in percent, averaged over a minute.",
        average / Double(processors) * 100)
    }
    if let memory, let total = kilobytes("MemTotal", memory), let available = kilobytes("MemAvailable", memory),
      total > 0
    {
      text += gauge(
        "octavia_loadbalancer_memory", "Memory of the load balancer in use, in percent.",
        (total - available) / total * 100)
    }
    return text
  }

  /// Both metrics as they are now.
  static func text() -> String {
    text(
      load: FileRead.text("/proc/loadavg"), memory: FileRead.text("/proc/meminfo"),
      processors: sysconf(CInt(_SC_NPROCESSORS_ONLN)))
  }

  private static func kilobytes(_ key: String, _ memory: String) -> Double? {
    for line in memory.split(separator: "\n") where line.hasPrefix("\(key):") {
      return line.split(separator: " ").dropFirst().first.flatMap { Double($0) }
    }
    return nil
  }

  private static func gauge(_ name: String, _ help: String, _ value: Double) -> String {
    "# HELP \(name) \(help)\n# TYPE \(name) gauge\n\(name) \((value * 10).rounded() / 10)\n"
  }
}

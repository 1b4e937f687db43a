// The services of an amphora: what systemd knows, else what their processes tell.

import AmphoraProtocol
import Files
import Glibc

/// A service.
package struct ServiceFacts: Codable, Hashable, Sendable {
  package var unit: String
  /// Such as `active (running)`; without systemd `running` or `not running`.
  package var state: String
  package var isUp: Bool
  /// Since it is in this state, in seconds.
  package var age: Double?
  package var pid: Int32?
  /// Since its process began, in seconds.
  package var uptime: Double?
  package var memoryBytes: Int?
  /// How often systemd has started it again.
  package var restarts: Int?
  /// How it failed, in systemd's words: `exit-code, status 1`.
  package var failure: String?
  /// A controller has stopped it and not started it again.
  package var isStoppedByOrder: Bool
}

/// The units of an amphora, asked for all at once.
struct ServiceStates: Sendable {
  static let agentUnit = "amphora-agent.service"

  /// By unit, systemd's properties; nil where systemd does not run.
  private let systemd: [String: [Substring: Substring]]?
  private let stopped: Set<String>
  /// When the units were asked, in microseconds since the boot.
  private let now: Int

  /// Asks systemctl once, where systemd is the init.
  static func gather(_ paths: AgentPaths, units: [String]) async -> ServiceStates {
    let stopped = StopOrders(paths: paths).units
    guard SupervisorChoice.auto.resolved == .systemd else {
      return ServiceStates(systemctl: nil, stopped: stopped, now: 0)
    }
    let result = try? await Command.run(
      "systemctl", ["show", "--property", properties, "--"] + units, timeout: .seconds(5))
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return ServiceStates(
      systemctl: result?.output ?? "", stopped: stopped, now: time.tv_sec * 1_000_000 + time.tv_nsec / 1000)
  }

  private static let properties =
    "Id,LoadState,ActiveState,SubState,Result,ExecMainStatus,MainPID,NRestarts,StateChangeTimestampMonotonic"

  /// - Parameters:
  ///   - systemctl: the output of `systemctl show`; nil where systemd does not run.
  ///   - now: microseconds since the boot.
  init(systemctl: String?, stopped: Set<String>, now: Int) {
    self.stopped = stopped
    self.now = now
    systemd = systemctl.map { text in
      var units: [String: [Substring: Substring]] = [:]
      var unit: [Substring: Substring] = [:]
      // An empty line stands between units, and none at the end.
      for line in (text + "\n\n").split(separator: "\n", omittingEmptySubsequences: false) {
        if let equals = line.firstIndex(of: "=") {
          unit[line[..<equals]] = line[line.index(after: equals)...]
        } else {
          if let id = unit["Id"] { units[String(id)] = unit }
          unit = [:]
        }
      }
      return units
    }
  }

  /// A unit and its process.
  ///
  /// - Parameter pid: its process by other evidence, such as a pid file.
  func service(_ unit: String, pid: pid_t?) -> ServiceFacts {
    var facts = ServiceFacts(
      unit: unit, state: pid == nil ? "not running" : "running", isUp: pid != nil, pid: pid,
      isStoppedByOrder: stopped.contains(unit))
    if let properties = systemd?[unit] { take(properties, &facts) }
    if let pid = facts.pid, let process = ProcessStatus(pid) {
      facts.uptime = process.age.inSeconds
      facts.memoryBytes = process.residentBytes
    }
    return facts
  }

  private func take(_ properties: [Substring: Substring], _ facts: inout ServiceFacts) {
    // A process that lives in spite of systemd's view was started by hand; then the process counts.
    let active = properties["ActiveState"].map(String.init) ?? "unknown"
    let isKnown = properties["LoadState"] != "not-found"
    if !isKnown && facts.pid != nil { return }
    facts.state = isKnown ? "\(active) (\(properties["SubState"] ?? "unknown"))" : "no such unit"
    facts.isUp = ["active", "reloading"].contains(active)
    facts.pid = facts.pid ?? properties["MainPID"].flatMap { pid_t($0) }.flatMap { $0 > 0 ? $0 : nil }
    facts.restarts = properties["NRestarts"].flatMap { Int($0) }
    if let changed = properties["StateChangeTimestampMonotonic"].flatMap({ Int($0) }), changed > 0 {
      facts.age = Double(max(0, now - changed)) / 1e6
    }
    if let result = properties["Result"], result != "success", !result.isEmpty {
      let status = properties["ExecMainStatus"] ?? "0"
      facts.failure = status == "0" ? String(result) : "\(result), status \(status)"
    }
  }
}

// Units of systemd that failed.

/// Whether systemd has given a unit up.
struct FailedUnitsCheck: DoctorCheck {
  let name = "units"
  var systemctl = "systemctl"

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    guard Machine.runsSystemd else { return [] }
    do {
      let arguments = ["list-units", "--state=failed", "--plain", "--no-legend", "--no-pager"]
      let result = try await Command.run(systemctl, arguments, timeout: .seconds(5))
      guard result.isSuccess else { throw SupervisorError("list-units", "", output: result.output) }
      return judge(result.output, certificateDiskIsMissing: CertificateDisk.isMissing(amphora))
    } catch {
      return [
        .warning(
          name, "systemd does not say which units failed: \(error)", remedy: "systemctl list-units --state=failed")
      ]
    }
  }

  /// - Parameter output: lines of `UNIT LOAD ACTIVE SUB DESCRIPTION`.
  func judge(_ output: String, certificateDiskIsMissing: Bool = false) -> [Finding] {
    let failed = output.split(separator: "\n").compactMap { $0.split(separator: " ").first }.map(String.init)
      .filter { !Self.isReportedElsewhere($0) && !($0 == CertificateDisk.unit && certificateDiskIsMissing) }
    if failed.isEmpty { return [.pass(name, "no unit has failed")] }
    return failed.map {
      .warning(name, "\($0) has failed", remedy: "journalctl -n 20 -u \($0) tells why; then: systemctl restart \($0)")
    }
  }

  /// Of load balancers, VRRP, the agent and the namespace other checks tell more.
  private static func isReportedElsewhere(_ unit: String) -> Bool {
    unit.hasPrefix("haproxy-") || unit.hasPrefix("octavia-keepalived")
      || [namespaceUnitName, "amphora-agent.service"].contains(unit)
  }
}

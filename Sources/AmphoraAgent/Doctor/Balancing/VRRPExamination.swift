// The keepalived that moves the VIP within a pair.

import Files

/// Whether keepalived runs, could start again, and has what it checks haproxy with; silent where VRRP is not set up.
package struct VRRPExamination: DoctorCheck {
  package let name = "keepalived"
  static let names = ["keepalived", scripts, syntax]
  private static let scripts = "keepalived-scripts"
  private static let syntax = "keepalived-configuration"

  package init() {}

  package func run(_ amphora: LocalAmphora) async -> [Finding] {
    let paths = amphora.paths
    let (gate, isStopped) = (VRRPGate.read(paths), StopOrders(paths: paths).contains(ServiceUnit.vrrpName))
    if gate == .absent { return [] }
    if isStopped { return [.pass(name, "keepalived was stopped on request, so it is not looked at")] }
    let syntax = await Self.syntaxFindings(paths)
    let isRefused = syntax.contains { $0.verdict == .failure }
    return syntax + process(gate, isRefused: isRefused) + Self.scriptFindings(paths)
  }

  private func process(_ gate: VRRPGate, isRefused: Bool) -> [Finding] {
    switch gate {
    case .absent: return []
    case .open(let pid): return [.pass(name, "keepalived runs as process \(pid)")]
    case .closed(let reason):
      // Then the configuration is the reason.
      if isRefused { return [] }
      return [
        .failure(
          name, "keepalived does not run, so that this amphora cannot take the VIP: \(reason)",
          remedy: ServiceRemedy(unit: ServiceUnit.vrrpName).start)
      ]
    }
  }

  private static func syntaxFindings(_ paths: AgentPaths) async -> [Finding] {
    let path = paths.vrrpConfiguration
    switch await KeepalivedCheck.run(path) {
    case .usable: return [.pass(syntax, "\(path) is accepted by keepalived")]
    // A missing namespace is another check's; remarks of any weight belong to controllers' configurations.
    case .doubtful(let words):
      return words.contains("network namespace") ? [] : [.pass(syntax, "\(path) can be used by keepalived")]
    case .unusable(let words):
      let id = LoadBalancerStore(paths: paths).ids().first.map { "\($0)" } ?? "LOADBALANCER"
      return [
        .failure(
          syntax, "\(path) cannot be used by keepalived: \(BalancerText.line(words))",
          remedy: "have the controller send it again: openstack loadbalancer failover \(id)")
      ]
    }
  }

  /// keepalived leaves a check out that it cannot run, and then holds the VIP whatever becomes of haproxy.
  private static func scriptFindings(_ paths: AgentPaths) -> [Finding] {
    let (driver, check) = (paths.vrrpCheckScript, paths.haproxyCheckScript)
    let reload =
      ServiceRemedy(unit: ServiceUnit.vrrpName).isSystemd ? "; then: systemctl reload octavia-keepalived" : ""
    let restart = "systemctl restart amphora-agent (it writes the scripts anew)\(reload)"
    guard FileRead.exists(driver) else {
      return [.failure(scripts, "\(driver), which keepalived checks haproxy with, is missing", remedy: restart)]
    }
    guard FileRead.isExecutable(driver) else {
      return [.failure(scripts, "\(driver) is not executable", remedy: "chmod 755 \(driver)\(reload)")]
    }
    let store = LoadBalancerStore(paths: paths)
    let expected: String?
    do throws(DurableFile.Failure) {
      expected = try VRRPCheckScripts.haproxyCheck(StopOrders(paths: paths), store)
    } catch {
      return [.failure(scripts, "\(error)", remedy: "look at the disk: dmesg | tail")]
    }
    // Line ends at its end are no difference.
    let present = FileRead.text(check).map { String($0.reversed().drop(while: \.isNewline).reversed()) }
    guard present != expected else { return [.pass(scripts, "the scripts in \(paths.vrrpCheckScripts) are there")] }
    let evidence =
      present == nil
      ? "\(check) is missing: nobody looks whether haproxy answers"
      : "\(check) does not check the load balancers that are here: \(BalancerText.line(present ?? ""))"
    return [.failure(scripts, evidence, remedy: restart)]
  }
}

// What can be wrong with the machine and with the agent itself.

package enum HostChecks {
  package static var all: [any DoctorCheck] {
    [
      DiskCheck(), MemoryCheck(), OutOfMemoryCheck(), ClockCheck(), ConntrackCheck(), FailedUnitsCheck(),
      ConfigurationCheck(), AgentCertificateCheck(), ClientCACheck(), AgentProcessCheck(), AgentFilesCheck(),
      HeartbeatCheck(), CounterFileCheck(), TenantCertificatesCheck(), LeftoversCheck(),
    ]
  }
}

/// Whether the agent would start with the configuration file, as it was meant.
struct ConfigurationCheck: DoctorCheck {
  let name = "configuration"

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    let file = amphora.configurationFile
    switch amphora.configuration {
    case .success(let configuration):
      // Of what is missing the check of heartbeats tells.
      var findings: [Finding] = configuration.warnings.filter { !$0.isAboutMissing }.map {
        .warning(name, "\($0)", remedy: "mend it in the controllers' octavia.conf, then: \(amphora.configureAgain)")
      }
      if let mode = SecretFile.looseMode(file) {
        let evidence = "\(file) has mode \(mode), others than root read the heartbeat key"
        findings.append(.warning(name, evidence, remedy: SecretFile.remedy(file)))
      }
      return findings.isEmpty ? [.pass(name, "\(file) is complete and valid")] : findings
    case .failure(let error):
      return error.problems.map {
        .failure(name, "\($0)", remedy: "mend \(file), then: systemctl restart amphora-agent")
      }
    }
  }
}

extension ConfigurationProblem {
  fileprivate var isAboutMissing: Bool {
    if case .missing = kind { return true }
    return false
  }
}

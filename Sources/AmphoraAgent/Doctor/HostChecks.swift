// What can be wrong with the machine and with the agent itself.

package enum HostChecks {
  package static var all: [any DoctorCheck] { [ConfigurationCheck()] }
}

/// Whether the agent would start with the configuration file.
struct ConfigurationCheck: DoctorCheck {
  let name = "configuration"

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    switch amphora.configuration {
    case .success: return [.pass(name, "\(amphora.configurationFile) is complete and valid")]
    case .failure(let error):
      return error.problems.map {
        .failure(name, "\($0)", remedy: "mend \(amphora.configurationFile), then: systemctl restart amphora-agent")
      }
    }
  }
}

// What a pushed configuration changes: which options act at once and which wait for a restart.

import Addresses

/// The difference between two configurations, by option names only: values may be secret.
package struct ConfigurationChanges: Sendable, Equatable, CustomStringConvertible {
  /// Changed options that act at once.
  package let live: [ConfigurationOption]
  /// Changed options that act after a restart of the agent.
  package let needRestart: [ConfigurationOption]

  /// Whether nothing changed.
  package var isEmpty: Bool { live.isEmpty && needRestart.isEmpty }

  /// For the log: `changed now: [health_manager] heartbeat_key; after a restart: [haproxy_amphora] bind_port`.
  package var description: String {
    if isEmpty { return "nothing changed" }
    func list(_ options: [ConfigurationOption]) -> String { options.map(\.qualifiedName).joined(separator: ", ") }
    let parts = [
      live.isEmpty ? nil : "changed now: \(list(live))",
      needRestart.isEmpty ? nil : "after a restart: \(list(needRestart))",
    ]
    return parts.compactMap { $0 }.joined(separator: "; ")
  }
}

extension AgentConfiguration {
  /// Which options differ from an older configuration.
  package func liveChanges(from old: AgentConfiguration) -> ConfigurationChanges {
    let changed = ConfigurationOption.allCases.filter { option in
      option == .heartbeatKey ? heartbeatKey != old.heartbeatKey : text(of: option) != old.text(of: option)
    }
    return ConfigurationChanges(live: changed.filter(\.isLive), needRestart: changed.filter { !$0.isLive })
  }

  /// The effective value of an option as one would write it in the file; a secret as `•••`, an unset value as nil.
  package func text(of option: ConfigurationOption) -> String? {
    switch option {
    case .debug: debug ? "True" : "False"
    case .useSyslog: useSyslog ? "True" : "False"
    case .syslogLogFacility: syslogLogFacility.name
    case .basePath: basePath
    case .baseCertDir: baseCertDir
    case .bindHost: bindHost.description
    case .bindPort: String(bindPort)
    case .haproxyCommand: haproxyCommand
    case .controllerIPPortList: controllerEndpoints.map(\.description).joined(separator: ", ")
    case .heartbeatInterval: String(heartbeatInterval.components.seconds)
    case .heartbeatKey: heartbeatKey?.description
    case .agentServerCA: agentServerCA
    case .agentServerCert: agentServerCert
    case .agentServerNetworkDir: agentServerNetworkDir
    case .agentRequestReadTimeout: String(agentRequestReadTimeout?.components.seconds ?? 0)
    case .agentTLSProtocol: agentTLSProtocol.rawValue
    case .agentAllowedClients: agentAllowedClients.joined(separator: ", ")
    case .amphoraID: amphoraID
    case .administrativeLogFacility: String(administrativeLogFacility)
    case .loadBalancerTopology: loadBalancerTopology.rawValue
    }
  }
}

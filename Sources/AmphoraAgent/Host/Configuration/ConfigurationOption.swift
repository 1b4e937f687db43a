// The options the agent reads, as a table: contract heartbeat-and-config §1.4.

/// An option of amphora-agent.conf that the agent reads.
///
/// `agent_allowed_clients` is this agent's own (contract agent-api §5 W31).
package enum ConfigurationOption: String, CaseIterable, Sendable, Hashable {
  case debug
  case useSyslog = "use_syslog"
  case syslogLogFacility = "syslog_log_facility"
  case basePath = "base_path"
  case baseCertDir = "base_cert_dir"
  case bindHost = "bind_host"
  case bindPort = "bind_port"
  case haproxyCommand = "haproxy_cmd"
  case controllerIPPortList = "controller_ip_port_list"
  case heartbeatInterval = "heartbeat_interval"
  case heartbeatKey = "heartbeat_key"
  case agentServerCA = "agent_server_ca"
  case agentServerCert = "agent_server_cert"
  case agentServerNetworkDir = "agent_server_network_dir"
  case agentRequestReadTimeout = "agent_request_read_timeout"
  case agentTLSProtocol = "agent_tls_protocol"
  case agentAllowedClients = "agent_allowed_clients"
  case amphoraID = "amphora_id"
  case administrativeLogFacility = "administrative_log_facility"
  case loadBalancerTopology = "loadbalancer_topology"

  /// The option's key in its section.
  package var name: String { rawValue }

  /// The section the option stands in.
  package var section: String {
    switch self {
    case .debug, .useSyslog, .syslogLogFacility: "DEFAULT"
    case .basePath, .baseCertDir, .bindHost, .bindPort, .haproxyCommand: "haproxy_amphora"
    case .controllerIPPortList, .heartbeatInterval, .heartbeatKey: "health_manager"
    case .agentServerCA, .agentServerCert, .agentServerNetworkDir, .agentRequestReadTimeout, .agentTLSProtocol,
      .agentAllowedClients, .amphoraID, .administrativeLogFacility:
      "amphora_agent"
    case .loadBalancerTopology: "controller_worker"
    }
  }

  /// `[section] option`, as messages name it.
  package var qualifiedName: String { "[\(section)] \(name)" }

  /// Sections in which the option is looked up, in order.
  ///
  /// Controllers deliver `administrative_log_facility` in a section where upstream's agent does not look (contract
  /// §1.4 notes).
  var lookupSections: [String] {
    self == .administrativeLogFacility ? ["amphora_agent", "haproxy_amphora"] : [section]
  }

  /// Whether a change takes effect through `PUT /1.0/config` without a restart.
  package var isLive: Bool {
    switch self {
    case .debug, .controllerIPPortList, .heartbeatInterval, .heartbeatKey, .loadBalancerTopology: true
    default: false
    }
  }

  /// Whether the value must never be shown.
  package var isSecret: Bool { self == .heartbeatKey }

  /// The default as it would be written in the file; nil where there is none.
  package var defaultText: String? {
    switch self {
    case .debug, .useSyslog: "False"
    case .syslogLogFacility: "LOG_USER"
    case .basePath: "/var/lib/octavia"
    case .baseCertDir: "/var/lib/octavia/certs"
    case .bindHost: "::"
    case .bindPort: "9443"
    case .haproxyCommand: "/usr/sbin/haproxy"
    case .controllerIPPortList, .agentAllowedClients: ""
    case .heartbeatInterval: "10"
    case .heartbeatKey, .amphoraID: nil
    case .agentServerCA: "/etc/octavia/certs/client_ca.pem"
    case .agentServerCert: "/etc/octavia/certs/server.pem"
    case .agentServerNetworkDir: "/etc/octavia/interfaces/"
    case .agentRequestReadTimeout: "180"
    case .agentTLSProtocol: "TLSv1.2"
    case .administrativeLogFacility: "1"
    case .loadBalancerTopology: "SINGLE"
    }
  }

  /// The environment variable that overrides an option, such as `OS_HEALTH_MANAGER__HEARTBEAT_KEY`.
  static func environmentVariable(section: String, name: String) -> String {
    "OS_\(section.uppercased())__\(name.uppercased())"
  }
}

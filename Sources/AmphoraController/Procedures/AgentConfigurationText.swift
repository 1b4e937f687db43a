// amphora-agent.conf as a controller delivers it (contract heartbeat-and-config §1.7), and the files beside it.

public import AmphoraProtocol

/// The agent's configuration file.
public struct AgentConfigurationText: Hashable, Sendable {
  /// Where it is on an amphora.
  public static let path = "/etc/octavia/amphora-agent.conf"
  /// The amphora.
  public var amphora: AmphoraID
  /// How many amphorae serve its load balancer.
  public var topology: Topology
  /// Where heartbeats go.
  public var heartbeatReceivers: [String]
  /// The key of heartbeats.
  public var heartbeatKey: String
  /// Seconds between heartbeats.
  public var heartbeatInterval = 10
  /// Whether the agent logs at level debug.
  public var isVerbose = false
  /// Whether the agent logs to syslog instead of its standard error.
  public var usesSyslog = true

  /// Makes a file with Octavia's values.
  public init(amphora: AmphoraID, topology: Topology, heartbeatReceivers: [String], heartbeatKey: String) {
    self.amphora = amphora
    self.topology = topology
    self.heartbeatReceivers = heartbeatReceivers
    self.heartbeatKey = heartbeatKey
  }

  /// The file's text.
  ///
  /// The key is written as a controller of Octavia does, with five characters as entities, which agents reverse.
  public var text: String {
    """

    [DEFAULT]
    debug = \(isVerbose ? "True" : "False")
    use_syslog = \(usesSyslog ? "True" : "False")

    [haproxy_amphora]
    base_cert_dir = /var/lib/octavia/certs
    base_path = /var/lib/octavia
    bind_host = ::
    bind_port = 9443
    haproxy_cmd = /usr/sbin/haproxy
    user_log_facility = 0
    administrative_log_facility = 1

    [health_manager]
    controller_ip_port_list = \(heartbeatReceivers.joined(separator: ", "))
    heartbeat_interval = \(heartbeatInterval)
    heartbeat_key = \(Escaping.html(heartbeatKey))

    [amphora_agent]
    agent_server_ca = /etc/octavia/certs/client_ca.pem
    agent_server_cert = /etc/octavia/certs/server.pem
    agent_request_read_timeout = 180
    amphora_id = \(amphora)
    amphora_udp_driver = keepalived_lvs
    agent_tls_protocol = TLSv1.2

    [controller_worker]
    loadbalancer_topology = \(topology.rawValue)

    """
  }
}

extension ControllerSettings {
  /// The files of a new amphora (contract heartbeat-and-config §1.8); the one of rsyslog may be empty.
  func bootFiles(
    of amphora: AmphoraID, topology: Topology, certificate: IssuedCertificate
  ) -> [BootFile] {
    var configuration = AgentConfigurationText(
      amphora: amphora, topology: topology, heartbeatReceivers: heartbeatReceivers, heartbeatKey: heartbeatKey)
    configuration.heartbeatInterval = heartbeatInterval
    return BootFile.amphora(configuration: configuration, certificate: certificate, clientCAPEM: clientCAPEM)
  }
}

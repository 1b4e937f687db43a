// `amphora-agent config check` and `config show` by their texts.

import Testing

@testable import AmphoraAgent

@Suite struct ConfigurationListingTests {
  private let folder: ConfigurationFolder
  private var path: String { "\(folder.path)/agent.conf" }

  init() throws { folder = try ConfigurationFolder() }

  @Test func `a delivered file is complete and valid`() throws {
    try folder.write("agent.conf", ConfigurationSample.delivered)
    let verdict = ConfigurationVerdict(file: path, environment: [:])
    #expect(verdict.text == "\(path): complete and valid")
    #expect(verdict.exitCode == 0)
  }

  @Test func `all errors and warnings come at once, with their lines`() throws {
    try folder.write(
      "agent.conf",
      """
      [haproxy_amphora]
      bind_port = 94430
      [health_manager]
      heartbeat_key =
      heartbeat_interval = soon
      controller_ip_port_list = 192.0.2.5:5555, nonsense
      [amphora_agent]
      amphora_id = x
      """)
    let verdict = ConfigurationVerdict(file: path, environment: ["OS_DEFAULT__DEBUG": "perhaps"])
    #expect(
      verdict.text == """
        error: environment variable OS_DEFAULT__DEBUG: [DEFAULT] debug = perhaps: not allowed; allowed is true, 1, on, yes, \
        false, 0, off or no in any letter case
        error: \(path):2: [haproxy_amphora] bind_port = 94430: not allowed; allowed is a decimal integer from 0 to 65535
        error: \(path):5: [health_manager] heartbeat_interval = soon: not allowed; allowed is a decimal integer from 1 to 86400
        warning: \(path):6: [health_manager] controller_ip_port_list = nonsense: this item is left out; allowed are \
        host:port items joined by commas, an IPv6 address in brackets, port 1 to 65535
        warning: \(path):4: [health_manager] heartbeat_key = •••: an empty key lets anybody forge heartbeats
        warning: \(path):8: [amphora_agent] amphora_id = x: not a UUID; controllers will not know this amphora
        3 errors, 3 warnings: the agent does not start with this file, and refuses it as an upload
        """)
    #expect(verdict.exitCode == 2)
    let json = try verdict.json()
    #expect(json.contains(#""variable" : "OS_DEFAULT__DEBUG""#) && json.contains(#""line" : 8"#))
  }

  @Test func `warnings alone are 1, a missing file is 2`() throws {
    try folder.write("agent.conf", "[DEFAULT]\n")
    let verdict = ConfigurationVerdict(file: path, environment: [:])
    #expect(verdict.exitCode == 1)
    #expect(verdict.text.hasSuffix("\n0 errors, 2 warnings"))
    let missing = ConfigurationVerdict(file: "/nonexistent/agent.conf", environment: [:])
    #expect(missing.exitCode == 2)
    #expect(
      missing.text.hasPrefix(
        "error: /nonexistent/agent.conf: cannot open: No such file or directory\n1 error, 0 warnings"))
  }

  @Test func `in a file that cannot be read to its end nothing is said to be missing`() throws {
    try folder.write("agent.conf", "[health_manager\nheartbeat_key = secret\n")
    let verdict = ConfigurationVerdict(file: path, environment: [:])
    #expect(verdict.problems.count == 2 && verdict.warnings.isEmpty)
    #expect(!verdict.text.contains("secret"))
  }

  @Test func `show names each value and its place, never a secret`() throws {
    try folder.write(
      "agent.conf",
      """
      [health_manager]
      heartbeat_key = first secret
      heartbeat_key = second secret
      heartbeat_intervall = 3
      hartbeat_key = third secret
      controller_ip_port_list = 192.0.2.5:5555
      [haproxy_amphora]
      administrative_log_facility = 3
      connection_max_retries = 120
      """)
    let environment = ["OS_HEALTH_MANAGER__HEARTBEAT_INTERVAL": "5"]
    let listing = try ConfigurationListing(file: path, environment: environment, includesUnused: true)
    #expect(
      listing.text == """
        # \(path)

        [DEFAULT]
        default      debug = False
        default      use_syslog = False
        default      syslog_log_facility = LOG_USER

        [haproxy_amphora]
        default      base_path = /var/lib/octavia
        default      base_cert_dir = /var/lib/octavia/certs
        default      bind_host = ::
        default      bind_port = 9443
        default      haproxy_cmd = /usr/sbin/haproxy

        [health_manager]
        line 6       controller_ip_port_list = 192.0.2.5:5555
        environment  heartbeat_interval = 5
                     (OS_HEALTH_MANAGER__HEARTBEAT_INTERVAL)
        line 3       heartbeat_key = (set)

        [amphora_agent]
        default      agent_server_ca = /etc/octavia/certs/client_ca.pem
        default      agent_server_cert = /etc/octavia/certs/server.pem
        default      agent_server_network_dir = /etc/octavia/interfaces
        default      agent_request_read_timeout = 180
        default      agent_tls_protocol = TLSv1.2
        default      agent_allowed_clients = (empty)
        default      amphora_id = (not set)
        line 8       administrative_log_facility = 3

        [controller_worker]
        default      loadbalancer_topology = SINGLE

        # Not used by the agent:

        [health_manager]
        line 2       heartbeat_key = (set)
        line 4       heartbeat_intervall = 3
        line 5       hartbeat_key = (set)

        [haproxy_amphora]
        line 9       connection_max_retries = 120
        """)
    #expect(!(try listing.json()).contains("secret"))
    let plain = try ConfigurationListing(file: path, environment: environment)
    #expect(plain.rows.count == ConfigurationOption.allCases.count)
    #expect(try plain.json().contains(#""variable" : "OS_HEALTH_MANAGER__HEARTBEAT_INTERVAL""#))
  }

  @Test func `show of a bad file names what is wrong`() throws {
    try folder.write("agent.conf", "[DEFAULT]\ndebug = perhaps\n")
    #expect(throws: ConfigurationError.self) { try ConfigurationListing(file: path, environment: [:]) }
  }
}

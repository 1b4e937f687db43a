// Options as checked values: contract heartbeat-and-config §1.3, §1.4, §1.7.

import Addresses
import Testing

@testable import AmphoraAgent

@Suite struct `Agent configuration` {
  @Test func `the delivered file reads as the contract says`() throws {
    let configuration = try ConfigurationSample.parsed(ConfigurationSample.delivered)
    #expect(configuration.debug == false)
    #expect(configuration.useSyslog == true)
    #expect(configuration.syslogLogFacility == .local1)
    #expect(configuration.syslogLogFacility.priorityBits == 17 << 3)
    #expect(configuration.basePath == "/var/lib/octavia")
    #expect(configuration.baseCertDir == "/var/lib/octavia/certs")
    #expect(configuration.bindHost == IPAddress("::"))
    #expect(configuration.bindPort == 9443)
    #expect(configuration.haproxyCommand == "/usr/sbin/haproxy")
    #expect(configuration.controllerEndpoints.map(\.host) == ["192.0.2.5", "2001:db8::5"])
    #expect(configuration.controllerEndpoints.map(\.port) == [5555, 5555])
    #expect(configuration.heartbeatInterval == .seconds(10))
    #expect(configuration.heartbeatKey == Secret("insecure"))
    #expect(configuration.agentServerCA == "/etc/octavia/certs/client_ca.pem")
    #expect(configuration.agentServerCert == "/etc/octavia/certs/server.pem")
    #expect(configuration.agentServerNetworkDir == "/etc/octavia/interfaces")
    #expect(configuration.agentRequestReadTimeout == .seconds(180))
    #expect(configuration.agentTLSProtocol == .tlsv12)
    #expect(configuration.amphoraID == "6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8")
    #expect(configuration.administrativeLogFacility == 1)
    #expect(configuration.loadBalancerTopology == .single)
    #expect(configuration.warnings.isEmpty)
  }

  @Test func `each value knows where it came from`() throws {
    let configuration = try ConfigurationSample.parsed(
      ConfigurationSample.delivered, environment: ["OS_HAPROXY_AMPHORA__BIND_PORT": "9444", "OS_DEFAULT__DEBUG": "yes"])
    #expect(configuration.bindPort == 9444)
    #expect(configuration.debug)
    #expect(configuration.origins[.bindPort] == .environment("OS_HAPROXY_AMPHORA__BIND_PORT"))
    #expect(configuration.origins[.debug] == .environment("OS_DEFAULT__DEBUG"))
    #expect(configuration.origins[.heartbeatKey] == .file("agent.conf", line: 19))
    #expect(configuration.origins[.administrativeLogFacility] == .file("agent.conf", line: 14))
    #expect(configuration.origins[.agentServerNetworkDir] == .default)
    #expect(Set(configuration.origins.keys) == Set(ConfigurationOption.allCases))
  }

  @Test func `an empty file gives the defaults and warns of what is missing`() throws {
    let configuration = try ConfigurationSample.parsed("")
    for option in ConfigurationOption.allCases {
      #expect(configuration.origins[option] == .default)
      let expected = option.defaultText.map { $0.count > 1 && $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
      #expect(configuration.text(of: option) == expected, "\(option)")
    }
    let warnings = configuration.warnings.map(\.description)
    #expect(warnings.count == 2)
    #expect(warnings.contains { $0.contains("[health_manager] heartbeat_key is not set") })
    #expect(warnings.contains { $0.contains("[amphora_agent] amphora_id is not set") })
  }

  @Test func `all bad values are reported with file, line, option, value and what is allowed`() {
    let text = """
      [DEFAULT]
      debug =
      syslog_log_facility = LOG_LOCAL8
      [haproxy_amphora]
      bind_port = 65536
      bind_host = [::]
      base_path = var/lib
      haproxy_cmd = /usr/../sbin/haproxy
      [health_manager]
      heartbeat_interval = 0
      controller_ip_port_list = 192.0.2.5
      [amphora_agent]
      agent_tls_protocol = tlsv1.2
      administrative_log_facility = 8
      agent_request_read_timeout =
      [controller_worker]
      loadbalancer_topology = single
      """
    let found = ConfigurationSample.problems(text)
    #expect(found.count == 12)
    #expect(
      found.first
        == "agent.conf:2: [DEFAULT] debug = (empty): not allowed; allowed is true, 1, on, yes, false, 0, off or no in any letter case"
    )
    #expect(
      found.contains(
        "agent.conf:5: [haproxy_amphora] bind_port = 65536: not allowed; allowed is a decimal integer from 0 to 65535"))
    #expect(
      found.contains(
        "agent.conf:10: [health_manager] heartbeat_interval = 0: not allowed; allowed is a decimal integer from 1 to 86400"
      ))
    #expect(
      found.contains(
        "agent.conf:17: [controller_worker] loadbalancer_topology = single: not allowed; allowed is one of SINGLE, ACTIVE_STANDBY"
      ))
    #expect(
      found.map { $0.split(separator: ":")[1] } == ["2", "3", "5", "6", "7", "8", "10", "11", "13", "14", "15", "17"])
  }

  @Test func `errors of grammar and of values come together`() {
    let found = ConfigurationSample.problems("stray\n[health_manager]\nheartbeat_interval = x\n")
    #expect(found.count == 2)
    #expect(found.first?.hasPrefix("agent.conf:1: neither section") == true)
  }

  @Test(arguments: ["text", "", "-1", "1.5", "1_0", "0x10", "99999999999999999999", "10 s"])
  func `a bad heartbeat interval is refused`(value: String) {
    #expect(ConfigurationSample.problems("[health_manager]\nheartbeat_interval = \(value)\n").count == 1)
  }

  @Test(arguments: [("'7'", 7), ("+5", 5), (" 30 ", 30)])
  func `an integer is trimmed, may have a sign and quotes`(text: String, seconds: Int) throws {
    #expect(
      try ConfigurationSample.parsed("[health_manager]\nheartbeat_interval = \(text)").heartbeatInterval
        == .seconds(seconds))
  }

  @Test(arguments: [
    ("tRuE", true), ("1", true), ("ON", true), ("Yes", true), ("false", false), ("0", false), ("oFf", false),
    ("No", false),
  ])
  func `booleans have four words each`(text: String, value: Bool) throws {
    #expect(try ConfigurationSample.parsed("[DEFAULT]\ndebug = \(text)").debug == value)
  }

  @Test func `a bad value from the environment names the variable`() {
    let found = ConfigurationSample.problems("", environment: ["OS_HEALTH_MANAGER__HEARTBEAT_INTERVAL": "never"])
    #expect(found.count == 1)
    #expect(found.first?.hasPrefix("environment variable OS_HEALTH_MANAGER__HEARTBEAT_INTERVAL: ") == true)
  }

  @Test(arguments: [
    ("[amphora_agent]\nadministrative_log_facility=5\n[haproxy_amphora]\nadministrative_log_facility=3", 5),
    ("[haproxy_amphora]\nadministrative_log_facility=3", 3),
    ("[amphora_agent]\nadministrative_log_facility=\n[haproxy_amphora]\nadministrative_log_facility=3", 3),
    ("", 1),
  ])
  func `the administrative log facility is looked up in two sections`(text: String, value: Int) throws {
    #expect(try ConfigurationSample.parsed(text).administrativeLogFacility == value)
  }

  @Test func `a request timeout of 0 means no limit`() throws {
    #expect(
      try ConfigurationSample.parsed("[amphora_agent]\nagent_request_read_timeout = 0").agentRequestReadTimeout == nil)
  }

  @Test(arguments: ["LOG_LOCAL7", "local7", "log_local7", "Local7"])
  func `a facility is taken with and without prefix`(text: String) throws {
    #expect(try ConfigurationSample.parsed("[DEFAULT]\nsyslog_log_facility = \(text)").syslogLogFacility == .local7)
  }

  @Test func `TLS versions are ordered by age`() {
    #expect(TLSVersion.allCases.sorted() == [.sslv3, .tlsv1, .tlsv11, .tlsv12, .tlsv13])
    #expect(TLSVersion.tlsv12 < .tlsv13)
  }

  @Test func `paths lose trailing slashes and may contain dots that are no segments`() throws {
    let text = "[haproxy_amphora]\nbase_path = /srv/..oct./.x//\n"
    #expect(try ConfigurationSample.parsed(text).basePath == "/srv/..oct./.x")
    #expect(ConfigurationSample.problems("[haproxy_amphora]\nbase_path = /a/..").count == 1)
    #expect(ConfigurationSample.problems("[haproxy_amphora]\nbase_path = /a\n  b").count == 1)
    #expect(ConfigurationSample.problems("[haproxy_amphora]\nbase_path = ").count == 1)
    #expect(ConfigurationSample.problems("", environment: ["OS_HAPROXY_AMPHORA__BASE_PATH": "/a\0b"]).count == 1)
  }

  @Test func `a file is read from disk and its absence is a typed error`() throws {
    let folder = try ConfigurationFolder()
    try folder.write("agent.conf", ConfigurationSample.delivered)
    let configuration = try AgentConfiguration.load(path: folder.path + "/agent.conf", environment: [:])
    #expect(configuration.amphoraID == "6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8")
    func kind(_ path: String) -> ConfigurationProblem.Kind? {
      do {
        _ = try AgentConfiguration.load(path: path, environment: [:])
        return nil
      } catch { return error.problems.first?.kind }
    }
    #expect(kind(folder.path + "/none") == .unreadable(operation: "open", message: "No such file or directory"))
    #expect(kind(folder.path) == .notRegularFile)
    #expect(kind("/dev/zero") == .notRegularFile)
    try folder.write("large", String(repeating: "#", count: INIDocument.maximumSize + 10))
    #expect(kind(folder.path + "/large") == .tooLarge(limit: INIDocument.maximumSize))
  }
}

// What the configuration suites share.

import Glibc

@testable import AmphoraAgent

/// Configurations for tests.
enum ConfigurationSample {
  /// The file as controllers deliver it (contract §1.7): an empty first line, no final newline.
  static let delivered = """

    [DEFAULT]
    debug = False
    use_syslog = True
    syslog_log_facility = LOG_LOCAL1

    [haproxy_amphora]
    base_cert_dir = /var/lib/octavia/certs
    base_path = /var/lib/octavia
    bind_host = ::
    bind_port = 9443
    haproxy_cmd = /usr/sbin/haproxy
    user_log_facility = 0
    administrative_log_facility = 1

    [health_manager]
    controller_ip_port_list = 192.0.2.5:5555, [2001:db8::5]:5555
    heartbeat_interval = 10
    heartbeat_key = insecure

    [amphora_agent]
    agent_server_ca = /etc/octavia/certs/client_ca.pem
    agent_server_cert = /etc/octavia/certs/server.pem
    agent_request_read_timeout = 180
    amphora_id = 6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8
    amphora_udp_driver = keepalived_lvs
    agent_tls_protocol = TLSv1.2

    [controller_worker]
    loadbalancer_topology = SINGLE
    """

  static func parsed(_ text: String, environment: [String: String] = [:]) throws -> AgentConfiguration {
    try AgentConfiguration.parse(Array(text.utf8), file: "agent.conf", environment: environment)
  }

  static func problems(_ text: String, environment: [String: String] = [:]) -> [String] {
    do {
      _ = try parsed(text, environment: environment)
      return []
    } catch let error as ConfigurationError {
      return error.problems.map(\.description)
    } catch {
      return ["unexpected \(error)"]
    }
  }
}

/// A folder of one test's files, removed with the value.
final class ConfigurationFolder {
  let path: String

  init() throws {
    var template = Array("/tmp/amphora-configuration-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw POSIXFailure(operation: "mkdtemp", code: errno) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for name in written { unlink(path + "/" + name) }
    rmdir(path)
  }

  private var written: [String] = []

  func write(_ name: String, _ text: String) throws {
    guard let file = fopen(path + "/" + name, "w") else { throw POSIXFailure(operation: "fopen", code: errno) }
    written.append(name)
    fputs(text, file)
    fclose(file)
  }

  struct POSIXFailure: Error {
    let operation: String
    let code: Int32
  }
}

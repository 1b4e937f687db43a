// A controller and its amphorae on one machine, with real certificates and real wires.

import Addresses
package import AmphoraController
package import AmphoraProtocol
import Files
import Glibc

/// The controller's side of a lab.
package final class Lab: Sendable {
  /// The wires.
  package let network: LabNetwork
  /// Signs amphorae's certificates.
  package let serverCA: CertificateAuthority
  /// Signs controllers' certificates.
  package let clientCA: CertificateAuthority
  /// The controller's own certificate.
  package let credentials: ControllerCredentials
  /// The key of heartbeats.
  package let heartbeatKey = "lab heartbeat key"
  private let agent: String

  /// Makes networks and CAs.
  ///
  /// - Parameter agent: the path of the amphora-agent binary; nil looks beside this program.
  package init(agent: String? = nil) throws {
    self.agent = try Self.absolute(agent ?? Self.agentBesideThisProgram())
    network = try LabNetwork()
    serverCA = try CertificateAuthority.create(name: "lab server CA")
    clientCA = try CertificateAuthority.create(name: "lab client CA")
    credentials = ControllerCredentials(
      clientPEM: try clientCA.issueControllerCertificate(name: "lab controller").pem,
      serverCAPEM: try serverCA.certificatePEM())
  }

  /// An amphora has another working folder.
  static func absolute(_ path: String) throws -> String {
    path.hasPrefix("/") ? path : "\(try FileRead.link("/proc/self/cwd"))/\(path)"
  }

  static func agentBesideThisProgram() throws -> String {
    if let path = getenv("AMPHORA_AGENT") { return String(cString: path) }
    let program = try FileRead.link("/proc/self/exe")
    let folder = program[..<(program.lastIndex(of: "/") ?? program.startIndex)]
    let path = "\(folder)/amphora-agent"
    guard FileRead.exists(path) else {
      throw LabError.failed(what: "amphora-agent", reason: "not built: \(path). Run: make build")
    }
    return path
  }

  /// Cuts an amphora's power and boots it again with what is on its disk; NICs of the traffic namespace are gone.
  package func reboot(_ amphora: LabAmphora) async throws -> LabAmphora {
    await amphora.vm.cutPower()
    let vm = try await AmphoraVM(
      number: amphora.vm.number, namespace: amphora.vm.namespace, managementAddress: amphora.vm.managementAddress,
      agent: agent)
    return LabAmphora(
      id: amphora.id, vm: vm, endpoint: amphora.endpoint, client: amphora.client, configuration: amphora.configuration)
  }

  /// Boots an amphora with its certificate and configuration, without starting the agent.
  package func bootAmphora(_ number: Int, id: AmphoraID, settings: LabAmphora.Settings = .init()) async throws
    -> LabAmphora
  {
    let namespace = try LabNetwork.namespace("amphora-\(number)")
    let address = try network.connectManagement(namespace, number: number)
    let identity = try serverCA.issueAmphoraCertificate(id: id)
    let configuration = settings.configuration(id: id, controller: network.controllerAddress, key: heartbeatKey)
    let files: [String: String] = [
      "/etc/octavia/amphora-agent.conf": configuration, "/etc/octavia/certs/server.pem": identity.pem,
      "/etc/octavia/certs/client_ca.pem": try clientCA.certificatePEM(),
    ]
    let vm = try await AmphoraVM(
      number: number, namespace: namespace, managementAddress: address, agent: agent, files: files)
    guard let ip = IPAddress(address) else { throw LabError.failed(what: "address", reason: address) }
    let endpoint = AmphoraEndpoint(amphora: id, address: ip)
    return LabAmphora(
      id: id, vm: vm, endpoint: endpoint, client: try AmphoraClient(endpoint: endpoint, credentials: credentials),
      configuration: configuration)
  }
}

/// An amphora with the client that talks to it.
package struct LabAmphora: Sendable {
  /// What differs between amphorae of a lab.
  package struct Settings: Sendable {
    /// `SINGLE` or `ACTIVE_STANDBY`.
    package var topology = "SINGLE"
    /// Seconds between heartbeats.
    package var heartbeatInterval = 1
    /// `host:port` of the heartbeats' receivers; nil for the controller's.
    package var controllers: String?
    /// Seconds for a request.
    package var requestReadTimeout = 180

    package init() {}

    /// The file as a controller delivers it (contract heartbeat-and-config §1.7).
    package func configuration(id: AmphoraID, controller: String, key: String) -> String {
      """

      [DEFAULT]
      debug = True
      use_syslog = False

      [haproxy_amphora]
      base_cert_dir = /var/lib/octavia/certs
      base_path = /var/lib/octavia
      bind_host = ::
      bind_port = 9443
      haproxy_cmd = /usr/sbin/haproxy
      user_log_facility = 0
      administrative_log_facility = 1

      [health_manager]
      controller_ip_port_list = \(controllers ?? "\(controller):5555")
      heartbeat_interval = \(heartbeatInterval)
      heartbeat_key = \(key)

      [amphora_agent]
      agent_server_ca = /etc/octavia/certs/client_ca.pem
      agent_server_cert = /etc/octavia/certs/server.pem
      agent_request_read_timeout = \(requestReadTimeout)
      amphora_id = \(id)
      amphora_udp_driver = keepalived_lvs
      agent_tls_protocol = TLSv1.2

      [controller_worker]
      loadbalancer_topology = \(topology)
      """
    }
  }

  /// The amphora's id.
  package let id: AmphoraID
  /// Its machine.
  package let vm: AmphoraVM
  /// Where its agent listens.
  package let endpoint: AmphoraEndpoint
  /// The controller's client, with the controller's patience.
  package let client: AmphoraClient
  /// The configuration file as delivered.
  package let configuration: String
}

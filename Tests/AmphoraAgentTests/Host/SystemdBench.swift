// The API over systemd's supervision, with a systemctl that fails on demand; files, haproxy's check and stats sockets are
// real ones.

import Addresses
import AmphoraProtocol
import Files
import Foundation
import Glibc
import Logging
import Netlink
import Testing

@testable import AmphoraAgent

final class SystemdBench: Sendable {
  static let id = LoadBalancerID(unchecked: "aaaaaaaa-0000-4000-8000-000000000001")
  static let amphora = "11111111-2222-4333-8444-555555555501"

  let folder: LabFolder
  let paths: AgentPaths
  let systemctl: FakeSystemctl
  let supervisor: SystemdSupervisor
  let api: AgentAPI

  init(topology: String = "ACTIVE_STANDBY") throws {
    folder = try LabFolder()
    let paths = AgentPaths(
      base: folder.folder("lib"), certificates: folder.folder("certs"), units: folder.folder("units"),
      userGroupFragment: folder.path + "/group.conf", runtime: folder.folder("run"))
    self.paths = paths
    try folder.write("group.conf", "global\n  group nogroup\n")
    systemctl = try FakeSystemctl(in: folder, check: paths.haproxyCheckScript)
    let configuration = LiveConfiguration(
      try ConfigurationSample.parsed("[controller_worker]\nloadbalancer_topology = \(topology)\n"))
    let logger = LogRecord().logger
    supervisor = SystemdSupervisor(
      paths: paths, agent: "/usr/bin/amphora-agent", configurationFile: "/etc/octavia/amphora-agent.conf",
      systemctl: systemctl.path, logger: logger)
    let checkScripts = VRRPCheckScripts(paths: paths)
    let store = LoadBalancerStore(paths: paths)
    api = AgentAPI(
      loadBalancers: LoadBalancers(
        paths: paths, configuration: configuration, supervisor: supervisor, checkScripts: checkScripts,
        advertiser: NoAdvertiser(), racePause: .milliseconds(5), logger: logger),
      lvs: LVSListeners(
        paths: paths, configuration: configuration, supervisor: supervisor, checkScripts: checkScripts,
        advertiser: NoAdvertiser(), logger: logger),
      certificates: CertificateStore(paths: paths),
      vrrp: VRRPService(
        paths: paths, configuration: configuration, supervisor: supervisor, checkScripts: checkScripts,
        logger: logger),
      networks: NetworkRoutes(
        interfaces: AgentInterfaces(
          paths: InterfacePaths(namespace: .amphoraHAProxy), configuration: configuration, logger: logger)),
      agent: AgentFiles(
        file: folder.path + "/agent.conf", environment: [:], configuration: configuration, logger: logger
      ) { _ in },
      facts: AmphoraFacts(packages: PackageDatabase(haproxyCommand: "/usr/sbin/haproxy"), store: store) { [:] },
      health: AgentHealth(checks: []))
  }

  private struct NoAdvertiser: VIPAdvertising {
    func advertise(_ addresses: [IPAddress]) async {}
  }

  // MARK: Requests

  /// An answer: its status and the texts of its body.
  struct Answer: Equatable, CustomStringConvertible {
    let status: Int
    let body: [String: String]

    var description: String { "\(status) \(body)" }
  }

  func send(_ method: String, _ path: String, _ body: String = "") async throws -> Answer {
    let response = await api.respond(
      to: APIRequest(method: method, path: path, body: .success(Array(body.utf8))), logger: LogRecord().logger)
    let texts = try #require(try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: String])
    return Answer(status: response.status, body: texts)
  }

  func control(_ action: String) async throws -> Answer {
    try await send("PUT", "/1.0/loadbalancer/\(Self.id)/\(action)")
  }
  func delete() async throws -> Answer { try await send("DELETE", "/1.0/listeners/\(Self.id)") }

  /// A configuration that haproxy accepts.
  var configuration: String {
    """
    global
        maxconn 100
        stats socket \(paths.statsSocket(of: Self.id))
    defaults
        mode http
        timeout connect 1s
        timeout client 1s
        timeout server 1s
    frontend f
        mode http
        bind unix@\(folder.path)/front

    """
  }

  func upload() async throws -> Answer {
    try await send("PUT", "/1.0/loadbalancer/\(Self.amphora)/\(Self.id)/haproxy", configuration)
  }

  // MARK: State

  /// Puts a live process of haproxy's name into the pid file; it does nothing.
  func pretendRunning() throws {
    let pid = try folder.startSleeper(named: "haproxy")
    try DurableFile.write(Array("\(pid)\n".utf8), to: paths.pidFile(of: Self.id), mode: 0o644)
  }

  /// Every file and folder with its content, apart from what the fake systemctl keeps.
  func files() throws -> [String: String] {
    var result: [String: String] = [:]
    for root in [paths.base, paths.certificates, paths.units, paths.runtime] {
      for name in try FileManager.default.subpathsOfDirectory(atPath: root) {
        result["\(root)/\(name)"] = FileRead.text("\(root)/\(name)") ?? ""
      }
    }
    return result
  }

  /// The VRRP check with the load balancer's socket, and without any.
  var checked: String { "haproxy-vrrp-check \(paths.statsSocket(of: Self.id)); exit $?" }
  static let unchecked = "haproxy-vrrp-check ; exit $?"
  var check: String? { FileRead.text(paths.haproxyCheckScript) }
  var unit: String { ServiceUnit.unitName(of: Self.id) }
}

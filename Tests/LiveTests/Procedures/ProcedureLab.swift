// A controller with drivers of its own: certificates, memory on disk, a client and members. Everything the controller
// knows is on disk, so that another set of procedures over the same folders is another process as far as it can tell.

import Addresses
import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Files
import FoundationEssentials
import Glibc
import Netlink
import Synchronization
import Testing
import TestSupport

final class ProcedureLab: Sendable {
  static let vip = "203.0.113.10"
  let directory: String
  let driver: NamespaceDriver
  let settings: ControllerSettings
  let client: NetworkNamespace
  private let prefix: String
  private let managementNetwork: String
  private let members = Mutex<[HTTPMember]>([])

  private static let numbers = Atomic<Int>(0)

  private init(number: Int) async throws {
    directory = "/run/amphora-lab/procedures-\(number)"
    prefix = "lab\(number)"
    managementNetwork = "198.18.\(number).0/24"
    driver = try Self.driver(directory, prefix, managementNetwork)
    try await driver.makeManagementNetwork()
    let serverCA = try CertificateAuthority.create(name: "server CA")
    let clientCA = try CertificateAuthority.create(name: "client CA")
    var settings = ControllerSettings(
      credentials: ControllerCredentials(
        clientPEM: try clientCA.issueControllerCertificate(name: "controller").pem,
        serverCAPEM: try serverCA.certificatePEM()),
      clientCAPEM: try clientCA.certificatePEM(), heartbeatKey: "key",
      heartbeatReceivers: ["\(try driver.controllerAddress):5555"]
    ) { try serverCA.issueAmphoraCertificate(id: $0) }
    settings.heartbeatInterval = 1
    settings.patience = RetryProfile(attempts: 1500, pause: .milliseconds(20))
    settings.failoverPatience = RetryProfile(attempts: 2, pause: .milliseconds(100))
    settings.victimPatience = .once
    settings.timeouts = RequestTimeouts(connect: .seconds(2), read: .seconds(30))
    self.settings = settings
    for subnet in ProcedureDocument.subnets { await driver.define(subnet) }
    client = try await driver.makeHost("client", on: "vip", addresses: ["203.0.113.100/24"])
  }

  private static func driver(_ directory: String, _ prefix: String, _ network: String) throws -> NamespaceDriver {
    try NamespaceDriver(
      directory: "\(directory)/driver", prefix: prefix, managementNetwork: network,
      scratch: "\(directory)/machines")
  }

  /// Runs a test in a lab of its own, and expects that nothing is left once hosts and load balancers are gone.
  static func with(_ body: (ProcedureLab) async throws -> Void) async throws {
    await LiveLab.shared.acquire()
    let result: Result<Void, any Error>
    do {
      let lab = try await ProcedureLab(number: numbers.add(1, ordering: .relaxed).newValue)
      do {
        try await body(lab)
        try await lab.expectNothingLeft()
        result = .success(())
      } catch {
        for machine in FileRead.names(in: "\(lab.directory)/machines") {
          let log = FileRead.text("\(lab.directory)/machines/\(machine)/agent.log") ?? ""
          Issue.record("\(error)\nlog of \(machine):\n\(log.suffix(3000))")
        }
        result = .failure(error)
      }
    } catch { result = .failure(error) }
    await LiveLab.shared.release()
    try result.get()
  }

  /// Procedures as a new process would make them.
  ///
  /// - Parameter ids: where new ids are from; the same for the same seed.
  func procedures(seed: Int? = nil) async throws -> (procedures: LoadBalancerProcedures, driver: NamespaceDriver) {
    let driver = try Self.driver(directory, prefix, managementNetwork)
    for subnet in ProcedureDocument.subnets { await driver.define(subnet) }
    let state = try StateDirectory("\(directory)/state")
    guard let seed else {
      return (LoadBalancerProcedures(state: state, compute: driver, network: driver, settings: settings), driver)
    }
    let next = Mutex(seed * 1000)
    let procedures = LoadBalancerProcedures(
      state: state, compute: driver, network: driver, settings: settings,
      newID: {
        next.withLock { number in
          number += 1
          let digits = String(number)
          return "33333333-2222-4333-8444-\(String(repeating: "0", count: 12 - digits.count))\(digits)"
        }
      })
    return (procedures, driver)
  }

  func record() throws -> LoadBalancerRecord {
    try #require(try StateDirectory("\(directory)/state").record(ProcedureDocument.id))
  }

  // MARK: Hosts

  func startMember(_ name: String, on subnet: String, _ address: String) async throws {
    let namespace = try await driver.makeHost(name, on: subnet, addresses: ["\(address)/24"])
    let member = HTTPMember(name: name, namespace: namespace, port: 8080)
    try member.start()
    members.withLock { $0.append(member) }
  }

  func get() async throws -> ProbeResult {
    try await HTTPProbe.get(#require(IPAddress(Self.vip)), port: 80, from: client)
  }

  /// Waits until exactly these members have answered; the time it took.
  @discardableResult
  func waitForAnswers(_ names: Set<String>, within limit: Duration = .seconds(40)) async throws -> Duration {
    let start = ContinuousClock.now
    var seen: Set<String> = []
    try await poll("answers of \(names.sorted()) through the VIP", within: limit) {
      let result = try await get()
      if result.status == 200 { seen.insert(result.body.filter { !$0.isNewline }) }
      return seen == names
    }
    return ContinuousClock.now - start
  }

  // MARK: What there is

  /// The driver's records are the load balancer's; nothing was made twice, and nothing leaked.
  func expectConsistent(_ driver: NamespaceDriver) async throws {
    let record = try record()
    let inventory = try await driver.inventory().map { String($0.split(separator: "/").last ?? "") }
    let expected =
      record.amphorae.map { "\($0.id).json" } + record.ports.map { "\($0.id).json" } + record.amphorae.map(\.id.text)
      + record.amphorae.map { "\(prefix)-\($0.id)" }
      + ["\(prefix)-fabric", "\(prefix)-mgmt", "\(prefix)-host-client", "client.json"]
      + members.withLock { $0.flatMap { ["\(prefix)-host-\($0.name)", "\($0.name).json"] } }
    #expect(inventory.sorted() == expected.sorted())
    let machines = FileRead.names(in: "\(directory)/machines").sorted()
    #expect(machines == record.amphorae.map(\.id.text).sorted())
    // One wire per attached port and amphora, and nothing else beside the hosts' and the bridges.
    let fabric = try NetlinkSocket(in: #require(NetworkNamespace("\(prefix)-fabric"))).links().map(\.name)
    #expect(fabric.filter { $0.hasPrefix("p") }.count == record.ports.filter(\.isAttached).count, "\(fabric)")
    #expect(fabric.filter { $0.hasPrefix("m") && $0 != "mgmt" }.count == record.amphorae.count, "\(fabric)")
    for amphora in record.amphorae {
      let agents = try await inside(amphora.id, ["/usr/bin/pgrep", "-c", "-f", "amphora-agent serve"])
      #expect(agents == "1", "agents of \(amphora.id)")
    }
  }

  /// Runs a command in an amphora; its output.
  func inside(_ amphora: AmphoraID, _ command: [String]) async throws -> String {
    let entrance = try #require(try driver.entrance(of: amphora))
    return try await Command.run("/usr/bin/nsenter", entrance + command).output.filter { !$0.isNewline }
  }

  private func expectNothingLeft() async throws {
    for member in members.withLock({ $0 }) {
      member.stop()
      try await driver.removeHost(member.name)
    }
    try await driver.removeHost("client")
    #expect(try await driver.inventory() == [])
    #expect(FileRead.names(in: "\(directory)/machines") == [])
    #expect(FileRead.names(in: "\(directory)/state") == [])
  }
}

/// The load balancer of these tests.
struct ProcedureDocument {
  static let id = LoadBalancerID(unchecked: "0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10")
  var topology = "SINGLE"
  var limit = 1000
  var members: [(address: String, subnet: String)] = []
  var hasListener = true

  static let subnets: [NetworkSubnet] = [
    ("vip", "203.0.113.0/24"), ("red", "10.0.1.0/24"), ("blue", "10.0.2.0/24"),
  ].compactMap { id, cidr in
    CIDR(cidr).map { NetworkSubnet(id: id, networkID: "net-\(id)", subnet: Subnet(network: $0)) }
  }

  var json: String {
    let members = members.enumerated().map { index, member in
      """
      {"id": "f0000000-0000-4000-8000-00000000000\(index + 1)", "address": "\(member.address)", "protocol_port": 8080,
       "subnet_id": "\(member.subnet)"}
      """
    }.joined(separator: ", ")
    let listener = """
      {"id": "c1a7b3de-0000-4000-8000-000000000001", "protocol": "HTTP", "protocol_port": 80,
       "connection_limit": \(limit), "default_pool": {"id": "d0000000-0000-4000-8000-000000000001",
         "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", "members": [\(members)]}}
      """
    return """
      {"loadbalancer": {"id": "\(Self.id)", "project_id": "p", "vip_address": "203.0.113.10", "vip_subnet_id": "vip",
        "listeners": [\(hasListener ? listener : "")]},
       "context": {"topology": "\(topology)", "haproxy_version": "2.6",
        "subnets": {"vip": {"cidr": "203.0.113.0/24", "gateway_ip": "203.0.113.1"}, "red": {"cidr": "10.0.1.0/24"},
          "blue": {"cidr": "10.0.2.0/24"}},
        "options": {"vrrp_check_interval": 1, "vrrp_fail_count": 1, "vrrp_success_count": 1}}}
      """
  }

  func document() throws -> LoadBalancerDocument { try LoadBalancerDocument(json: Data(json.utf8)) }
}

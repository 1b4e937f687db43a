// Machines and networks out of Linux namespaces: amphorae on one machine, without a cloud. They outlive the process that
// made them; another process with the same folder finds them again.

package import Addresses
package import AmphoraController
package import AmphoraProtocol
import Files
import FoundationEssentials
import Glibc
package import Netlink

/// Builds amphorae as namespaces, and networks as bridges between them.
///
/// Outside of its own namespaces it makes one link, `PREFIX-mgmt`, and all its namespaces are named `PREFIX-…`. Inside a
/// ``Sandbox`` all of it ends with the sandbox; elsewhere with ``ComputeDriver/delete(_:)``, the last of which also removes
/// the wires.
package actor NamespaceDriver {
  /// A machine on record.
  struct Machine: Codable {
    var id: AmphoraID
    /// Its place on the management network.
    var number: Int
  }

  /// A port on record.
  struct Port: Codable {
    var order: PortOrder
    var made: NetworkPort
    var amphora: AmphoraID?
    var isEnabled = true
  }

  /// A host that is no amphora: a client or a member.
  struct Host: Codable {
    var name: String
    var addresses: [String]
  }

  let directory: String
  let scratch: String
  let agent: String
  let fabric: NamespaceFabric
  let machines: RecordFolder<Machine>
  let ports: RecordFolder<Port>
  let hosts: RecordFolder<Host>
  /// What this process was told; documents name their subnets, so nothing of it is on record.
  private var subnets: [String: NetworkSubnet] = [:]

  /// Takes a folder with records of what there is.
  ///
  /// - Parameters:
  ///   - directory: the folder; made when it is missing.
  ///   - agent: the path of the amphora-agent binary; nil looks beside this program.
  ///   - prefix: what names begin with, ten letters and digits at most.
  ///   - managementNetwork: where amphorae and the controller meet; by default a part of what RFC 2544 keeps for labs.
  ///   - scratch: where machines keep their files; must not be below /etc or /var/lib, which machines overlay.
  package init(
    directory: String, agent: String? = nil, prefix: String = "amph", managementNetwork: String = "198.18.217.0/24",
    scratch: String = "/run/amphora-machines"
  ) throws {
    guard let network = CIDR(strict: managementNetwork) else {
      throw LabError.failed(what: "management network \(managementNetwork)", reason: "no network")
    }
    self.directory = directory
    self.scratch = scratch
    self.agent = try Lab.absolute(agent ?? Lab.agentBesideThisProgram())
    fabric = NamespaceFabric(prefix: prefix, managementNetwork: network)
    machines = RecordFolder(path: "\(directory)/machines")
    ports = RecordFolder(path: "\(directory)/ports")
    hosts = RecordFolder(path: "\(directory)/hosts")
  }

  /// The controller's address on the management network.
  package nonisolated var controllerAddress: IPAddress { get throws { try fabric.managementAddress(1) } }

  /// Makes the management network, so that the controller has its address before there is an amphora.
  package func makeManagementNetwork() throws { try fabric.make() }

  /// The namespace with the bridges, where further hosts can be plugged in.
  package nonisolated var fabricNamespace: String { "\(fabric.prefix)-fabric" }

  /// Tells of a subnet.
  package func define(_ subnet: NetworkSubnet) { subnets[subnet.id] = subnet }

  /// A subnet that was told of.
  func definedSubnet(_ id: String) -> NetworkSubnet? { subnets[id] }

  /// Tells of a document's subnets: those of its VIPs are one network, each other one is a network of its own.
  package func define(subnetsOf document: LoadBalancerDocument) {
    let balancer = document.loadBalancer
    let vips = Set([balancer.vipSubnetID].compactMap(\.self) + balancer.additionalVIPs.compactMap(\.subnetID))
    for (id, subnet) in document.context.subnets {
      let network = vips.contains(id) ? balancer.vipSubnetID ?? id : id
      define(NetworkSubnet(id: id, networkID: network, subnet: subnet))
    }
  }

  /// The namespace of an amphora.
  package nonisolated func namespace(of amphora: AmphoraID) throws -> NetworkNamespace {
    try NamespaceFabric.named("\(fabric.prefix)-\(amphora)")
  }

  /// What an amphora writes, seen from outside.
  package nonisolated func files(of amphora: AmphoraID) -> String { "\(scratch)/\(amphora)" }

  /// The arguments of nsenter(1) for an amphora; nil when it does not run.
  package nonisolated func entrance(of amphora: AmphoraID) throws -> [String]? {
    try MachineProcesses(namespace: namespace(of: amphora)).first().map {
      ["--target", "\($0)", "--net", "--mount", "--pid", "--"]
    }
  }

  /// Ends every process of an amphora at once, as a power cut would; its record and its ports stay.
  package func cutPower(of amphora: AmphoraID) async throws {
    try await MachineProcesses(namespace: namespace(of: amphora)).kill()
  }

  /// Names of everything that is there: namespaces, the controller's link, records; empty after the last deletion.
  package func inventory() throws -> [String] {
    let namespaces = try NetworkNamespace.list().map(\.name).filter { $0.hasPrefix("\(fabric.prefix)-") }
    let links = try NetlinkSocket().links().map(\.name).filter { $0.hasPrefix("\(fabric.prefix)-") }
    let records = [machines.path, ports.path, hosts.path].flatMap { path in
      FileRead.names(in: path).map { "\(path)/\($0)" }
    }
    let running = try machines.all().filter { FileRead.exists(files(of: $0.id)) }.map { files(of: $0.id) }
    return (namespaces + links + records + running).sorted()
  }

  /// Deletes the wires once nothing is connected to them any more.
  func tearDownIfUnused() throws {
    guard try machines.all().isEmpty, try ports.all().isEmpty, try hosts.all().isEmpty else { return }
    try fabric.delete()
    // Emptied, not removed: the lock is in use.
    for path in [machines.path, ports.path, hosts.path] { try DurableFile.removeTree(path) }
    rmdir(scratch)
  }

  /// Keeps other processes with the same folder out meanwhile.
  func exclusively<Value>(_ body: () async throws -> Value) async throws -> Value {
    try DurableFile.createDirectory(directory, mode: 0o700)
    let path = "\(directory)/lock"
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw DurableFile.Failure(operation: "open", path: path, errno: errno) }
    defer { close(descriptor) }
    let deadline = ContinuousClock.now + .seconds(60)
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      guard ContinuousClock.now < deadline else {
        throw LabError.failed(what: path, reason: "another process has held the lock for a minute")
      }
      try await Task.sleep(for: .milliseconds(10))
    }
    return try await body()
  }
}

// The wires between machines: one namespace with a bridge per network, and one veth from there to the controller.

import Addresses
import AmphoraCrypto
import Netlink

/// Makes and deletes wires; each operation may be repeated.
struct NamespaceFabric {
  /// Every namespace and every link outside of namespaces has a name that begins with this.
  let prefix: String
  let managementNetwork: CIDR

  /// The namespace with the bridges.
  var namespace: NetworkNamespace {
    get throws { try Self.named("\(prefix)-fabric") }
  }
  /// The controller's end of the management network.
  var controllerLink: String { "\(prefix)-mgmt" }

  static func named(_ name: String) throws -> NetworkNamespace {
    guard let namespace = NetworkNamespace(name) else {
      throw LabError.failed(what: "namespace \(name)", reason: "no valid name")
    }
    return namespace
  }

  /// A link name from an id of any length: link names have 15 bytes at most.
  static func link(_ letter: String, _ id: String) -> String {
    letter + Digest.hex(Digest.sha256(id.utf8)).prefix(10)
  }

  /// The address with this host part on the management network.
  func managementAddress(_ number: Int) throws -> IPAddress {
    guard let address = SubnetAddresses(network: managementNetwork).address(UInt64(number)) else {
      throw LabError.failed(what: "\(managementNetwork)", reason: "has no address \(number)")
    }
    return address
  }

  /// Makes the fabric and the management network, with the controller on it.
  func make() throws {
    let fabric = try namespace
    try Self.make(fabric)
    let inside = try NetlinkSocket(in: fabric)
    try bridge("mgmt", inside)
    let here = try NetlinkSocket()
    if try here.link(named: controllerLink) == nil {
      try here.createVeth(VethEnd(controllerLink), peer: VethEnd("host", namespace: fabric))
    }
    try join("host", to: "mgmt", inside)
    try address(controllerLink, CIDR(address: managementAddress(1), prefixLength: managementNetwork.prefixLength), here)
  }

  /// Makes a namespace with its loopback link up.
  static func make(_ namespace: NetworkNamespace) throws {
    try namespace.create(ifMissing: true)
    let socket = try NetlinkSocket(in: namespace)
    if let loopback = try socket.link(named: "lo"), !loopback.isUp { try socket.setUp(loopback) }
  }

  /// Connects a machine to the management network.
  func connectManagement(_ machine: NetworkNamespace, number: Int) throws {
    try connect(machine, "mgmt", mac: nil, port: "m\(number)", bridge: "mgmt")
    try address(
      "mgmt", CIDR(address: managementAddress(number), prefixLength: managementNetwork.prefixLength),
      NetlinkSocket(in: machine))
  }

  /// Makes a NIC in a namespace and wires it to a network.
  func connect(_ machine: NetworkNamespace, _ nic: String, mac: MACAddress?, port: String, network: String) throws {
    let name = Self.link("b", network)
    try bridge(name, NetlinkSocket(in: namespace))
    try connect(machine, nic, mac: mac, port: port, bridge: name)
  }

  private func connect(
    _ machine: NetworkNamespace, _ nic: String, mac: MACAddress?, port: String, bridge: String
  ) throws {
    let inside = try NetlinkSocket(in: namespace)
    if try inside.link(named: port) == nil {
      try inside.createVeth(VethEnd(port), peer: VethEnd(nic, macAddress: mac, namespace: machine))
    }
    try join(port, to: bridge, inside)
  }

  /// Takes a NIC out, wherever it is now; with one end of a wire goes the other.
  func disconnect(_ port: String) throws {
    let fabric = try namespace
    guard fabric.exists else { return }
    let inside = try NetlinkSocket(in: fabric)
    try Self.deleteLink(named: port, inside)
  }

  /// Cuts or mends the wire of a NIC that stays.
  func setEnabled(_ enabled: Bool, _ port: String) throws {
    let inside = try NetlinkSocket(in: namespace)
    guard let link = try inside.link(named: port) else { return }
    do throws(NetlinkError) {
      if enabled { try inside.setUp(link) } else { try inside.setDown(link) }
    } catch {
      // It went with the namespace of its other end.
      guard error.isNoDevice else { throw error }
    }
  }

  /// Deletes everything that ``make()`` made.
  func delete() throws {
    let here = try NetlinkSocket()
    try Self.deleteLink(named: controllerLink, here)
    try namespace.delete(ifExists: true)
  }

  /// Deletes one end of a wire, unless the kernel is faster: it deletes both ends when the namespace of the other one goes,
  /// which takes it a moment after the last process there.
  private static func deleteLink(named name: String, _ socket: NetlinkSocket) throws {
    guard let link = try socket.link(named: name) else { return }
    do throws(NetlinkError) {
      try socket.delete(link)
    } catch {
      guard error.isNoDevice else { throw error }
    }
  }

  private func bridge(_ name: String, _ socket: NetlinkSocket) throws {
    if try socket.link(named: name) == nil { try socket.createBridge(named: name) }
    if let link = try socket.link(named: name), !link.isUp { try socket.setUp(link) }
  }

  private func join(_ name: String, to bridge: String, _ socket: NetlinkSocket) throws {
    guard let link = try socket.link(named: name), let bridge = try socket.link(named: bridge) else {
      throw LabError.failed(what: "link \(name)", reason: "is missing in the fabric")
    }
    if link.masterIndex != bridge.index { try socket.setMaster(of: link, to: bridge) }
    if !link.isUp { try socket.setUp(link) }
  }

  /// Gives a link an address and brings it up.
  func address(_ name: String, _ cidr: CIDR?, _ socket: NetlinkSocket) throws {
    guard let link = try socket.link(named: name), let cidr else {
      throw LabError.failed(what: "link \(name)", reason: "is missing, or its address is none")
    }
    if try !socket.addresses(on: link).contains(where: { $0.address == cidr.address }) {
      // Nobody else is on these networks: no duplicate address detection.
      let flags: InterfaceAddress.Flags = cidr.address.family == .v6 ? .noDuplicateDetection : []
      try socket.add(InterfaceAddress(cidr, linkIndex: link.index, flags: flags))
    }
    if !link.isUp { try socket.setUp(link) }
  }
}

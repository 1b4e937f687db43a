// The wires of a lab: three Ethernet networks (management, VIP, members), hosts on them, and NICs hot-plugged into
// amphorae, as a cloud's compute service would.

package import Addresses
package import Netlink

/// A layer-2 network of the lab.
package enum LabSegment: String, Sendable, CaseIterable {
  case vip
  case member
}

/// Namespaces and links.
///
/// The controller is this process, in its own namespace, on the management network.
package struct LabNetwork: Sendable {
  /// The namespace with the bridges `br-vip` and `br-member`.
  package let fabric: NetworkNamespace
  /// The controller's address on the management network, 192.168.0.1/24.
  package let controllerAddress = "192.168.0.1"

  /// Makes the fabric and the management bridge.
  package init() throws {
    fabric = try Self.fabric("fabric")
    let here = try NetlinkSocket()
    try here.createBridge(named: "br-mgmt")
    // A bridge's MAC address is the lowest of its ports'. It must not change when amphorae come and go, or the others would
    // send to the former one until their ARP entries expire; so one port has the lowest that there can be.
    try here.createVeth(VethEnd("mgmt-low", macAddress: MACAddress("02:00:00:00:00:01")), peer: VethEnd("mgmt-none"))
    if let bridge = try here.link(named: "br-mgmt"), let lowest = try here.link(named: "mgmt-low") {
      try here.setMaster(of: lowest, to: bridge)
    }
    try Self.bringUp("br-mgmt", ["192.168.0.1/24", "fd00::1/64"], here)
  }

  private init(fabric: NetworkNamespace) { self.fabric = fabric }

  /// Other VIP and member networks beside these, on the same management network, so that several stages can use the same
  /// addresses at a time.
  package static func separate(_ name: String) throws -> LabNetwork { LabNetwork(fabric: try fabric(name)) }

  private static func fabric(_ name: String) throws -> NetworkNamespace {
    let fabric = try namespace(name)
    let inside = try NetlinkSocket(in: fabric)
    for segment in LabSegment.allCases {
      try inside.createBridge(named: "br-\(segment.rawValue)")
      if let bridge = try inside.link(named: "br-\(segment.rawValue)") { try inside.setUp(bridge) }
    }
    return fabric
  }

  /// Makes a namespace for a host, replacing one of that name.
  package static func namespace(_ name: String) throws -> NetworkNamespace {
    guard let namespace = NetworkNamespace(name) else {
      throw LabError.failed(what: "namespace \(name)", reason: "no valid name")
    }
    try namespace.delete(ifExists: true)
    try namespace.create()
    let socket = try NetlinkSocket(in: namespace)
    if let loopback = try socket.link(named: "lo") { try socket.setUp(loopback) }
    return namespace
  }

  /// Connects a namespace to the management network.
  package func connectManagement(_ namespace: NetworkNamespace, number: Int) throws -> String {
    let here = try NetlinkSocket()
    try here.createVeth(VethEnd("mgmt\(number)"), peer: VethEnd("mgmt", namespace: namespace))
    if let near = try here.link(named: "mgmt\(number)") {
      if let bridge = try here.link(named: "br-mgmt") { try here.setMaster(of: near, to: bridge) }
      try here.setUp(near)
    }
    try Self.bringUp("mgmt", ["192.168.0.\(10 + number)/24", "fd00::\(10 + number)/64"], NetlinkSocket(in: namespace))
    return "192.168.0.\(10 + number)"
  }

  /// Makes a host on a network, with addresses and, if given, a default gateway per family.
  package func host(_ name: String, on segment: LabSegment, addresses: [String], gateways: [String] = []) throws
    -> NetworkNamespace
  {
    let namespace = try Self.namespace(name)
    try attach(namespace, "eth0", mac: nil, to: segment)
    let socket = try NetlinkSocket(in: namespace)
    try Self.bringUp("eth0", addresses, socket)
    for text in gateways {
      guard let gateway = IPAddress(text), let link = try socket.link(named: "eth0") else { continue }
      try socket.add(Route(to: .everything(gateway.family), via: gateway, linkIndex: link.index))
    }
    return namespace
  }

  /// Hot-plugs a NIC into an amphora's root namespace under a name that a guest kernel might give it.
  package func plug(_ mac: MACAddress, named name: String, into namespace: NetworkNamespace, on segment: LabSegment)
    throws
  {
    try attach(namespace, name, mac: mac, to: segment)
  }

  private func attach(_ namespace: NetworkNamespace, _ name: String, mac: MACAddress?, to segment: LabSegment) throws {
    let inside = try NetlinkSocket(in: fabric)
    // Link names have 15 bytes at most. A new one each time: the kernel takes its time over the links of a machine that has
    // lost its power, and the next one gets a NIC of the same name.
    let port = "p" + String(UInt64.random(in: 0..<(1 << 56)), radix: 16)
    try inside.createVeth(VethEnd(port), peer: VethEnd(name, macAddress: mac, namespace: namespace))
    guard let near = try inside.link(named: port), let bridge = try inside.link(named: "br-\(segment.rawValue)") else {
      throw LabError.failed(what: "NIC \(name)", reason: "its end in the fabric is missing")
    }
    try inside.setMaster(of: near, to: bridge)
    try inside.setUp(near)
  }

  private static func bringUp(_ name: String, _ addresses: [String], _ socket: NetlinkSocket) throws {
    guard let link = try socket.link(named: name) else {
      throw LabError.failed(what: "link \(name)", reason: "missing")
    }
    for text in addresses {
      guard let cidr = CIDR(text) else { throw LabError.failed(what: "address \(text)", reason: "no CIDR") }
      // Nobody else is on these networks, and tests do not wait for duplicate address detection.
      let flags: InterfaceAddress.Flags = cidr.address.family == .v6 ? .noDuplicateDetection : []
      try socket.add(InterfaceAddress(cidr, linkIndex: link.index, flags: flags))
    }
    try socket.setUp(link)
  }
}

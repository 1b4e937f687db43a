// Ports as records; their NICs are made when they are attached.

import Addresses
package import AmphoraController
import AmphoraCrypto
package import Netlink

extension NamespaceDriver: NetworkDriver {
  /// A subnet that was defined.
  package func subnet(_ id: String) async throws -> NetworkSubnet {
    guard let subnet = definedSubnet(id) else {
      throw LabError.failed(what: "subnet \(id)", reason: "is not described; put it into context.subnets")
    }
    return subnet
  }

  /// Makes a port with free addresses, or those asked for.
  package func createPort(_ order: PortOrder) async throws -> NetworkPort {
    try await exclusively {
      if let known = try ports.read(order.id.rawValue) { return known.made }
      let addresses = try await addresses(order.addresses.map { ($0.subnetID, $0.address) })
      let made = NetworkPort(id: order.id, macAddress: try Self.mac(order.id), addresses: addresses)
      try ports.write(Port(order: order, made: made), order.id.rawValue)
      return made
    }
  }

  /// Keeps addresses in subnets that stay, and adds one in each new one.
  package func changePort(_ id: PortID, subnets wanted: [String]) async throws -> NetworkPort {
    try await exclusively {
      var port = try known(id)
      let kept = port.made.addresses
      port.made.addresses = try await addresses(
        wanted.map { subnet in (subnet, kept.first { $0.subnetID == subnet }?.address) }, changing: id)
      try ports.write(port, id.rawValue)
      return port.made
    }
  }

  /// Cuts a NIC's wire.
  package func disablePort(_ id: PortID) async throws {
    try await exclusively {
      guard var port = try ports.read(id.rawValue) else { return }
      port.isEnabled = false
      try ports.write(port, id.rawValue)
      try fabric.setEnabled(false, NamespaceFabric.link("p", id.rawValue))
    }
  }

  /// Removes a port and its NIC.
  package func deletePort(_ id: PortID) async throws {
    try await exclusively {
      try fabric.disconnect(NamespaceFabric.link("p", id.rawValue))
      try ports.remove(id.rawValue)
      try tearDownIfUnused()
    }
  }

  private func addresses(
    _ wanted: [(subnet: String, address: AddressText?)], changing id: PortID? = nil
  ) async throws -> [NetworkPort.Address] {
    var result: [NetworkPort.Address] = []
    for (subnetID, asked) in wanted {
      let subnet = try await subnet(subnetID)
      let taken = try takenAddresses(besides: id)
      if let asked {
        guard let address = IPAddress(asked.rawValue), subnet.subnet.network.contains(address), !taken.contains(address)
        else { throw LabError.failed(what: "address \(asked)", reason: "is taken, or not in subnet \(subnetID)") }
        result.append(.init(subnetID: subnetID, address: asked))
        continue
      }
      let gateway = subnet.subnet.gatewayIP.flatMap { IPAddress($0.rawValue) }
      guard
        let free = SubnetAddresses(network: subnet.subnet.network).free(
          besides: taken.union([gateway].compactMap(\.self))), let text = AddressText(free.description)
      else { throw LabError.failed(what: "subnet \(subnetID)", reason: "has no free address") }
      result.append(.init(subnetID: subnetID, address: text))
    }
    return result
  }

  private func takenAddresses(besides id: PortID?) throws -> Set<IPAddress> {
    let ofPorts = try ports.all().filter { $0.order.id != id }.flatMap(\.made.addresses).map(\.address.rawValue)
    let ofHosts = try hosts.all().flatMap(\.addresses).compactMap { CIDR($0)?.address }
    return Set(ofPorts.compactMap { IPAddress($0) } + ofHosts)
  }

  /// Always the same for a port, so that a repetition gives the same; the first three bytes are OpenStack's.
  private static func mac(_ id: PortID) throws -> MACAddress {
    guard let mac = MACAddress(bytes: [0xFA, 0x16, 0x3E] + Digest.sha256(id.rawValue.utf8).prefix(3)) else {
      throw LabError.failed(what: "port \(id)", reason: "no MAC address")
    }
    return mac
  }

  // MARK: Hosts

  /// Makes a host on a subnet's network, with these addresses and a default gateway per address family if given.
  package func makeHost(
    _ name: String, on subnetID: String, addresses: [String], gateways: [String] = []
  ) async throws -> NetworkNamespace {
    try await exclusively {
      let network = try await subnet(subnetID).networkID
      try hosts.write(Host(name: name, addresses: addresses), name)
      try fabric.make()
      let namespace = try NamespaceFabric.named("\(fabric.prefix)-host-\(name)")
      try NamespaceFabric.make(namespace)
      try fabric.connect(namespace, "eth0", mac: nil, port: NamespaceFabric.link("h", name), network: network)
      let socket = try NetlinkSocket(in: namespace)
      for address in addresses { try fabric.address("eth0", CIDR(address), socket) }
      for text in gateways {
        guard let gateway = IPAddress(text), let link = try socket.link(named: "eth0") else { continue }
        try socket.add(Route(to: .everything(gateway.family), via: gateway, linkIndex: link.index))
      }
      return namespace
    }
  }

  /// Removes a host.
  package func removeHost(_ name: String) async throws {
    try await exclusively {
      try fabric.disconnect(NamespaceFabric.link("h", name))
      try NamespaceFabric.named("\(fabric.prefix)-host-\(name)").delete(ifExists: true)
      try hosts.remove(name)
      try tearDownIfUnused()
    }
  }
}

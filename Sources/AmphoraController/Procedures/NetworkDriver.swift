// What a user of the procedures brings for networks. As with machines, ids are chosen before the call.

public import Addresses

/// The id of a port: an address of a network, with or without a NIC.
public typealias PortID = ObjectID

/// Knows subnets, makes and deletes ports.
///
/// Every operation may be repeated with the same ids and must then find what is there. What is gone already is deleted
/// successfully.
public protocol NetworkDriver: Sendable {
  /// A subnet by the id that documents name; throws when there is none.
  func subnet(_ id: String) async throws -> NetworkSubnet
  /// Makes a port, or returns the one of that id.
  func createPort(_ order: PortOrder) async throws -> NetworkPort
  /// Gives a port an address in each of these subnets of its network and takes away its addresses in others.
  func changePort(_ id: PortID, subnets: [String]) async throws -> NetworkPort
  /// Lets no more traffic through a port, as of an amphora that is to be replaced and may still be alive.
  func disablePort(_ id: PortID) async throws
  /// Deletes a port.
  func deletePort(_ id: PortID) async throws
}

/// A subnet and what configurations need of its network.
public struct NetworkSubnet: Codable, Hashable, Sendable {
  /// The subnet's id.
  public var id: String
  /// The network that it belongs to; a port may have addresses of several subnets of one network.
  public var networkID: String
  /// Addresses, gateway and routes.
  public var subnet: Subnet
  /// The network's MTU in bytes; nil leaves the NIC's.
  public var mtu: Int?

  /// Makes a subnet.
  public init(id: String, networkID: String, subnet: Subnet, mtu: Int? = nil) {
    self.id = id
    self.networkID = networkID
    self.subnet = subnet
    self.mtu = mtu
  }
}

/// A port to be made.
public struct PortOrder: Codable, Hashable, Sendable {
  /// An address to be had: a certain one, or any of the subnet.
  public struct Address: Codable, Hashable, Sendable {
    /// The subnet.
    public var subnetID: String
    /// The address; nil for any.
    public var address: AddressText?

    /// Makes a wish.
    public init(subnetID: String, address: AddressText? = nil) {
      self.subnetID = subnetID
      self.address = address
    }
  }

  /// The port's id.
  public var id: PortID
  /// A name for people.
  public var name: String
  /// The network.
  public var networkID: String
  /// The addresses.
  public var addresses: [Address]
  /// Further addresses that may be used behind the port: the VIPs, on the ports of amphorae.
  public var allowedAddresses: [AddressText]

  /// Makes an order.
  public init(
    id: PortID, name: String, networkID: String, addresses: [Address], allowedAddresses: [AddressText] = []
  ) {
    self.id = id
    self.name = name
    self.networkID = networkID
    self.addresses = addresses
    self.allowedAddresses = allowedAddresses
  }
}

/// A port that there is.
public struct NetworkPort: Codable, Hashable, Sendable {
  /// One of its addresses.
  public struct Address: Codable, Hashable, Sendable {
    /// The subnet.
    public var subnetID: String
    /// The address.
    public var address: AddressText

    /// Makes an address.
    public init(subnetID: String, address: AddressText) {
      self.subnetID = subnetID
      self.address = address
    }
  }

  /// The port's id.
  public var id: PortID
  /// The hardware address that its NIC has.
  public var macAddress: MACAddress
  /// Its addresses.
  public var addresses: [Address]

  /// Makes a port.
  public init(id: PortID, macAddress: MACAddress, addresses: [Address]) {
    self.id = id
    self.macAddress = macAddress
    self.addresses = addresses
  }
}

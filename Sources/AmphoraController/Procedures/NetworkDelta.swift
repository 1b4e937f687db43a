// Which networks an amphora must be connected to for its members, and what is to be changed for that.

/// The difference between an amphora's ports and the subnets of the members.
public struct NetworkDelta: Hashable, Sendable {
  /// A network with the subnets in which an address is needed.
  public struct Connection: Hashable, Sendable {
    /// The network.
    public var networkID: String
    /// The subnets, sorted.
    public var subnets: [String]
  }

  /// Ports with other subnets than before.
  public struct Change: Hashable, Sendable {
    /// The port.
    public var port: PortID
    /// Its subnets, sorted.
    public var subnets: [String]
  }

  /// Networks to which the amphora has no port yet.
  public var plug: [Connection] = []
  /// Ports that get or lose addresses.
  public var change: [Change] = []
  /// Ports that no member needs any more.
  public var unplug: [PortID] = []

  /// Whether nothing is to be changed.
  public var isEmpty: Bool { plug.isEmpty && change.isEmpty && unplug.isEmpty }

  /// Compares an amphora's ports with what is needed.
  ///
  /// Members in the network of the VIP are reached through the base port, which keeps its VIP subnets in any case.
  ///
  /// - Parameters:
  ///   - ports: the amphora's ports.
  ///   - memberSubnets: the subnets that members name.
  ///   - vipSubnets: the subnets of the VIPs.
  ///   - subnets: all of them by id.
  public init(
    ports: [PortRecord], memberSubnets: Set<String>, vipSubnets: Set<String>, subnets: [String: NetworkSubnet]
  ) {
    var needed: [String: Set<String>] = [:]
    for id in memberSubnets { if let network = subnets[id]?.networkID { needed[network, default: []].insert(id) } }
    for port in ports where port.purpose == .base {
      let wanted = needed.removeValue(forKey: port.networkID, default: []).union(vipSubnets).sorted()
      if wanted != port.subnets.sorted() { change.append(Change(port: port.id, subnets: wanted)) }
    }
    for port in ports where port.purpose == .member {
      guard let wanted = needed.removeValue(forKey: port.networkID)?.sorted() else {
        unplug.append(port.id)
        continue
      }
      if wanted != port.subnets.sorted() { change.append(Change(port: port.id, subnets: wanted)) }
    }
    plug = needed.map { Connection(networkID: $0.key, subnets: $0.value.sorted()) }
      .sorted { $0.networkID < $1.networkID }
  }
}

extension Dictionary {
  fileprivate mutating func removeValue(forKey key: Key, default fallback: Value) -> Value {
    removeValue(forKey: key) ?? fallback
  }
}

extension LoadBalancer {
  /// All pools, wherever they are written, without those that are being deleted.
  var allPools: [Pool] {
    PoolIndex(self).all.filter { !$0.isBeingDeleted }
  }

  /// The subnets in which amphorae need an address to reach members.
  ///
  /// A member without subnet is reached through the VIP's network and its router.
  public var memberSubnetIDs: Set<String> { Set(allPools.flatMap(\.presentMembers).compactMap(\.subnetID)) }

  /// The virtual IP addresses with their subnets, the main one first; fails when a subnet is missing.
  func virtualAddresses() throws -> [LoadBalancerRecord.VirtualAddress] {
    let path = "loadbalancer"
    let main = try required(vipSubnetID, "\(path).vip_subnet_id", for: "plugging the VIP")
    return try [.init(address: vipAddress, subnetID: main)]
      + additionalVIPs.enumerated().map { index, vip in
        let subnet = try required(
          vip.subnetID, "\(path).additional_vips[\(index)].subnet_id", for: "plugging the VIP")
        return .init(address: vip.ipAddress, subnetID: subnet)
      }
  }
}

// What a controller remembers of a load balancer between two runs. Ids stand here before anything is made with them.

public import AmphoraProtocol

/// A load balancer as it was made, or as it is being made.
public struct LoadBalancerRecord: Codable, Hashable, Sendable {
  /// The load balancer's id.
  public var id: LoadBalancerID
  /// How many amphorae serve it; never changes.
  public var topology: Topology
  /// `ACTIVE`, or what is being done, or `ERROR` after a step that failed.
  public var status = ProvisioningStatus.pendingCreate
  /// Its virtual IP addresses with their subnets, the main one first; never change.
  public var vips: [VirtualAddress]
  /// What the amphorae of a pair share.
  public var vrrpGroup: VRRPGroup?
  /// Its amphorae, also those that are on their way in or out.
  public var amphorae: [AmphoraRecord] = []
  /// Its ports, likewise.
  public var ports: [PortRecord] = []
  /// The subnets that it has to do with, by id.
  public var subnets: [String: NetworkSubnet] = [:]

  /// A virtual IP address.
  public struct VirtualAddress: Codable, Hashable, Sendable {
    /// The address.
    public var address: AddressText
    /// Its subnet.
    public var subnetID: String
  }

  /// The amphora of an id.
  public func amphora(_ id: AmphoraID) -> AmphoraRecord? { amphorae.first { $0.id == id } }
  /// The port of an id.
  public func port(_ id: PortID) -> PortRecord? { ports.first { $0.id == id } }
  /// An amphora's ports.
  public func ports(of amphora: AmphoraID) -> [PortRecord] { ports.filter { $0.amphora == amphora } }
  /// The port through which an amphora has the VIP.
  public func basePort(of amphora: AmphoraID) -> PortRecord? {
    ports.first { $0.amphora == amphora && $0.purpose == .base }
  }
  /// The network of the VIP.
  public var vipNetworkID: String? { vips.first.flatMap { subnets[$0.subnetID]?.networkID } }
  /// The amphorae that serve: those in configurations.
  public var servingAmphorae: [AmphoraRecord] { amphorae.filter { $0.status == .allocated } }
  /// The amphorae that are not on their way out.
  public var keptAmphorae: [AmphoraRecord] { amphorae.filter { $0.status != .pendingDelete } }

  mutating func change(_ id: AmphoraID, _ body: (inout AmphoraRecord) -> Void) {
    for index in amphorae.indices where amphorae[index].id == id { body(&amphorae[index]) }
  }

  mutating func change(_ id: PortID, _ body: (inout PortRecord) -> Void) {
    for index in ports.indices where ports[index].id == id { body(&ports[index]) }
  }
}

/// What an amphora is there for.
public enum AmphoraRole: String, Codable, Sendable {
  /// The only one.
  case standalone = "STANDALONE"
  /// The one of a pair that is to have the VIP at first.
  case master = "MASTER"
  /// The other one of a pair.
  case backup = "BACKUP"

  /// Who of a pair is to be master: the higher number (contract heartbeat-and-config §4.3 step 3).
  var vrrpPriority: Int? {
    switch self {
    case .standalone: nil
    case .master: 100
    case .backup: 90
    }
  }
}

/// An amphora of a load balancer.
public struct AmphoraRecord: Codable, Hashable, Sendable {
  /// The amphora's id.
  public var id: AmphoraID
  /// What it is there for.
  public var role: AmphoraRole
  /// `PENDING_CREATE`, `BOOTING`, `ALLOCATED`, or `PENDING_DELETE`.
  public var status = AmphoraStatus.pendingCreate
  /// The amphora that it is to replace; nil for one of the beginning.
  public var replaces: AmphoraID?
  /// The last second of its certificate's validity since 1970.
  public var certificateExpiry: Int64?
  /// Its address on the management network.
  public var address: AddressText?
  /// The controller's interface for a link-local address.
  public var zone: String?
  /// The agent's port.
  public var agentPort: Int?
  /// Whether it answered when it was last probed.
  public var isReachable = true
  /// The version of haproxy on it.
  public var haproxyVersion: String?
  /// The interface of its base port, in its traffic namespace.
  public var vrrpInterface: InterfaceName?
  /// Which listener configuration it has: a digest; nil for none, or for one that may be half done.
  public var listenersDigest: String?
  /// Which VRRP configuration it has, likewise.
  public var vrrpDigest: String?
  /// The listeners that it may have a service of its own for: UDP and SCTP.
  public var lvsListeners: [ObjectID] = []
  /// Whether it may have a haproxy.
  public var hasHAProxy = false
  /// The certificate files that its haproxy may have.
  public var certificateFiles: [String] = []

  init(id: AmphoraID, role: AmphoraRole, replaces: AmphoraID? = nil) {
    self.id = id
    self.role = role
    self.replaces = replaces
  }
}

/// A port of a load balancer.
public struct PortRecord: Codable, Hashable, Sendable {
  /// What a port is for.
  public enum Purpose: String, Codable, Sendable {
    /// Keeps the VIP from being given to somebody else; has no NIC.
    case vip
    /// An amphora's way to the VIP's network.
    case base
    /// An amphora's way to members.
    case member
  }

  /// The port's id.
  public var id: PortID
  /// The amphora; nil for the VIP's port.
  public var amphora: AmphoraID?
  /// What it is for.
  public var purpose: Purpose
  /// Its network.
  public var networkID: String
  /// The subnets in which it is to have addresses.
  public var subnets: [String]
  /// The port as it was made; nil until then.
  public var made: NetworkPort?
  /// Whether it is connected to the amphora.
  public var isAttached = false
  /// The subnets that the amphora's agent was told; nil while it does not know of the NIC.
  public var pluggedSubnets: [String]?

  init(id: PortID, amphora: AmphoraID?, purpose: Purpose, networkID: String, subnets: [String]) {
    self.id = id
    self.amphora = amphora
    self.purpose = purpose
    self.networkID = networkID
    self.subnets = subnets
  }
}

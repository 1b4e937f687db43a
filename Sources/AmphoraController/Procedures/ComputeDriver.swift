// What a user of the procedures brings for machines: a cloud, a hypervisor, namespaces. All operations are keyed by ids that
// the procedures choose before the call, so that a repetition after a crash finds what the first call made.

public import Addresses
public import AmphoraProtocol

/// Builds and deletes amphorae, and connects ports to them.
///
/// Every operation may be repeated with the same ids, also by another process, and must then find what is there instead of
/// making it twice. What is gone already is deleted successfully.
public protocol ComputeDriver: Sendable {
  /// Orders a machine; need not wait until it runs.
  func build(_ order: AmphoraOrder) async throws
  /// Where the machine's agent is; nil while the machine is still being built. Throws when it will never be there.
  func address(of amphora: AmphoraID) async throws -> ManagementAddress?
  /// Deletes the machine; it is not shut down gently. Its ports stay.
  func delete(_ amphora: AmphoraID) async throws
  /// Connects a port to a machine, as a hot-plugged NIC with the port's MAC address.
  func attach(_ port: PortID, to amphora: AmphoraID) async throws
  /// Takes a port's NIC out of a machine.
  func detach(_ port: PortID, from amphora: AmphoraID) async throws
}

/// A machine to be built from the amphora image.
public struct AmphoraOrder: Sendable {
  /// The amphora's id.
  public var amphora: AmphoraID
  /// The load balancer that it is for.
  public var loadBalancer: LoadBalancerID
  /// The files that must be there before the agent starts (contract heartbeat-and-config §1.8).
  public var files: [BootFile]

  /// Makes an order.
  public init(amphora: AmphoraID, loadBalancer: LoadBalancerID, files: [BootFile]) {
    self.amphora = amphora
    self.loadBalancer = loadBalancer
    self.files = files
  }
}

/// A file that is on a machine from the beginning; mode 0660, owner root.
///
/// Its content may be a private key.
public struct BootFile: Hashable, Sendable {
  /// The absolute path on the machine.
  public var path: String
  /// The content.
  public var text: String

  /// Makes a file.
  public init(path: String, text: String) {
    self.path = path
    self.text = text
  }
}

/// Where a machine is reached on the management network.
public struct ManagementAddress: Hashable, Sendable {
  /// The address.
  public var address: IPAddress
  /// The controller's interface for a link-local IPv6 address.
  public var zone: String?
  /// The agent's port.
  public var port: Int

  /// Makes an address.
  public init(address: IPAddress, zone: String? = nil, port: Int = 9443) {
    self.address = address
    self.zone = zone
    self.port = port
  }
}

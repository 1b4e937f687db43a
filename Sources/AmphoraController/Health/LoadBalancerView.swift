// What the controller expects to hear about a load balancer, and the operating statuses it has stored: the database rows of
// contract heartbeat-and-config §3.4 and §3.5.

/// A load balancer as heartbeats are judged by it.
public struct LoadBalancerView: Hashable, Sendable {
  /// The load balancer's id.
  public var id: String
  /// Whether it is administratively up.
  public var isEnabled: Bool
  /// What the controller is doing with it.
  public var provisioningStatus: ProvisioningStatus
  /// The stored operating status.
  public var operatingStatus: OperatingStatus
  /// Its listeners.
  public var listeners: [Listener]
  /// Its pools, each once.
  public var pools: [Pool]

  /// Makes a view; everything is offline until a heartbeat says otherwise.
  public init(
    id: String, isEnabled: Bool = true, provisioningStatus: ProvisioningStatus = .active,
    operatingStatus: OperatingStatus = .offline, listeners: [Listener] = [], pools: [Pool] = []
  ) {
    self.id = id
    self.isEnabled = isEnabled
    self.provisioningStatus = provisioningStatus
    self.operatingStatus = operatingStatus
    self.listeners = listeners
    self.pools = pools
  }
}

extension LoadBalancerView {
  /// A listener as heartbeats are judged by it.
  public struct Listener: Hashable, Sendable {
    /// The listener's id.
    public var id: String
    /// Whether it is administratively up.
    public var isEnabled: Bool
    /// Whether it is a UDP listener without a pool that has an enabled member: agents older than version 1 leave it out.
    public var isUDPWithoutMembers: Bool
    /// The stored operating status.
    public var operatingStatus: OperatingStatus

    /// Makes a listener.
    public init(
      id: String, isEnabled: Bool = true, isUDPWithoutMembers: Bool = false, operatingStatus: OperatingStatus = .offline
    ) {
      self.id = id
      self.isEnabled = isEnabled
      self.isUDPWithoutMembers = isUDPWithoutMembers
      self.operatingStatus = operatingStatus
    }
  }

  /// A pool as heartbeats are judged by it.
  public struct Pool: Hashable, Sendable {
    /// The pool's id.
    public var id: String
    /// The stored operating status.
    public var operatingStatus: OperatingStatus
    /// Its members.
    public var members: [Member]

    /// Makes a pool.
    public init(id: String, operatingStatus: OperatingStatus = .offline, members: [Member] = []) {
      self.id = id
      self.operatingStatus = operatingStatus
      self.members = members
    }
  }

  /// A member as heartbeats are judged by it.
  public struct Member: Hashable, Sendable {
    /// The member's id.
    public var id: String
    /// The stored operating status.
    public var operatingStatus: OperatingStatus

    /// Makes a member; a pool without a monitor starts its members as ``OperatingStatus/noMonitor``.
    public init(id: String, operatingStatus: OperatingStatus = .noMonitor) {
      self.id = id
      self.operatingStatus = operatingStatus
    }
  }
}

extension LoadBalancerView {
  /// What heartbeats of this load balancer should say.
  public init(_ loadBalancer: LoadBalancer, provisioningStatus: ProvisioningStatus = .active) {
    let index = PoolIndex(loadBalancer)
    self.init(
      id: loadBalancer.id.rawValue, isEnabled: loadBalancer.adminStateUp, provisioningStatus: provisioningStatus,
      listeners: loadBalancer.listeners.map { listener in
        let members = index.defaultPool(of: listener)?.members ?? []
        return Listener(
          id: listener.id.rawValue, isEnabled: listener.adminStateUp,
          isUDPWithoutMembers: listener.protocol == .udp && !members.contains(where: \.adminStateUp))
      },
      pools: index.all.map { pool in
        let start: OperatingStatus = pool.healthMonitor == nil ? .noMonitor : .offline
        return Pool(
          id: pool.id.rawValue,
          members: pool.members.map { Member(id: $0.id.rawValue, operatingStatus: start) })
      })
  }

  /// Takes over the stored operating statuses of an older view of the same load balancer.
  public func keepingStatuses(of old: LoadBalancerView) -> LoadBalancerView {
    var view = self
    view.operatingStatus = old.operatingStatus
    let listeners = Dictionary(old.listeners.map { ($0.id, $0.operatingStatus) }) { $1 }
    let pools = Dictionary(old.pools.map { ($0.id, $0) }) { $1 }
    for index in view.listeners.indices {
      if let status = listeners[view.listeners[index].id] { view.listeners[index].operatingStatus = status }
    }
    for index in view.pools.indices {
      guard let pool = pools[view.pools[index].id] else { continue }
      view.pools[index].operatingStatus = pool.operatingStatus
      let members = Dictionary(pool.members.map { ($0.id, $0.operatingStatus) }) { $1 }
      for position in view.pools[index].members.indices {
        let id = view.pools[index].members[position].id
        if let status = members[id] { view.pools[index].members[position].operatingStatus = status }
      }
    }
    return view
  }
}

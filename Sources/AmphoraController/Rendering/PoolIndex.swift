// Where the pools of a load balancer are found: a pool may stand in the list of pools or where it is used.

/// The pools of a load balancer by id.
struct PoolIndex {
  private var pools: [ObjectID: Pool] = [:]
  private var order: [ObjectID] = []

  /// Collects the pools; the first object for an id wins (contract §1.2).
  init(_ loadBalancer: LoadBalancer) {
    let all =
      loadBalancer.pools + loadBalancer.listeners.compactMap(\.defaultPool)
      + loadBalancer.listeners.flatMap(\.l7Policies).compactMap(\.redirectPool)
    for pool in all where pools[pool.id] == nil {
      pools[pool.id] = pool
      order.append(pool.id)
    }
  }

  /// All pools, each once, in the order of the document.
  var all: [Pool] { order.compactMap { pools[$0] } }

  /// The pool for traffic that no policy takes.
  func defaultPool(of listener: Listener) -> Pool? {
    (listener.defaultPool?.id ?? listener.defaultPoolID).flatMap { pools[$0] }
  }

  /// The pool that a policy sends requests to.
  func redirectPool(of policy: L7Policy) -> Pool? {
    (policy.redirectPool?.id ?? policy.redirectPoolID).flatMap { pools[$0] }
  }
}

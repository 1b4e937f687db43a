// A listener with all that follows from its fields, the options and the states of its parts (contract §1.4, §4.1).

/// A listener as it is rendered.
struct EffectiveListener {
  /// What haproxy calls the mode of a proxy.
  enum Mode: String {
    case http
    case tcp
  }

  let listener: Listener
  /// Its default pool, unless that is being deleted; it may be disabled.
  let defaultPool: Pool?
  /// Its pools for backends, without those being deleted; some may be disabled.
  let pools: [Pool]
  /// Its policies by position.
  let policies: [L7Policy]
  private let options: RenderingOptions
  private let index: PoolIndex

  init(_ listener: Listener, pools index: PoolIndex, options: RenderingOptions) {
    self.listener = listener
    self.options = options
    self.index = index
    defaultPool = index.defaultPool(of: listener).flatMap { $0.isBeingDeleted ? nil : $0 }
    policies = listener.l7Policies.enumerated().sorted {
      ($0.element.position ?? .max, $0.offset) < ($1.element.position ?? .max, $1.offset)
    }.map(\.element)
    // A policy that is being deleted, or whose rules are all disabled, contributes its pool although it is not printed.
    let redirectPools = policies.filter { $0.adminStateUp && !$0.rules.isEmpty }
      .compactMap(index.redirectPool)
    var seen: Set<ObjectID> = []
    pools = ([defaultPool].compactMap(\.self) + redirectPools).filter {
      !$0.isBeingDeleted && seen.insert($0.id).inserted
    }
  }

  var mode: Mode {
    switch listener.protocol {
    case .http, .terminatedHTTPS, .prometheus: .http
    case .tcp, .https, .udp, .sctp: .tcp
    }
  }

  var connectionLimit: Int {
    listener.connectionLimit > 0 ? listener.connectionLimit : options.defaultConnectionLimit
  }
  var timeoutClientData: Int { effective(listener.timeoutClientData, options.timeoutClientData) }
  var timeoutMemberConnect: Int { effective(listener.timeoutMemberConnect, options.timeoutMemberConnect) }
  var timeoutMemberData: Int { effective(listener.timeoutMemberData, options.timeoutMemberData) }
  var timeoutTCPInspect: Int { effective(listener.timeoutTCPInspect, options.timeoutTCPInspect) }

  /// The pool that a policy sends requests to, if it takes traffic.
  func usableRedirectPool(of policy: L7Policy) -> Pool? {
    index.redirectPool(of: policy).flatMap { $0.isUsable ? $0 : nil }
  }

  private func effective(_ value: Int?, _ fallback: Int) -> Int {
    guard let value, value != 0 else { return fallback }
    return value
  }
}

extension Pool {
  /// Treated as absent.
  var isBeingDeleted: Bool { provisioningStatus == .pendingDelete }
  /// Whether it takes traffic.
  var isUsable: Bool { adminStateUp && !isBeingDeleted }
  /// The monitor, if members are checked.
  var enabledMonitor: HealthMonitor? {
    healthMonitor.flatMap { $0.adminStateUp && $0.provisioningStatus != .pendingDelete ? $0 : nil }
  }
  /// The members that are not being deleted; some may be disabled.
  var presentMembers: [Member] { members.filter { $0.provisioningStatus != .pendingDelete } }
}

extension L7Policy {
  /// The rules that count.
  var usableRules: [L7Rule] { rules.filter { $0.adminStateUp && $0.provisioningStatus != .pendingDelete } }
  /// Whether it is printed.
  var isUsable: Bool { adminStateUp && provisioningStatus != .pendingDelete && !usableRules.isEmpty }
}

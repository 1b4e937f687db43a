// The scripts keepalived runs to learn whether this amphora serves (contract services §3.3, §3.4). They are replaced
// whole: keepalived may run one at any moment, and an empty script passes.

package import AmphoraProtocol
import Files

/// Writes the check scripts; one writer at a time.
package actor VRRPCheckScripts {
  private let paths: AgentPaths
  private let store: LoadBalancerStore
  /// A start of a load balancer must not have the socket of a stopped one checked again (contract services §8 item 7).
  private let stopped: StopOrders
  /// The write that was ordered last; an actor alone would let a later one overtake it while it waits for the disk.
  private var last: Task<Void, any Error>?

  package init(paths: AgentPaths) {
    self.paths = paths
    store = LoadBalancerStore(paths: paths)
    stopped = StopOrders(paths: paths)
  }

  /// Writes `haproxy_check_script.sh` for the load balancers and UDP/SCTP listeners there are now; load balancers that were
  /// stopped on request are left out.
  ///
  /// - Parameter removed: a load balancer that is being deleted, and counts as known until then.
  package func update(removed: LoadBalancerID? = nil) async throws {
    let before = last
    let task = Task { [stopped, paths, store] in
      _ = await before?.result
      try await Self.write(stopped, removed, paths, store)
    }
    last = task
    try await task.value
  }

  /// As ``update(removed:)`` at the agent's start, when this amphora is one of a pair and serves something: a reboot
  /// starts load balancers that were stopped, and they must be checked again.
  ///
  /// Where keepalived has its configuration, its script comes back too when it was lost.
  package func updateAtStart() async throws {
    if try await BlockingIO.run({ [paths] in FileRead.exists(paths.vrrpConfiguration) }) { try await installDriver() }
    let isInUse = try await BlockingIO.run { [paths, store] in
      try FileRead.exists(paths.vrrpCheckScript) && !(store.list().isEmpty && LVSStore(paths: paths).list().isEmpty)
    }
    if isInUse { try await update() }
  }

  private static func write(
    _ stopped: StopOrders, _ removed: LoadBalancerID?, _ paths: AgentPaths, _ store: LoadBalancerStore
  ) async throws {
    try await BlockingIO.run {
      try DurableFile.createDirectory(paths.vrrpDirectory, mode: 0o755)
      try DurableFile.createDirectory(paths.vrrpCheckScripts, mode: 0o755)
      guard let script = try haproxyCheck(stopped, removed: removed, store) else {
        return try DurableFile.remove(paths.haproxyCheckScript)
      }
      if FileRead.text(paths.haproxyCheckScript) == script { return }
      try DurableFile.write(Array(script.utf8), to: paths.haproxyCheckScript, mode: 0o644)
    }
  }

  /// What `haproxy_check_script.sh` has to be now; nil when there must be none.
  ///
  /// Fails rather than take a folder that cannot be listed for one without load balancers.
  static func haproxyCheck(
    _ stopped: StopOrders, removed: LoadBalancerID? = nil, _ store: LoadBalancerStore
  ) throws(DurableFile.Failure) -> String? {
    // A load balancer that was deleted was not lost: until something else happens, the amphora may hold the VIP.
    let known = try store.list() + (removed.map { [$0] } ?? [])
    if known.isEmpty {
      let listeners = try LVSStore(paths: store.paths).list()
      if !listeners.isEmpty { return nil }
    }
    let sockets = known.filter { $0 != removed && !stopped.contains(ServiceUnit.unitName(of: $0)) }
      .map(store.paths.statsSocket)
    // Without any load balancer this amphora must not hold the VIP.
    return known.isEmpty ? "exit 1" : "haproxy-vrrp-check \(sockets.joined(separator: " ")); exit $?"
  }

  /// Writes `check_script.sh`, which keepalived's configuration names, when it is missing or another one.
  package func installDriver() async throws {
    try await BlockingIO.run { [paths] in
      try DurableFile.createDirectory(paths.vrrpCheckScripts, mode: 0o755)
      let script = Self.driver(scripts: paths.vrrpCheckScripts)
      if FileRead.text(paths.vrrpCheckScript) == script, FileRead.isExecutable(paths.vrrpCheckScript) { return }
      try DurableFile.write(Array(script.utf8), to: paths.vrrpCheckScript, mode: 0o755)
    }
  }

  private static func driver(scripts: String) -> String {
    """
    #!/bin/bash
    # Run by keepalived: 0 when every check in the folder passes. Written by amphora-agent.

    status=0
    for check in \(scripts)/*; do
      [ -f "$check" ] || continue
      echo "Running check script ${check}"
      bash "$check" || status=1
    done
    exit $status

    """
  }
}

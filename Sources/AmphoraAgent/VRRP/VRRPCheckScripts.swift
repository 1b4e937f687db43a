// The scripts keepalived runs to learn whether this amphora serves (contract services §3.3, §3.4). They are replaced
// whole: keepalived may run one at any moment, and an empty script passes.

package import AmphoraProtocol

/// Writes the check scripts; one writer at a time.
package actor VRRPCheckScripts {
  /// Why the scripts are written anew.
  package enum Event: Sendable {
    /// Something was uploaded; no load balancer changed its state.
    case uploaded
    /// A load balancer starts or reloads.
    case serving(LoadBalancerID)
    /// A load balancer stops or is about to be removed.
    case stopped(LoadBalancerID)
  }

  private let paths: AgentPaths
  private let store: LoadBalancerStore
  /// Load balancers that were stopped on request: a start of another one must not have their sockets checked again
  /// (contract services §8 item 7).
  private var stopped: Set<LoadBalancerID> = []
  /// The write that was ordered last; an actor alone would let a later one overtake it while it waits for the disk.
  private var last: Task<Void, any Error>?

  package init(paths: AgentPaths) {
    self.paths = paths
    store = LoadBalancerStore(paths: paths)
  }

  /// Writes `haproxy_check_script.sh` for the load balancers and UDP/SCTP listeners there are now.
  package func update(_ event: Event) async throws {
    switch event {
    case .uploaded: break
    case .serving(let id): stopped.remove(id)
    case .stopped(let id): stopped.insert(id)
    }
    let before = last
    let task = Task { [stopped, paths, store] in
      _ = await before?.result
      try await Self.write(stopped, paths, store)
    }
    last = task
    try await task.value
  }

  private static func write(_ stopped: Set<LoadBalancerID>, _ paths: AgentPaths, _ store: LoadBalancerStore)
    async throws
  {
    try await BlockingIO.run {
      try DurableFile.createDirectory(paths.vrrpDirectory, mode: 0o755)
      try DurableFile.createDirectory(paths.vrrpCheckScripts, mode: 0o755)
      let known = store.ids()
      if known.isEmpty && !store.lvsListeners().isEmpty { return try DurableFile.remove(paths.haproxyCheckScript) }
      let sockets = known.filter { !stopped.contains($0) }.map(paths.statsSocket)
      // Without any load balancer this amphora must not hold the VIP.
      let script = known.isEmpty ? "exit 1" : "haproxy-vrrp-check \(sockets.joined(separator: " ")); exit $?"
      try DurableFile.write(Array(script.utf8), to: paths.haproxyCheckScript, mode: 0o644)
    }
  }

  /// Writes `check_script.sh`, which keepalived's configuration names, when it is missing or another one.
  package func installDriver() async throws {
    try await BlockingIO.run { [paths] in
      try DurableFile.createDirectory(paths.vrrpCheckScripts, mode: 0o755)
      let script = Self.driver(scripts: paths.vrrpCheckScripts)
      if FileRead.text(paths.vrrpCheckScript) == script { return }
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

// PUT …/{start|stop|reload}: the supervisor acts, then the agent looks whether haproxy really serves the configuration.

import AmphoraCrypto
package import AmphoraProtocol
import Files
import Glibc
import Logging

extension LoadBalancers {
  /// Starts, stops or reloads a load balancer (contract agent-api §3.6).
  ///
  /// - Returns: the action really run: a reload of what does not run is a start.
  package func control(_ requested: ServiceAction, _ id: LoadBalancerID) async throws -> ServiceAction {
    let (isKnown, isRunning) = try await BlockingIO.run { [store] in (store.exists(id), store.isRunning(id)) }
    guard isKnown else { throw LoadBalancerError.unknown(ServiceObjectID(unchecked: id.text)) }
    let action: ServiceAction = requested == .reload && !isRunning ? .start : requested
    switch action {
    case .start: try await run(action, id) { unit async throws(SupervisorError) in try await start(unit, id) }
    case .stop: try await stop(id)
    case .reload: try await reload(id)
    }
    if action != .stop {
      await keepAsLastGood(id)
      await removeUnusedCertificates(id)
      // After the start, so that a failed one does not claim the VIP (contract agent-api §5 W30).
      try await note(isStopped: false, id)
      if !isStandbyPair {
        let addresses = try await BlockingIO.run { [store] in (try? store.parsed(id).boundAddresses) ?? [] }
        await advertiser.advertise(addresses)
      }
    }
    return action
  }
}

extension LoadBalancers {
  private var isStandbyPair: Bool { configuration.value.loadBalancerTopology == .activeStandby }

  /// Stops haproxy.
  ///
  /// The VRRP check leaves it out before that, for a haproxy that was stopped on request is no fault of this amphora; when
  /// the stop fails, the check is put back as it was.
  private func stop(_ id: LoadBalancerID) async throws {
    let wasStopped = try await BlockingIO.run { [stopped] in stopped.contains(ServiceUnit.unitName(of: id)) }
    try await note(isStopped: true, id)
    do {
      try await run(.stop, id) { unit async throws(SupervisorError) in try await supervisor.stop(unit) }
    } catch {
      do {
        try await note(isStopped: wasStopped, id)
      } catch let second {
        logger.error("a failed stop stays noted as an order", metadata: ["lb": "\(id)", "error": "\(second)"])
      }
      throw error
    }
  }

  /// Notes whether a load balancer is stopped on request, and has the VRRP check follow.
  private func note(isStopped: Bool, _ id: LoadBalancerID) async throws {
    let unit = ServiceUnit.unitName(of: id)
    try await BlockingIO.run { [stopped] in isStopped ? try stopped.add(unit) : try stopped.remove(unit) }
    if isStandbyPair { try await checkScripts.update() }
  }

  /// Starts haproxy and looks whether its pid file says so, from which all else learns that it runs.
  private func start(_ unit: String, _ id: LoadBalancerID) async throws(SupervisorError) {
    try await supervisor.start(unit)
    if store.isRunning(id) { return }
    // One that has run all the while, with its files removed, counted as started; it would keep its old configuration.
    try await supervisor.stop(unit)
    try await supervisor.start(unit)
    if store.isRunning(id) { return }
    try? await supervisor.stop(unit)
    throw SupervisorError(
      "start", unit, output: "haproxy has not written its pid to \(paths.pidFile(of: id)): is the disk full?")
  }

  /// Runs a verb; on failure goes back to the last configuration that ran.
  private func run(
    _ action: ServiceAction, _ id: LoadBalancerID, _ verb: (String) async throws(SupervisorError) -> Void
  ) async throws {
    do throws(SupervisorError) {
      try await verb(ServiceUnit.unitName(of: id))
    } catch {
      // Somebody else (systemd's own restart) is at the same thing already.
      if error.output.contains("Job is already running") { return }
      let output = action == .start ? await restoreLastGood(id, failure: error.output).text : error.output
      throw LoadBalancerError.actionFailed(action, output: output)
    }
  }

  /// Reloads a running haproxy (contract agent-api §3.6, steps 2 and 3) and waits until the new process serves.
  private func reload(_ id: LoadBalancerID) async throws {
    let start = ContinuousClock.now
    var outcome = AgentMetrics.ReloadOutcome.failed
    defer { metrics.noteReload(outcome, of: id, took: .now - start) }
    let socket = StatsSocket(path: paths.statsSocket(of: id))
    await saveServersState(id, socket)
    let before = await processID(socket)
    var lastOutput = ""
    for attempt in 1...3 {
      let mark = await supervisor.outputMark(ServiceUnit.unitName(of: id))
      do throws(SupervisorError) {
        try await supervisor.reload(ServiceUnit.unitName(of: id))
        try await confirmReload(id, socket, before: before, since: mark)
        outcome = .succeeded
        return
      } catch {
        lastOutput = error.output
        if lastOutput.contains("Job is already running") {
          outcome = .succeeded
          return
        }
        guard lastOutput.contains("is not active, cannot reload.") else { break }
        // haproxy crashed while it reloaded, and the supervisor is about to start it again: with the new configuration.
        if await wasJustRestarted(socket) {
          logger.warning(
            "haproxy was restarted instead of reloaded", metadata: ["lb": "\(id)", "attempt": "\(attempt)"])
          outcome = .succeeded
          return
        }
        if attempt < 3 { try? await Task.sleep(for: racePause) }
      }
    }
    let (output, isRestored) = await restoreLastGood(id, failure: lastOutput)
    if isRestored { outcome = .restored }
    throw LoadBalancerError.actionFailed(.reload, output: output)
  }

  /// Waits until another process than before answers the stats socket.
  ///
  /// The reload command only delivers a signal; a configuration that parses may still fail to start, for instance when
  /// its port is taken. haproxy then keeps its old process, and a success would be a lie.
  private func confirmReload(
    _ id: LoadBalancerID, _ socket: StatsSocket, before: String?, since mark: OutputMark
  ) async throws(SupervisorError) {
    let unit = ServiceUnit.unitName(of: id)
    let start = ContinuousClock.now
    var pause = Duration.milliseconds(2)
    var nextLook = Duration.milliseconds(300)
    var output = ""
    // A configuration with thousands of certificates takes long to load; a failed start shows its sign much sooner.
    while ContinuousClock.now - start < .seconds(30) {
      if let now = await processID(socket), now != before { return }
      if ContinuousClock.now - start > nextLook {
        nextLook += .seconds(1)
        output = await supervisor.output(unit, since: mark)
        if Self.failureSigns.contains(where: output.contains) { break }
        // Killed while it reloaded, and the supervisor's start of the new configuration fails.
        if output.contains("[ALERT]"), !store.isRunning(id) { break }
      }
      try? await Task.sleep(for: pause)
      pause = min(pause * 2, .milliseconds(50))
    }
    throw SupervisorError(
      "reload", unit, output: output + "haproxy took the signal but no new process serves; the old one goes on.")
  }

  /// What a master says when its new worker did not start (haproxy 2.6, and 2.7 and later), or ended at once and took all
  /// others with it; other versions wait longer.
  private static let failureSigns = ["in waitpid mode", "Loading failure", "exit-on-failure"]

  private func wasJustRestarted(_ socket: StatsSocket) async -> Bool {
    for _ in 1...5 {
      // 0 is the first second of a new process; it is asked again rather than taken for no answer (§5 W29).
      if let text = await information(socket)?["Uptime_sec"], let uptime = Int(text), uptime > 0 {
        return uptime <= 15
      }
      try? await Task.sleep(for: racePause)
    }
    return false
  }

  private func processID(_ socket: StatsSocket) async -> String? { await information(socket)?["Pid"] }

  private func information(_ socket: StatsSocket) async -> [String: String]? {
    try? await BlockingIO.run { try socket.showInfo() }
  }

  /// Saves members' states, so that a reload does not make healthy members flap (contract services §4.5).
  private func saveServersState(_ id: LoadBalancerID, _ socket: StatsSocket) async {
    do {
      try await BlockingIO.run { [paths] in
        let state = try socket.showServersState()
        try DurableFile.write(Array((state + "\n").utf8), to: paths.serversState(of: id), mode: 0o644)
      }
    } catch {
      logger.warning("servers' state not saved before the reload", metadata: ["lb": "\(id)", "error": "\(error)"])
    }
  }

  private func keepAsLastGood(_ id: LoadBalancerID) async {
    do {
      try await BlockingIO.run { [paths] in
        try DurableFile.keep(paths.configuration(of: id), as: paths.lastGoodConfiguration(of: id))
      }
    } catch {
      logger.warning("running configuration not kept", metadata: ["lb": "\(id)", "error": "\(error)"])
    }
  }

  private func removeUnusedCertificates(_ id: LoadBalancerID) async {
    do {
      try await CertificateStore(paths: paths).removeUnused(of: id)
    } catch {
      logger.warning("unused certificates stay", metadata: ["lb": "\(id)", "error": "\(error)"])
    }
  }

  /// Goes back to the configuration that ran last, when there is one and it is another one; the failed one is kept aside.
  ///
  /// - Returns: the failure's text, with what was done about it, and whether that one runs.
  private func restoreLastGood(_ id: LoadBalancerID, failure: String) async -> (text: String, isRestored: Bool) {
    let hasOther = try? await BlockingIO.run { [paths] in
      guard let good = try? FileRead.bytes(paths.lastGoodConfiguration(of: id)),
        try FileRead.bytes(paths.configuration(of: id)) != good
      else { return false }
      try DurableFile.keep(paths.configuration(of: id), as: paths.rejectedConfiguration(of: id))
      try DurableFile.keep(paths.lastGoodConfiguration(of: id), as: paths.configuration(of: id))
      return true
    }
    guard hasOther == true else { return (failure, false) }
    let unit = ServiceUnit.unitName(of: id)
    do throws(SupervisorError) {
      // A master whose reload failed waits with its old worker; another reload brings it back to a whole state.
      do throws(SupervisorError) {
        if store.isRunning(id) { try await supervisor.reload(unit) } else { try await supervisor.start(unit) }
      } catch {
        // It may have ended since it was looked at.
        try await supervisor.start(unit)
      }
      logger.error("went back to the previous configuration", metadata: ["lb": "\(id)", "failure": "\(failure)"])
      return (failure + "\nThe previous configuration was restored; the failed one is haproxy.cfg.new-failed.", true)
    } catch {
      return (failure + "\nThe previous configuration was restored too, but: \(error.output)", false)
    }
  }
}

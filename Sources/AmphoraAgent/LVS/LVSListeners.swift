// The UDP and SCTP listeners of this amphora: what the routes for them do. Each has a keepalived of its own, which fills the
// kernel's table. Callers run at most one changing call per listener at a time; reads may come at any time.

package import AmphoraProtocol
import Files
package import Logging

/// Operations on UDP and SCTP listeners.
package struct LVSListeners: Sendable {
  let paths: AgentPaths
  let store: LVSStore
  let stopped: StopOrders
  let configuration: LiveConfiguration
  let supervisor: any ServiceSupervisor
  let checkScripts: VRRPCheckScripts
  let advertiser: any VIPAdvertising
  let transitions: LVSTransitions
  let logger: Logger

  package init(
    paths: AgentPaths, configuration: LiveConfiguration, supervisor: any ServiceSupervisor,
    checkScripts: VRRPCheckScripts, advertiser: any VIPAdvertising, transitions: LVSTransitions = LVSTransitions(),
    logger: Logger
  ) {
    self.transitions = transitions
    self.paths = paths
    store = LVSStore(paths: paths)
    stopped = StopOrders(paths: paths)
    self.configuration = configuration
    self.supervisor = supervisor
    self.checkScripts = checkScripts
    self.advertiser = advertiser
    self.logger = logger
  }

  /// Whether a request about this id is one for a listener here, known or half deleted.
  package func owns(_ id: ListenerID) async throws -> Bool {
    try await BlockingIO.run { [store] in store.exists(id) || store.isDeleted(id) }
  }

  /// The stored configuration.
  package func download(_ id: ListenerID) async throws -> [UInt8] {
    do {
      return try await BlockingIO.run { [store] in try store.configuration(of: id) }
    } catch let error as DurableFile.Failure where error.isMissing {
      throw LVSError.unknown(id)
    }
  }

  /// The listeners with their states (contract agent-api §3.8); the type is `UDP` for SCTP too.
  package func list() async throws -> [ListenerStatusBody] {
    try await BlockingIO.run { [store, paths] in
      store.ids().compactMap { id in
        // One that is deleted meanwhile is gone; reads wait for nobody.
        guard let configuration = try? store.parsed(id) else { return nil }
        let status =
          if store.isRunning(id) {
            configuration.hasVirtualServers ? "ACTIVE" : "OFFLINE"
          } else {
            FileRead.exists(paths.lvsPIDFile(of: id)) ? "ERROR" : "OFFLINE"
          }
        return ListenerStatusBody(status: status, uuid: id.text, type: "UDP")
      }
    }
  }

  /// Starts, stops or restarts a listener's keepalived (contract agent-api §3.6b).
  ///
  /// - Returns: the action really run: a reload is a restart, because keepalived's own does not put members back.
  package func control(_ requested: ServiceAction, _ id: ListenerID) async throws -> LVSAction {
    guard try await BlockingIO.run({ [store] in store.exists(id) }) else { throw LVSError.unknown(id) }
    let action: LVSAction =
      switch requested {
      case .start: .start
      case .stop: .stop
      case .reload: .restart
      }
    guard action != .stop else {
      try await stop(id)
      return action
    }
    try await run(action, id)
    try await BlockingIO.run { [stopped] in try stopped.remove(ServiceUnit.unitName(of: id)) }
    if configuration.value.loadBalancerTopology != .activeStandby {
      let addresses = try await BlockingIO.run { [store] in (try? store.parsed(id))?.addresses.map(\.address) ?? [] }
      await advertiser.advertise(addresses)
    }
    return action
  }

  /// Stops keepalived; the order is noted before, and taken back when the stop fails.
  private func stop(_ id: ListenerID) async throws {
    let unit = ServiceUnit.unitName(of: id)
    let wasStopped = try await BlockingIO.run { [stopped] in
      let before = stopped.contains(unit)
      try stopped.add(unit)
      return before
    }
    do {
      try await run(.stop, id)
    } catch {
      if !wasStopped { _ = try? await BlockingIO.run { [stopped] in try stopped.remove(unit) } }
      throw error
    }
    // One that was killed has left them, and the check of a pair would fail for as long as they are there.
    try await BlockingIO.run { [self] in try removePIDFiles(of: id) }
  }

  /// Has the supervisor do it; heartbeats meanwhile take an empty table of the kernel's for no failure.
  func run(_ action: LVSAction, _ id: ListenerID) async throws(LVSError) {
    let unit = ServiceUnit.unitName(of: id)
    do throws(SupervisorError) {
      let result = await transitions.during(id) { () -> Result<Void, SupervisorError> in
        do throws(SupervisorError) {
          switch action {
          case .start: try await supervisor.start(unit)
          case .stop: try await supervisor.stop(unit)
          case .restart: try await supervisor.restart(unit)
          }
          return .success(())
        } catch {
          return .failure(error)
        }
      }
      try result.get()
    } catch {
      if error.output.contains("Job is already running") { return }
      throw LVSError.actionFailed(action, id, output: error.output)
    }
  }

  /// Writes the scripts anew that listeners' configurations name, when they were lost; for the start.
  package func restoreScripts() async throws {
    let isPair = configuration.value.loadBalancerTopology == .activeStandby
    try await BlockingIO.run { [store, paths] in
      guard !store.ids().isEmpty else { return }
      try LVSScripts.installMemberCheck(paths)
      if isPair { try LVSScripts.installVRRPCheck(paths) }
    }
  }

  /// Removes the pid files of a keepalived that does not live; missing ones are fine.
  func removePIDFiles(of id: ListenerID) throws(DurableFile.Failure) {
    if store.isRunning(id) { return }
    for path in [paths.lvsPIDFile(of: id), paths.lvsVRRPPIDFile(of: id), paths.lvsCheckPIDFile(of: id)]
    where FileRead.exists(path) {
      try DurableFile.remove(path)
    }
  }
}

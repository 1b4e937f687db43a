// The keepalived that moves the VIP within a pair: configuration upload and actions (contract agent-api §3.16, §3.17).

import AmphoraCrypto
package import AmphoraProtocol
import Files
package import Logging

/// A VRRP operation that failed.
package enum VRRPError: Error, CustomStringConvertible, Sendable {
  /// keepalived cannot make sense of the configuration; its words.
  case rejected(output: String)
  case enableFailed(output: String)
  case actionFailed(ServiceAction, output: String)

  package var description: String {
    switch self {
    case .rejected(let output): "keepalived refuses the configuration: \(output)"
    case .enableFailed(let output): "keepalived's unit could not be enabled: \(output)"
    case .actionFailed(let action, let output): "keepalived: \(action.rawValue) failed: \(output)"
    }
  }
}

/// Operations on the VRRP keepalived.
package struct VRRPService: Sendable {
  private let paths: AgentPaths
  private let configuration: LiveConfiguration
  private let supervisor: any ServiceSupervisor
  private let checkScripts: VRRPCheckScripts
  private let stopped: StopOrders
  private let logger: Logger

  package init(
    paths: AgentPaths, configuration: LiveConfiguration, supervisor: any ServiceSupervisor,
    checkScripts: VRRPCheckScripts,
    logger: Logger
  ) {
    self.paths = paths
    self.configuration = configuration
    self.supervisor = supervisor
    self.checkScripts = checkScripts
    stopped = StopOrders(paths: paths)
    self.logger = logger
  }

  /// Stores keepalived's configuration; starts nothing.
  ///
  /// - Returns: the MD5 of the body, in hexadecimal.
  package func upload(_ body: [UInt8]) async throws -> String {
    do {
      try await checkScripts.installDriver()
      let enableFailure = try await prepareUnit { try await stage(body) }
      // Last, because this is what sets VRRP up: before it nothing has happened, after it all has.
      try await BlockingIO.run { [paths] in
        try DurableFile.move(paths.stagedVRRPConfiguration, to: paths.vrrpConfiguration)
      }
      // The configuration stays all the same, as haproxy's does.
      if let enableFailure { throw VRRPError.enableFailed(output: enableFailure.output) }
    } catch {
      await clearRemains()
      throw error
    }
    return Digest.hex(Digest.md5(body))
  }

  /// Makes the unit known.
  ///
  /// - Parameter stage: what needs the namespace and comes before the unit.
  /// - Returns: why the unit could not be enabled, if so.
  private func prepareUnit(_ stage: () async throws -> Void) async throws -> SupervisorError? {
    let unit = ServiceUnit.vrrp(logFacility: configuration.value.administrativeLogFacility, paths: paths)
    do throws(SupervisorError) {
      try await supervisor.ensureNamespace()
    } catch {
      throw VRRPError.enableFailed(output: error.output)
    }
    try await stage()
    do throws(SupervisorError) {
      try await supervisor.install(unit)
    } catch {
      throw VRRPError.enableFailed(output: error.output)
    }
    try await checkScripts.update()
    do throws(SupervisorError) { try await supervisor.enable(unit.name) } catch { return error }
    return nil
  }

  /// Takes back a first upload that did not come to its end, in this run of the agent or in an earlier one.
  package func clearRemains() async {
    _ = try? await BlockingIO.run { [paths] in try DurableFile.remove(paths.stagedVRRPConfiguration) }
    let isCutShort = FileRead.isFolder(paths.vrrpDirectory) && !FileRead.exists(paths.vrrpConfiguration)
    guard isCutShort else { return }
    try? await supervisor.disable(ServiceUnit.vrrpName)
    try? await supervisor.uninstall(ServiceUnit.vrrpName)
    _ = try? await BlockingIO.run { [paths] in
      try DurableFile.remove(paths.vrrpCheckScript)
      // A pair's load balancers have their check there before keepalived comes.
      if try LoadBalancerStore(paths: paths).list().isEmpty { try DurableFile.remove(paths.haproxyCheckScript) }
      DurableFile.removeIfEmpty(paths.vrrpCheckScripts)
      DurableFile.removeIfEmpty(paths.vrrpDirectory)
    }
  }

  /// Puts the configuration aside, unless keepalived says that it is none (contract agent-api §5 W12).
  private func stage(_ body: [UInt8]) async throws {
    let staged = paths.stagedVRRPConfiguration
    try await BlockingIO.run { try DurableFile.write(body, to: staged, mode: 0o644) }
    switch await KeepalivedCheck.run(staged) {
    case .usable: break
    case .doubtful(let words):
      logger.warning("keepalived has doubts about the configuration", metadata: ["output": "\(words)"])
    case .unusable(let words):
      logger.notice("keepalived refuses the configuration", metadata: ["output": "\(words)"])
      try await BlockingIO.run { [paths] in try DurableFile.move(staged, to: paths.rejectedVRRPConfiguration) }
      throw VRRPError.rejected(output: words)
    }
  }

  /// Starts, stops or reloads keepalived.
  ///
  /// - Returns: the action really run: a start of what runs is a reload, which applies a new configuration.
  package func control(_ requested: ServiceAction) async throws -> ServiceAction {
    let isRunning = try await BlockingIO.run { [paths] in
      FileRead.liveProcess(pidFile: paths.vrrpPIDFile, named: "keepalived") != nil
    }
    let action: ServiceAction = requested == .start && isRunning ? .reload : requested
    do throws(SupervisorError) {
      switch action {
      case .start: try await supervisor.start(ServiceUnit.vrrpName)
      case .stop: try await supervisor.stop(ServiceUnit.vrrpName)
      case .reload: try await supervisor.reload(ServiceUnit.vrrpName)
      }
    } catch {
      if !error.output.contains("Job is already running") {
        throw VRRPError.actionFailed(action, output: error.output)
      }
    }
    try await BlockingIO.run { [stopped] in
      if action == .stop { try stopped.add(ServiceUnit.vrrpName) } else { try stopped.remove(ServiceUnit.vrrpName) }
    }
    return action
  }
}

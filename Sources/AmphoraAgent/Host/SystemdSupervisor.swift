// Supervision by systemd, through systemctl: what it prints is what the contract's answers carry.

import Files
import Glibc
package import Logging

/// Drives systemd's units.
package struct SystemdSupervisor: ServiceSupervisor {
  private let paths: AgentPaths
  private let agent: String
  private let configurationFile: String
  private let program: String
  private let logger: Logger
  /// Where `systemctl enable` leaves its mark for units wanted by multi-user.target.
  static let wants = "/etc/systemd/system/multi-user.target.wants"

  /// - Parameters:
  ///   - agent: the absolute path of this program, for units that call it.
  ///   - configurationFile: the file the agent was started with.
  ///   - systemctl: the program; its name or its path.
  package init(
    paths: AgentPaths, agent: String, configurationFile: String, systemctl: String = "systemctl", logger: Logger
  ) {
    self.paths = paths
    self.agent = agent
    self.configurationFile = configurationFile
    program = systemctl
    self.logger = logger
  }

  package func install(_ unit: ServiceUnit) async throws(SupervisorError) {
    try await install(name: unit.name, text: unit.text)
  }

  private func install(name: String, text: String) async throws(SupervisorError) {
    let path = "\(paths.units)/\(name)"
    do {
      let isNew = try await BlockingIO.run {
        if FileRead.text(path) == text { return false }
        try DurableFile.write(Array(text.utf8), to: path, mode: 0o644)
        return true
      }
      guard isNew else { return }
    } catch {
      throw SupervisorError("install", name, output: "\(error)")
    }
    // A changed unit of an enabled service would otherwise keep running by its old description.
    do throws(SupervisorError) {
      try await systemctl("daemon-reload", nil)
    } catch {
      // So that the repetition finds a difference, and does it again.
      _ = try? await BlockingIO.run { try DurableFile.remove(path) }
      throw error
    }
  }

  package func ensureNamespace() async throws(SupervisorError) {
    try await install(
      name: namespaceUnitName, text: ServiceUnit.namespaceUnitText(agent: agent, configuration: configurationFile))
  }

  package func enable(_ name: String) async throws(SupervisorError) {
    // Enabling again changes nothing and costs two processes and a reload of the manager.
    if FileRead.exists("\(Self.wants)/\(name)") { return }
    try await systemctl("enable", name)
  }

  package func disable(_ name: String) async throws(SupervisorError) {
    if !FileRead.exists("\(paths.units)/\(name)") { return }
    try await systemctl("disable", name)
  }

  package func start(_ name: String) async throws(SupervisorError) { try await start(name, by: "start") }
  package func restart(_ name: String) async throws(SupervisorError) { try await start(name, by: "restart") }

  private func start(_ name: String, by verb: String) async throws(SupervisorError) {
    let mark = await outputMark(name)
    do throws(SupervisorError) {
      await prepareStart(name, isRestart: verb == "restart")
      try await systemctl(verb, name)
    } catch {
      // systemctl only says that it failed; why, the program told the journal.
      throw SupervisorError(verb, name, output: error.output + (await output(name, since: mark)))
    }
  }

  /// Clears what earlier failures and starts have left.
  private func prepareStart(_ name: String, isRestart: Bool) async {
    let state = await state(name)
    // An agent that was killed after it wrote the unit has not told systemd.
    if state.contains("NeedDaemonReload=yes") { try? await systemctl("daemon-reload", nil) }
    // A controller's order is no crash loop, but systemd counts both and refuses the sixth start in ten seconds.
    // Restarts come often: each change of a UDP or SCTP listener is one.
    if isRestart || state.contains("ActiveState=failed") || state.contains("ActiveState=activating") {
      try? await systemctl("reset-failed", name)
    }
  }

  /// `ActiveState=…` and `NeedDaemonReload=…`; empty when systemd does not say.
  private func state(_ name: String) async -> [Substring] {
    let result = try? await Command.run(
      program, ["show", "--property", "ActiveState,NeedDaemonReload", name], timeout: .seconds(5))
    return (result?.output ?? "").split(separator: "\n")
  }

  package func stop(_ name: String) async throws(SupervisorError) { try await systemctl("stop", name) }
  package func reload(_ name: String) async throws(SupervisorError) { try await systemctl("reload", name) }

  package func outputMark(_ name: String) async -> OutputMark { OutputMark(time: UnixTime.now) }

  package func output(_ name: String, since mark: OutputMark) async -> String {
    let result = try? await Command.run(
      "journalctl",
      ["--unit", name, "--since", "@\(mark.time)", "--output", "cat", "--no-pager", "--quiet", "--lines", "50"],
      timeout: .seconds(3))
    return result.map { $0.isSuccess ? $0.output : "" } ?? ""
  }

  package func uninstall(_ name: String) async throws(SupervisorError) {
    let path = "\(paths.units)/\(name)"
    if !FileRead.exists(path) { return }
    do {
      try await BlockingIO.run { try DurableFile.remove(path) }
    } catch {
      throw SupervisorError("uninstall", name, output: "\(error)")
    }
    try await systemctl("daemon-reload", nil)
    // systemd would list a unit that has failed for as long as it runs itself.
    if await state(name).contains("ActiveState=failed") { try? await systemctl("reset-failed", name) }
  }

  private func systemctl(_ verb: String, _ unit: String?) async throws(SupervisorError) {
    let start = ContinuousClock.now
    let arguments = [verb] + (unit.map { [$0] } ?? [])
    let result: CommandResult
    do {
      result = try await Command.run(program, arguments)
    } catch {
      throw SupervisorError(verb, unit ?? "", output: "\(error)")
    }
    logger.debug(
      "systemctl",
      metadata: [
        "verb": "\(verb)", "unit": "\(unit ?? "-")", "status": "\(result.status)",
        "duration": "\(ContinuousClock.now - start)",
      ])
    guard result.isSuccess else { throw SupervisorError(verb, unit ?? "", output: result.output) }
  }
}

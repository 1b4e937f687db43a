// Supervision by the agent itself, for amphorae without systemd: demo, tests, containers.
//
// Services outlive the agent: a restarted agent adopts what still runs by its pid file, so that an agent upgrade does not
// stop traffic. What is enabled is recorded on disk and started again by `restore()`.

import Files
import FoundationEssentials
package import Glibc
package import Logging

/// Starts, watches and restarts programs as children of the agent.
package actor DirectSupervisor: ServiceSupervisor {
  private let directory: String
  let runtime: String
  private let logger: Logger
  private let prepareNamespace: @Sendable () async throws -> Void
  private var services: [String: Service] = [:]
  /// Verbs on one unit run one after the other: an actor lets others in at every `await`.
  private var turns: [String: Task<Void, Never>] = [:]

  /// - Parameters:
  ///   - directory: where units are recorded.
  ///   - runtime: where logs of programs and notify sockets go.
  ///   - prepareNamespace: makes the namespace with its settings and interfaces, if it is not there yet.
  package init(
    directory: String, runtime: String, logger: Logger, prepareNamespace: @escaping @Sendable () async throws -> Void
  ) {
    self.directory = directory
    self.runtime = runtime
    self.logger = logger
    self.prepareNamespace = prepareNamespace
  }

  // MARK: Verbs

  package func install(_ unit: ServiceUnit) async throws(SupervisorError) {
    // Somebody may have removed the record.
    if services[unit.name]?.unit == unit, FileRead.exists(recordFile(unit.name)) { return }
    let former = services[unit.name]
    services[unit.name, default: Service(unit: unit)].unit = unit
    do throws(SupervisorError) {
      try await record(unit.name, verb: "install")
    } catch {
      // What is not on disk is not installed; the repetition tries again.
      if let former { services[unit.name]?.unit = former.unit } else { services[unit.name] = nil }
      throw error
    }
  }

  package func enable(_ name: String) async throws(SupervisorError) { try await setEnabled(true, name, verb: "enable") }
  package func disable(_ name: String) async throws(SupervisorError) {
    try await setEnabled(false, name, verb: "disable")
  }

  package func uninstall(_ name: String) async throws(SupervisorError) {
    services[name] = nil
    let path = recordFile(name)
    do {
      try await BlockingIO.run { try DurableFile.remove(path) }
    } catch {
      throw SupervisorError("uninstall", name, output: "\(error)")
    }
  }

  package func start(_ name: String) async throws(SupervisorError) { try await inTurn(name, .start) }
  package func stop(_ name: String) async throws(SupervisorError) { try await inTurn(name, .stop) }
  package func restart(_ name: String) async throws(SupervisorError) { try await inTurn(name, .restart) }
  package func reload(_ name: String) async throws(SupervisorError) { try await inTurn(name, .reload) }

  package func ensureNamespace() async throws(SupervisorError) {
    do {
      try await prepareNamespace()
    } catch {
      throw SupervisorError("start", namespaceUnitName, output: "\(error)")
    }
  }

  /// Reads the records of an earlier run, so that its services are known before the first request.
  package func loadRecords() {
    for name in FileRead.names(in: directory) where name.hasSuffix(".json") {
      do {
        let saved = try JSONDecoder().decode(Record.self, from: Data(FileRead.bytes("\(directory)/\(name)")))
        var service = Service(unit: saved.unit)
        service.enabled = saved.enabled
        services[saved.unit.name] = service
      } catch {
        logger.error("unreadable service record", metadata: ["file": "\(directory)/\(name)", "error": "\(error)"])
      }
    }
  }

  /// Takes up the services of an earlier run: adopts those that live, starts those that are enabled and do not.
  ///
  /// - Parameter stopped: units that were stopped on request, and stay so.
  package func restore(except stopped: Set<String> = []) async {
    // haproxy answers before VRRP checks it (contract services §2.1 `Before`); names sort that way too.
    for (name, service) in services.sorted(by: { $0.key < $1.key }) where service.enabled && !stopped.contains(name) {
      do {
        try await start(name)
      } catch {
        logger.error("service not restored", metadata: ["unit": "\(name)", "error": "\(error)"])
      }
    }
  }

  /// The unit's main process, when it runs.
  package func mainProcess(_ name: String) -> pid_t? { live(name)?.pid }

  // MARK: Doing

  private func startNow(_ name: String) async throws(SupervisorError) {
    let unit = try unit(name, "start")
    if adoptIfRunning(unit) != nil { return }
    try await ensureNamespace()
    try await check(unit, verb: "start")
    let child = try await launch(unit)
    guard services[name] != nil else {
      kill(child.pid, SIGTERM)
      throw SupervisorError("start", name, output: "Unit \(name) was removed meanwhile.")
    }
    watch(.child(child), name)
    logger.info("service started", metadata: ["unit": "\(name)", "pid": "\(child.pid)"])
  }

  private func stopNow(_ name: String) async throws(SupervisorError) {
    let unit = try unit(name, "stop")
    services[name]?.generation += 1
    let running =
      live(name) ?? FileRead.liveProcess(pidFile: unit.pidFile, named: unit.program).map(RunningProcess.adopted)
    services[name]?.process = nil
    guard let running else { return }
    kill(running.pid, SIGTERM)
    if await running.ends(within: .seconds(20)) { return }
    logger.warning("service did not end on SIGTERM", metadata: ["unit": "\(name)", "pid": "\(running.pid)"])
    // Children of ours lead a session, and so a process group, of their own.
    kill(-running.pid, SIGKILL)
    kill(running.pid, SIGKILL)
    guard await running.ends(within: .seconds(5)) else {
      throw SupervisorError("stop", name, output: "process \(running.pid) does not end")
    }
  }

  private func reloadNow(_ name: String) async throws(SupervisorError) {
    let unit = try unit(name, "reload")
    guard let running = adoptIfRunning(unit) else {
      throw SupervisorError("reload", name, output: "\(name) is not active, cannot reload.")
    }
    try await check(unit, verb: "reload")
    guard kill(running.pid, unit.reloadSignal) == 0 else {
      throw SupervisorError("reload", name, output: "\(name) is not active, cannot reload.")
    }
  }

  private func check(_ unit: ServiceUnit, verb: String) async throws(SupervisorError) {
    guard let check = unit.check else { return }
    do {
      let result = try await Command.run(check[0], Array(check.dropFirst()))
      if result.isSuccess { return }
      throw SupervisorError(verb, unit.name, output: result.output)
    } catch let error as SupervisorError {
      throw error
    } catch {
      throw SupervisorError(verb, unit.name, output: "\(error)")
    }
  }

  /// Starts the program and waits until it is ready, 30 s at most.
  private func launch(_ unit: ServiceUnit) async throws(SupervisorError) -> ChildProcess {
    let log = logFile(unit.name)
    let notify = "\(runtime)/\(unit.name).notify"
    do {
      return try await BlockingIO.run { [runtime] in
        try DurableFile.createDirectory(runtime, mode: 0o755)
        _ = changingFiles { unlink(unit.pidFile) }
        let socket = try NotifySocket(path: notify)
        let child = try ChildProcess(
          unit.command, environment: unit.readiness == .notified ? ["NOTIFY_SOCKET": notify] : [:], output: log)
        let isReady = socket.waitForReady(milliseconds: 30_000) {
          child.status != nil
            || (unit.readiness == .pidFile && FileRead.liveProcess(pidFile: unit.pidFile, named: unit.program) != nil)
        }
        if isReady || (unit.readiness == .pidFile && child.status == nil) { return child }
        kill(child.pid, SIGKILL)
        let end = child.status.map { "it ended with status \($0)" } ?? "it was not ready within 30 s"
        throw SupervisorError("start", unit.name, output: (FileRead.text(log) ?? "") + "\(unit.program): \(end)")
      }
    } catch let error as SupervisorError {
      throw error
    } catch {
      throw SupervisorError("start", unit.name, output: "\(error)")
    }
  }

  // MARK: Watching

  /// The unit's process, taken over from an earlier run of the agent if need be.
  private func adoptIfRunning(_ unit: ServiceUnit) -> RunningProcess? {
    if let process = live(unit.name) { return process }
    guard let pid = FileRead.liveProcess(pidFile: unit.pidFile, named: unit.program) else { return nil }
    logger.notice("adopted running service", metadata: ["unit": "\(unit.name)", "pid": "\(pid)"])
    watch(.adopted(pid), unit.name)
    return .adopted(pid)
  }

  private func watch(_ process: RunningProcess, _ name: String) {
    services[name]?.generation += 1
    services[name]?.process = process
    guard let generation = services[name]?.generation else { return }
    // The process outlives the request that starts it.
    RequestID.$current.withValue(nil) {
      _ = Task {
        await process.end()
        await self.ended(name, generation)
      }
    }
  }

  /// A process has ended that nobody stopped: start it again, as `Restart=always` does.
  private func ended(_ name: String, _ generation: Int) async {
    guard services[name]?.generation == generation else { return }
    services[name]?.process = nil
    let pause = services[name]?.restarts.next(at: .now) ?? .zero
    logger.error("service ended by itself, will be started again", metadata: ["unit": "\(name)", "pause": "\(pause)"])
    try? await Task.sleep(for: pause)
    guard services[name]?.generation == generation else { return }
    do {
      try await start(name)
    } catch {
      logger.error("service not started again", metadata: ["unit": "\(name)", "error": "\(error)"])
      guard services[name]?.generation == generation else { return }
      Task { await self.ended(name, generation) }
    }
  }

  // MARK: State

  private func live(_ name: String) -> RunningProcess? {
    guard let service = services[name], let process = service.process,
      FileRead.isLive(process.pid, named: service.unit.program)
    else { return nil }
    return process
  }

  private func unit(_ name: String, _ verb: String) throws(SupervisorError) -> ServiceUnit {
    guard let service = services[name] else { throw SupervisorError(verb, name, output: "Unit \(name) not found.") }
    return service.unit
  }

  private func setEnabled(_ enabled: Bool, _ name: String, verb: String) async throws(SupervisorError) {
    guard let service = services[name] else {
      if enabled { throw SupervisorError(verb, name, output: "Unit \(name) not found.") }
      return
    }
    if service.enabled == enabled, FileRead.exists(recordFile(name)) { return }
    services[name]?.enabled = enabled
    do throws(SupervisorError) {
      try await record(name, verb: verb)
    } catch {
      services[name]?.enabled = service.enabled
      throw error
    }
  }

  private func recordFile(_ name: String) -> String { "\(directory)/\(name).json" }

  private func record(_ name: String, verb: String) async throws(SupervisorError) {
    guard let service = services[name] else { return }
    let path = recordFile(name)
    do {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      let bytes = try Array(encoder.encode(Record(unit: service.unit, enabled: service.enabled)))
      try await BlockingIO.run { [directory] in
        try DurableFile.createDirectory(directory, mode: 0o755)
        try DurableFile.write(bytes, to: path, mode: 0o644)
      }
    } catch {
      throw SupervisorError(verb, name, output: "\(error)")
    }
  }

  private func inTurn(_ name: String, _ verb: Verb) async throws(SupervisorError) {
    let before = turns[name]
    let work = Task { () -> Result<Void, SupervisorError> in
      await before?.value
      do throws(SupervisorError) {
        switch verb {
        case .start: try await self.startNow(name)
        case .stop: try await self.stopNow(name)
        case .restart:
          try await self.stopNow(name)
          try await self.startNow(name)
        case .reload: try await self.reloadNow(name)
        }
        return .success(())
      } catch {
        return .failure(error)
      }
    }
    turns[name] = Task { _ = await work.value }
    try await work.value.get()
  }
}

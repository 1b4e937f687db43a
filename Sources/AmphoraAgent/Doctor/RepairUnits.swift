// Units of what is on disk: installed, enabled, running, unless a controller has stopped them.

import Addresses
import AmphoraProtocol
import Files
import Logging

extension Repair {
  /// Mends the services of this amphora, through the code that serves a controller's requests.
  func mendUnits(_ outcome: inout Outcome) async {
    guard let supervisor else { return }
    let configuration: AgentConfiguration
    switch amphora.configuration {
    case .success(let value): configuration = value
    case .failure:
      outcome.failures.append("units: left alone until \(amphora.configurationFile) is mended")
      return
    }
    let units = UnitRepair(amphora: amphora, configuration: configuration, supervisor: supervisor, logger: logger)
    for id in LoadBalancerStore(paths: amphora.paths).ids() { await units.mend(id, &outcome) }
    for id in LVSStore(paths: amphora.paths).ids() { await units.mend(id, &outcome) }
    if FileRead.exists(amphora.paths.vrrpConfiguration) { await units.mendVRRP(&outcome) }
  }
}

/// Mends one unit after the other.
private struct UnitRepair {
  let amphora: LocalAmphora
  let configuration: AgentConfiguration
  let supervisor: any ServiceSupervisor
  let logger: Logger

  private var paths: AgentPaths { amphora.paths }
  private var live: LiveConfiguration { LiveConfiguration(configuration) }
  private var checkScripts: VRRPCheckScripts { VRRPCheckScripts(paths: paths) }
  private var advertiser: VIPAdvertiser {
    VIPAdvertiser(advertiser: AddressAdvertiser(namespace: amphora.interfaces.namespace, logger: logger))
  }

  func mend(_ id: LoadBalancerID, _ outcome: inout Repair.Outcome) async {
    let unit: ServiceUnit?
    if let amphoraID = configuration.amphoraID.flatMap({ AmphoraID($0) }) {
      unit = .haproxy(id, amphora: amphoraID, command: configuration.haproxyCommand, paths: paths)
    } else {
      // Without it the peer's name cannot be made, but an installed unit has it.
      unit = nil
    }
    let balancers = LoadBalancers(
      paths: paths, configuration: live, supervisor: supervisor, checkScripts: checkScripts, advertiser: advertiser,
      logger: logger)
    await mend(
      ServiceUnit.unitName(of: id), unit, isRunning: LoadBalancerStore(paths: paths).isRunning(id), &outcome
    ) { _ = try await balancers.control(.start, id) }
  }

  func mend(_ id: ListenerID, _ outcome: inout Repair.Outcome) async {
    let store = LVSStore(paths: paths)
    let listeners = LVSListeners(
      paths: paths, configuration: live, supervisor: supervisor, checkScripts: checkScripts, advertiser: advertiser,
      logger: logger)
    await mend(
      ServiceUnit.unitName(of: id),
      .lvs(id, logFacility: configuration.administrativeLogFacility, paths: paths), isRunning: store.isRunning(id),
      &outcome
    ) { _ = try await listeners.control(.start, id) }
  }

  func mendVRRP(_ outcome: inout Repair.Outcome) async {
    let service = VRRPService(
      paths: paths, configuration: live, supervisor: supervisor, checkScripts: checkScripts, logger: logger)
    let isRunning = if case .open = VRRPGate.read(paths) { true } else { false }
    await mend(
      ServiceUnit.vrrpName, .vrrp(logFacility: configuration.administrativeLogFacility, paths: paths),
      isRunning: isRunning, &outcome
    ) { _ = try await service.control(.start) }
  }

  /// Files that are there are left as they are: an older agent's unit is replaced by the next upload, not here.
  private func mend(
    _ name: String, _ unit: ServiceUnit?, isRunning: Bool, _ outcome: inout Repair.Outcome,
    start: () async throws -> Void
  ) async {
    do {
      if !FileRead.exists("\(paths.units)/\(name)") {
        guard let unit else { throw SupervisorError("install", name, output: "amphora_id is not configured") }
        if !FileRead.exists("\(paths.units)/\(namespaceUnitName)") {
          try await supervisor.ensureNamespace()
          outcome.changes.append("\(namespaceUnitName): unit written")
        }
        try await supervisor.install(unit)
        outcome.changes.append("\(name): unit written")
      }
      if !FileRead.exists("\(SystemdSupervisor.wants)/\(name)") {
        try await supervisor.enable(name)
        outcome.changes.append("\(name): enabled")
      }
      // One that a controller has stopped stays so.
      guard !isRunning, !StopOrders(paths: paths).contains(name) else { return }
      try await start()
      outcome.changes.append("\(name): started")
    } catch let error as SupervisorError {
      outcome.failures.append("\(name): \(error.verb) failed: \(error.output)")
    } catch {
      outcome.failures.append("\(name): \(error)")
    }
  }
}

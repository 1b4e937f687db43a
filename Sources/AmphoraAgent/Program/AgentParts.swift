// The agent's parts, wired together from a configuration.

import AmphoraProtocol
import Files
import Glibc
import Logging
import Netlink

/// Everything between the API and the kernel.
struct AgentParts: Sendable {
  let api: AgentAPI
  let heartbeats: HeartbeatSender
  let metrics = AgentMetrics()
  let requests = RequestLedger()
  private let level: LogLevel
  private let paths: AgentPaths
  private let direct: DirectSupervisor?
  private let checkScripts: VRRPCheckScripts
  private let interfaceFiles: InterfaceFileStore
  private let plugger: InterfacePlugger
  /// The agent's own certificate, and the CA of its clients.
  private let certificates: [(name: String, path: String)]
  /// Where the agent's own certificate and configuration lie.
  private let ownFolders: [String]
  private let logger: Logger

  init(
    configuration: AgentConfiguration, configurationFile: String, environment: [String: String],
    supervisor: SupervisorChoice,
    loggers: AgentLoggers
  ) {
    let logger = loggers.agent
    level = loggers.level
    let live = LiveConfiguration(configuration)
    let paths = AgentPaths(base: configuration.basePath, certificates: configuration.baseCertDir)
    let interfaces = AgentInterfaces(paths: InterfacePaths(configuration), configuration: live, logger: logger)
    var direct: DirectSupervisor?
    let services: any ServiceSupervisor
    if supervisor == .direct {
      let setup = NamespaceSetup(interfaces: interfaces.plugger, namespace: interfaces.namespace, logger: logger)
      let supervisor = DirectSupervisor(directory: paths.services, runtime: paths.runtime, logger: logger) {
        for failure in try await setup.up(systemSettings: false) {
          logger.error("interface", metadata: ["failure": "\(failure)"])
        }
      }
      direct = supervisor
      services = supervisor
    } else {
      services = SystemdSupervisor(
        paths: paths, agent: AgentExecutable.path, configurationFile: configurationFile, logger: logger)
    }
    let transitions = LVSTransitions()
    let heartbeats = HeartbeatSender(
      configuration: configuration,
      sources: [HAProxyHeartbeatSource(paths: paths), LVSHeartbeatSource(paths: paths, transitions: transitions)],
      paths: paths, logger: logger)
    checkScripts = VRRPCheckScripts(paths: paths)
    let store = LoadBalancerStore(paths: paths)
    api = AgentAPI(
      loadBalancers: LoadBalancers(
        paths: paths, configuration: live, supervisor: services, checkScripts: checkScripts,
        advertiser: interfaces.advertiser, metrics: metrics, logger: logger),
      lvs: LVSListeners(
        paths: paths, configuration: live, supervisor: services, checkScripts: checkScripts,
        advertiser: interfaces.advertiser, transitions: transitions, logger: logger),
      certificates: CertificateStore(paths: paths),
      vrrp: VRRPService(
        paths: paths, configuration: live, supervisor: services, checkScripts: checkScripts, logger: logger),
      networks: NetworkRoutes(interfaces: interfaces),
      agent: AgentFiles(file: configurationFile, environment: environment, configuration: live, logger: logger) { new in
        loggers.level.configure(debug: new.debug)
        heartbeats.reload(new)
      },
      facts: AmphoraFacts(
        packages: PackageDatabase(haproxyCommand: configuration.haproxyCommand), store: store,
        counters: interfaces.counters),
      health: AgentHealth(
        checks: HealthChecks(
          paths: paths, interfaces: InterfacePaths(configuration), configuration: live, heartbeats: heartbeats,
          metrics: metrics
        ).all),
      requests: requests)
    self.heartbeats = heartbeats
    self.paths = paths
    self.direct = direct
    self.logger = logger
    interfaceFiles = interfaces.files
    plugger = interfaces.plugger
    certificates = [("agent", configuration.agentServerCert), ("client_ca", configuration.agentServerCA)]
    ownFolders = [configurationFile, configuration.agentServerCert].map { path in
      String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }
  }

  /// Runs what precedes the API.
  func prepare(secrets: [String]) async throws {
    try await KillPoint.counting(.start) {
      for secret in secrets { _ = changingFiles { chmod(secret, 0o600) } }
      try await repairAndPrepare()
    }
  }

  /// Removes what a crash left half done, and writes the loopback's interface file.
  private func repairAndPrepare() async throws {
    try await BlockingIO.run { [paths, interfaceFiles, ownFolders, logger] in
      try DurableFile.createDirectory(paths.base, mode: 0o755)
      try UserGroupFragment.restore(paths.userGroupFragment)
      let folders =
        [
          paths.base, paths.services, paths.vrrpDirectory, paths.vrrpCheckScripts, paths.lvsDirectory,
          paths.memberCheckDirectory,
        ]
        + ownFolders + [interfaceFiles.directory]
        + FileRead.names(in: paths.base).compactMap { LoadBalancerID($0) }.map(paths.directory)
        + FileRead.names(in: paths.certificates).compactMap { LoadBalancerID($0) }.map(paths.certificateDirectory)
      for folder in folders {
        do {
          try DurableFile.removeLeftovers(in: folder)
        } catch {
          logger.warning("leftovers of a crash stay", metadata: ["error": "\(error)"])
        }
      }
      try interfaceFiles.storeLoopback()
    }
    await direct?.loadRecords()
    await api.loadBalancers.clearRemains()
    await api.lvs.clearRemains()
    await api.vrrp.clearRemains()
    try await BlockingIO.run { [api] in api.certificates.clearRemains() }
  }

  /// Takes up the services of an earlier run, or after a boot, but for those that were stopped on request.
  func restoreServices() async {
    await KillPoint.counting(.start) {
      do {
        try await api.lvs.restoreScripts()
        try await checkScripts.updateAtStart()
        let stopped = try await BlockingIO.run { [paths] in StopOrders(paths: paths).units }
        await direct?.restore(except: stopped)
        try await api.startUntriedConfigurations()
      } catch {
        logger.error("services not restored", metadata: ["error": "\(error)"])
      }
    }
  }

  /// What operators and the metrics' proxy are answered.
  var controlAnswers: ControlAnswers {
    ControlAnswers(
      metrics: metrics, requests: requests, heartbeats: heartbeats, level: level, certificates: certificates,
      logger: logger)
  }

  /// The service that answers them.
  var controlSocket: ControlSocket {
    ControlSocket(path: paths.controlSocket, logger: logger) { [controlAnswers] in controlAnswers.answer($0) }
  }

  /// Takes in NICs that appear after the boot has looked for them, until the task is cancelled.
  func takeInLateNICs() async { await plugger.takeInLateNICs() }
}

/// This program's own file.
enum AgentExecutable {
  /// The absolute path, for units that call the agent again.
  static var path: String {
    (try? FileRead.link("/proc/self/exe")) ?? "/usr/bin/amphora-agent"
  }
}

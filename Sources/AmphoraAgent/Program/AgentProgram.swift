// `amphora-agent serve`: puts the parts together and runs them until a signal.

import Addresses
import AmphoraProtocol
import Files
import FoundationEssentials
import Glibc
import HummingbirdCore
import Logging
import Netlink
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// The agent as a program.
package struct AgentProgram: Sendable {
  private let configurationFile: String
  private let supervisor: SupervisorChoice

  package init(configurationFile: String, supervisor: SupervisorChoice) {
    self.configurationFile = configurationFile
    self.supervisor = supervisor
  }

  /// Serves until SIGTERM or SIGINT; throws when it cannot start.
  package func run() async throws {
    // One thread per core is the default; with one core, a stats socket that does not answer would hold up all files.
    NIOSingletons.blockingPoolThreadCountSuggestion = 2
    let environment = ProcessInfo.processInfo.environment
    let configuration = try AgentConfiguration.load(path: configurationFile, environment: environment)
    prepareProcess()
    let loggers = AgentLoggers(configuration)
    let logger = loggers.agent
    for warning in configuration.warnings { logger.warning("configuration", metadata: ["problem": "\(warning)"]) }
    // Before anything else that may fail: without an identity there is nothing to serve, and the port stays closed.
    let tls = try ServerTLS(
      certificateFile: configuration.agentServerCert, clientCAFile: configuration.agentServerCA,
      lowest: configuration.agentTLSProtocol, logger: logger)

    let parts = AgentParts(
      configuration: configuration, configurationFile: configurationFile, environment: environment,
      supervisor: supervisor.resolved, loggers: loggers)
    try await parts.prepare(secrets: [configurationFile, configuration.agentServerCert])
    try await serve(configuration, parts: parts, tls: tls, loggers: loggers)
  }

  private func serve(_ configuration: AgentConfiguration, parts: AgentParts, tls: ServerTLS, loggers: AgentLoggers)
    async throws
  {
    let logger = loggers.agent
    let channel = AgentChannel(
      tls: tls, allowedClients: AllowedClients(configuration.agentAllowedClients), api: parts.api,
      accessLog: AccessLog(logger: loggers.access), metrics: parts.metrics, requests: parts.requests, logger: logger,
      requestReadTimeout: configuration.agentRequestReadTimeout)
    // Two threads: one core's worth of TLS handshakes must not hold up the other connections.
    let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    let server = Server(
      childChannelSetup: channel,
      configuration: ServerConfiguration(
        address: .hostname(Self.bindHost(configuration), port: Int(configuration.bindPort)),
        availableConnectionsDelegate: MaximumAvailableConnections(1000)),
      onServerRunning: { channel in
        ServiceNotification.send("READY=1")
        logger.notice(
          "serving",
          metadata: ["address": "\(channel.localAddress?.description ?? "-")", "version": "\(AgentVersion.current)"])
      },
      eventLoopGroup: eventLoops, logger: Logger(label: "server") { _ in SwiftLogNoOpLogHandler() })
    var services = ServiceGroupConfiguration(
      services: [
        // The first is the last to end: it answers while requests in progress come to their end.
        .init(service: parts.controlSocket),
        .init(service: StateDumpService(dump: StateDump(answers: parts.controlAnswers, logger: logger))),
        .init(service: server),
        .init(service: HeartbeatService(sender: parts.heartbeats)),
        .init(service: RestoreService(parts: parts)),
        .init(service: NICArrivalService(parts: parts)),
      ],
      gracefulShutdownSignals: [.sigterm, .sigint], logger: Logger(label: "services") { _ in SwiftLogNoOpLogHandler() })
    // A controller gives a request 60 s; systemd kills after 90.
    services.maximumGracefulShutdownDuration = .seconds(60)
    try await ServiceGroup(configuration: services).run()
    logger.notice("stopped")
  }

  /// `::` also takes IPv4 connections; a kernel without IPv6 has only the latter.
  private static func bindHost(_ configuration: AgentConfiguration) -> String {
    configuration.bindHost == .any(.v6) && !FileRead.exists("/proc/net/if_inet6")
      ? "0.0.0.0" : configuration.bindHost.description
  }

  private func prepareProcess() {
    umask(0o022)
    ServiceNotification.prepare()
    signal(SIGPIPE, SIG_IGN)
    // It must not end the agent before StateDumpService takes it.
    signal(SIGUSR1, SIG_IGN)
    // The default soft limit of 1024 files is less than the connections allowed above need.
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(7) /* RLIMIT_NOFILE */, &limit) == 0 else { return }
    limit.rlim_cur = min(limit.rlim_max, 4096)
    setrlimit(__rlimit_resource_t(7), &limit)
  }
}

/// Sends heartbeats as a service of the program.
private struct HeartbeatService: Service {
  let sender: HeartbeatSender

  func run() async throws {
    await cancelWhenGracefulShutdown { await sender.run() }
  }
}

/// Takes up what an earlier run left, beside the API: a slow start of haproxy does not keep the port closed.
private struct RestoreService: Service {
  let parts: AgentParts

  func run() async throws {
    await parts.restoreServices()
    try? await gracefulShutdown()
  }
}

/// Takes in NICs that appear after the boot has looked for them.
private struct NICArrivalService: Service {
  let parts: AgentParts

  func run() async throws {
    await cancelWhenGracefulShutdown { await parts.takeInLateNICs() }
    try? await gracefulShutdown()
  }
}

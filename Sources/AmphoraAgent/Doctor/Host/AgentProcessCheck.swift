// Whether the agent serves, and for how long it can.

import Logging

/// Whether a controller finds the agent at its port.
struct AgentProcessCheck: DoctorCheck {
  let name = "agent"
  var machine = Machine()

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    guard let configuration = amphora.validConfiguration else { return [] }
    let port = configuration.bindPort
    let agent = RunningAgent.find(machine)
    // The first process is in the namespace where the agent belongs.
    let listeners = SocketTable.listening(pid: agent?.pid ?? 1, machine).filter { port == 0 || $0.port == port }
    let own = agent?.sockets ?? []
    if let agent, listeners.contains(where: { own.contains($0.inode) }) {
      return [await answer(of: agent, port: port, amphora.paths)]
    }
    if port != 0, !listeners.isEmpty { return [taken(port, by: Set(listeners.map(\.inode)))] }
    if let agent {
      let evidence = "process \(agent.pid) runs but does not listen on port \(port)"
      return [.failure(name, evidence, remedy: "journalctl -u amphora-agent -n 20; \(Self.restart)")]
    }
    // What keeps it from starting is reported by the checks of these.
    guard !CertificateDisk.isMissing(amphora, machine), Self.canStart(configuration) else { return [] }
    let evidence = "amphora-agent does not run: controllers cannot reach it, and will replace this amphora"
    return [.failure(name, evidence, remedy: Self.restart)]
  }

  /// What a process that listens says of itself.
  private func answer(of agent: RunningAgent, port: UInt16, _ paths: AgentPaths) async -> Finding {
    let process = "process \(agent.pid) listens on port \(port == 0 ? "of its choice" : "\(port)")"
    do {
      let status = try await BlockingIO.run { try AgentControl.status(paths) }
      return .pass(name, "\(process), version \(status.version), \(status.requests) requests answered")
    } catch AgentControl.Failure.silent(let socket, let limit) {
      let evidence = "\(process), but hangs: no answer on \(socket) within \(limit.components.seconds) s"
      return .failure(name, evidence, remedy: Self.restart)
    } catch {
      return .warning(name, "\(process), but: \(error)", remedy: Self.restart)
    }
  }

  private static let restart = "systemctl restart amphora-agent"

  private func taken(_ port: UInt16, by inodes: Set<UInt64>) -> Finding {
    guard let owner = SocketTable.owner(of: inodes, machine) else {
      return .failure(
        name, "port \(port) is taken by a process of another container or namespace",
        remedy: "ss -ltnp sport = :\(port) in the namespaces of ip netns list")
    }
    return .failure(
      name, "port \(port) is taken by \(owner.name), process \(owner.pid); the agent tries again each second",
      remedy: "kill \(owner.pid)")
  }

  /// Whether the agent's own files let it start.
  private static func canStart(_ configuration: AgentConfiguration) -> Bool {
    (try? ServerTLS(
      certificateFile: configuration.agentServerCert, clientCAFile: configuration.agentServerCA,
      lowest: configuration.agentTLSProtocol, logger: Logger(label: "doctor") { _ in SwiftLogNoOpLogHandler() })) != nil
  }
}

/// Whether the agent can go on opening files and connections.
struct AgentFilesCheck: DoctorCheck {
  let name = "agent-files"
  var machine = Machine()

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    guard let agent = RunningAgent.find(machine), let (open, limit) = agent.files else { return [] }
    return [judge(open: open, limit: limit, pid: agent.pid)]
  }

  func judge(open: Int, limit: Int, pid: Int32) -> Finding {
    let evidence = "process \(pid) has \(open) of \(limit) files open"
    let remedy = "ls -l /proc/\(pid)/fd, for a bug report; then: systemctl restart amphora-agent"
    // Without a single free one it accepts nobody; connections come and go, so a few are as good as none.
    if open + 8 >= limit { return .failure(name, evidence, remedy: remedy) }
    return open * 10 >= limit * 8 ? .warning(name, evidence, remedy: remedy) : .pass(name, evidence)
  }
}

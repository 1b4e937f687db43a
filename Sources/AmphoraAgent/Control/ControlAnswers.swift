// What a running agent answers on its control socket.

import FoundationEssentials
import Glibc
import Logging

/// The agent's side of the control socket; its calls may block.
struct ControlAnswers: Sendable {
  let metrics: AgentMetrics
  let requests: RequestLedger
  let heartbeats: HeartbeatSender
  let level: LogLevel
  /// The agent's own certificate, and the CA of its clients.
  let certificates: [(name: String, path: String)]
  let logger: Logger

  /// The answer to a line without its end.
  func answer(_ line: String) -> String {
    do throws(ControlCommand.Problem) {
      switch try ControlCommand(parsing: line) {
      case .metrics:
        return metrics.text(heartbeats: heartbeats.status, expiries: CertificateExpiries.of(certificates))
      case .status: return json()
      case .logLevel(let level, let seconds): return set(level, seconds: seconds)
      case .configuredLogLevel: return restoreLevel()
      }
    } catch {
      return "error: \(error)\n"
    }
  }

  /// Everything about the agent that others cannot see.
  var status: AgentStatus {
    let (requests, beats) = (requests.summary, heartbeats.status)
    let order = level.order
    var status = AgentStatus(
      version: AgentVersion.current, pid: getpid(), started: UnixTime.precise - AgentMetrics.seconds(metrics.uptime),
      logLevel: level.isDebug ? "debug" : "info", logLevelUntil: order?.until, requests: requests.answered,
      lastRequest: requests.last, heartbeatsSent: beats.sent, lastHeartbeat: beats.last.map(AgentStatus.Heartbeat.init),
      heartbeatSilence: beats.silence.map { reason in
        beats.silenceDetail.map { "\(reason.rawValue): \($0)" } ?? reason.rawValue
      }, reloads: metrics.reloads)
    status.configuredLogLevel = level.isConfiguredDebug ? "debug" : "info"
    status.requestsInProgress = self.requests.works.map(AgentStatus.Work.init)
    status.openConnections = requests.connections
    status.openFiles = Self.openFiles()
    status.heartbeatSendErrors = beats.sendErrors
    status.heartbeatSendError = beats.lastSendError
    status.heartbeatProblems = beats.problems
    return status
  }

  private func json() -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Encoding it cannot fail: it holds texts, integers, finite numbers and lists of them.
    let bytes = (try? encoder.encode(status)) ?? Data("{}".utf8)
    return String(decoding: bytes, as: UTF8.self) + "\n"
  }

  private func set(_ level: ControlCommand.Level, seconds: Int) -> String {
    logger.notice("log level set", metadata: ["level": "\(level.rawValue)", "seconds": "\(seconds)"])
    self.level.set(debug: level == .debug, for: .seconds(seconds)) { [self] in
      logger.notice("log level is the configured one again", metadata: ["level": "\(configuredLevel)"])
    }
    return "ok\n"
  }

  private func restoreLevel() -> String {
    if level.restore() {
      logger.notice("log level is the configured one again", metadata: ["level": "\(configuredLevel)"])
    }
    return "ok\n"
  }

  private var configuredLevel: String { level.isConfiguredDebug ? "debug" : "info" }

  /// The number of descriptors this process has open; nil without /proc.
  private static func openFiles() -> Int? {
    guard let folder = opendir("/proc/self/fd") else { return nil }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    // Without `.`, `..`, and the folder itself.
    return max(0, count - 3)
  }
}

extension AgentStatus.Heartbeat {
  init(_ sent: HeartbeatStatus.Sent) {
    self.init(
      destination: sent.destination, bytes: sent.bytes, time: sent.time, sequence: sent.sequence, form: sent.form)
  }
}

extension AgentStatus.Work {
  init(_ work: RequestLedger.Work) {
    let now = ContinuousClock.now
    let (state, lane): (String, Lane?) =
      switch work.stage {
      case .working: ("working", nil)
      case .waiting(let lane): ("waiting", lane)
      case .holding(let lane): ("holding", lane)
      }
    self.init(
      method: work.method, path: work.path, id: "\(work.id)", client: work.client,
      seconds: AgentMetrics.seconds(now - work.since), state: state, lane: lane.map { "\($0)" },
      stateSeconds: AgentMetrics.seconds(now - work.stageSince))
  }
}

// What SIGUSR1 writes to the journal: what the agent is at, for whoever finds it slow or silent. logrotate sends the signal
// too, after it has moved the log file (contract heartbeat-and-config §6): then it says how things stood that day.

import Logging
import Synchronization

/// A handful of lines about the agent's state.
struct StateDump: Sendable {
  let answers: ControlAnswers
  let logger: Logger

  /// Of requests and load balancers, which have no bound, this many.
  private static let most = 8

  /// Writes the lines, at level notice; nothing in them is secret, no bodies and no configuration.
  func write() {
    let status = answers.status
    line(
      "state",
      [
        "version": status.version, "uptime": seconds(UnixTime.precise - status.started),
        "connections": "\(status.openConnections ?? 0)", "files": "\(status.openFiles ?? 0)",
        "level": LogLevelReport(status).text(),
      ])
    let works = status.requestsInProgress ?? []
    line(
      "state of requests",
      ["answered": "\(status.requests)", "in_progress": "\(works.count)", "last": last(status.lastRequest)])
    for work in works.prefix(Self.most) {
      line(
        "state of a request",
        [
          "id": work.id, "client": work.client, "what": "\(work.method) \(work.path.prefix(200))",
          "since": seconds(work.seconds), "state": work.state, "lane": work.lane ?? "-",
          "state_since": seconds(work.stateSeconds),
        ])
    }
    line(
      "state of heartbeats",
      [
        "sent": "\(status.heartbeatsSent)", "last": last(status.lastHeartbeat),
        "silence": status.heartbeatSilence ?? "-",
        "send_errors": "\(status.heartbeatSendErrors ?? 0)", "problems": "\(status.heartbeatProblems?.count ?? 0)",
      ])
    for (id, reloads) in status.reloads.sorted(by: { $0.key < $1.key }).prefix(Self.most) {
      line(
        "state of reloads",
        [
          "lb": id, "count": "\(reloads.count)", "last": reloads.lastOutcome,
          "took": seconds(reloads.milliseconds / 1000),
          "age": seconds(UnixTime.precise - reloads.time),
        ])
    }
  }

  private func line(_ message: Logger.Message, _ values: [String: String]) {
    logger.notice(message, metadata: values.mapValues { .string($0) })
  }

  private func last(_ request: AgentStatus.Request?) -> String {
    guard let request else { return "none" }
    return "\(request.id) \(request.method) \(request.path.prefix(200)) \(request.status), "
      + "\(seconds(UnixTime.precise - request.time)) ago"
  }

  private func last(_ heartbeat: AgentStatus.Heartbeat?) -> String {
    guard let heartbeat else { return "none" }
    return "\(heartbeat.bytes) bytes to \(heartbeat.destination), \(seconds(UnixTime.precise - heartbeat.time)) ago"
  }

  private func seconds(_ number: Double) -> String { "\((max(0, number) * 1000).rounded() / 1000)s" }
}

// The side that asks: commands for operators, on the same machine as the agent.

import FoundationEssentials
import Glibc

/// Questions to the agent that runs on this machine.
package enum AgentControl {
  /// Why there is no answer.
  package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nobody listens on the socket.
    case notRunning(socket: String)
    case notRoot(socket: String)
    /// It is there, but silent.
    case silent(socket: String, after: Duration)
    /// It says why not.
    case refused(String)
    /// An answer that this program does not understand.
    case unreadable(socket: String, start: String)
    case other(String)

    /// What is wrong and what to do.
    package var description: String {
      switch self {
      case .notRunning(let socket): "the agent is not running: nobody listens on \(socket)"
      case .notRoot(let socket): "only root may ask the agent (\(socket)); try again with sudo"
      case .silent(let socket, let limit):
        "the agent does not answer on \(socket) within \(limit.components.seconds) s; "
          + "its journal may say why: journalctl -u amphora-agent"
      case .refused(let reason): "the agent refuses: \(reason)"
      case .unreadable(let socket, let start):
        "the agent answers '\(start)' on \(socket), which this program does not understand: "
          + "is the running one of another version?"
      case .other(let text): text
      }
    }
  }

  /// Sends one line and returns the answer; blocks.
  ///
  /// - Parameter limit: for the whole exchange.
  package static func ask(
    _ line: String, _ paths: AgentPaths, within limit: Duration = .seconds(2)
  ) throws(Failure) -> String {
    let socket = paths.controlSocket
    let answer: String
    do throws(StatsSocketError) {
      answer = String(decoding: try StatsSocket(path: socket, timeout: limit).query(line), as: UTF8.self)
    } catch {
      switch error {
      case .system(_, _, ENOENT), .system(_, _, ECONNREFUSED): throw .notRunning(socket: socket)
      case .system(_, _, EACCES), .system(_, _, EPERM): throw .notRoot(socket: socket)
      // It ended in the middle of the answer.
      case .system(_, _, ECONNRESET), .system(_, _, EPIPE): throw .notRunning(socket: socket)
      case .timedOut: throw .silent(socket: socket, after: limit)
      default: throw .other("\(error)")
      }
    }
    let prefix = "error: "
    if answer.hasPrefix(prefix) {
      throw .refused(String(answer.dropFirst(prefix.count).prefix { !$0.isNewline }))
    }
    return answer
  }

  /// What the running agent tells of itself; blocks.
  package static func status(
    _ paths: AgentPaths, within limit: Duration = .seconds(2)
  ) throws(Failure) -> AgentStatus {
    let answer = try ask("\(ControlCommand.status)", paths, within: limit)
    do {
      return try JSONDecoder().decode(AgentStatus.self, from: Data(answer.utf8))
    } catch {
      throw .unreadable(socket: paths.controlSocket, start: String(answer.prefix { !$0.isNewline }.prefix(60)))
    }
  }
}

// One heartbeat by an operator's hand, beside the agent's own.
//
// Controllers add the increments of all heartbeats up, and the agent's state file belongs to the agent: so this one tells
// zeros, and the agent reports the traffic when its turn comes (contract heartbeat-and-config §2.8: a second copy is harmless
// with zeros only). It has no sequence number, as those of old agents: a number of its own would look like a restart of the
// agent, or like a replay. And it falls silent where the agent would, because silence is what makes controllers act.

import AmphoraProtocol
import FoundationEssentials
import Glibc

/// A heartbeat that was sent, or not.
package struct SingleHeartbeat: Sendable {
  /// What became of it at one controller.
  package struct Attempt: Encodable, Hashable, Sendable {
    /// As configured.
    package let endpoint: String
    /// The address and port; nil when there is none.
    package let address: String?
    /// Why it did not leave; nil when it did.
    package let error: String?
  }

  /// By controller, in configured order.
  package let attempts: [Attempt]
  /// The datagram's size.
  package let bytes: Int
  /// Why nothing was sent at all.
  package let silence: String?

  /// Sends a heartbeat with zero increments to each controller once.
  package static func send(_ preview: HeartbeatPreview, _ configuration: AgentConfiguration) throws -> SingleHeartbeat {
    guard preview.silence == nil, let key = HeartbeatSettings(configuration).identity?.key else {
      return SingleHeartbeat(attempts: [], bytes: 0, silence: preview.silence ?? "heartbeat_key is not set")
    }
    var message = preview.message
    message.sequence = nil
    for index in message.listeners.indices {
      let connections = message.listeners[index].stats?.connections ?? 0
      message.listeners[index].stats = HeartbeatMessage.Stats(connections: connections)
    }
    guard let datagram = try HeartbeatDatagram.seal(message, key: key) else {
      return SingleHeartbeat(attempts: [], bytes: 0, silence: HeartbeatStatus.SkipReason.tooLarge.rawValue)
    }
    let sockets = HeartbeatSockets()
    let attempts = preview.destinations.map { lookup in
      guard let destination = lookup.destination else {
        return Attempt(endpoint: "\(lookup.endpoint)", address: nil, error: "cannot be resolved")
      }
      let code = sockets.send(datagram.bytes, to: destination)
      return Attempt(
        endpoint: "\(lookup.endpoint)", address: destination.description,
        error: code == 0 ? nil : String(cString: strerror(code)))
    }
    return SingleHeartbeat(attempts: attempts, bytes: datagram.bytes.count, silence: nil)
  }

  /// 0 when it left for all controllers, 1 for some, 2 for none.
  package var exitCode: Int32 {
    let sent = attempts.count { $0.error == nil }
    return sent == 0 ? 2 : sent == attempts.count ? 0 : 1
  }

  /// One line for each controller.
  package var text: String {
    if let silence { return "not sent: \(silence)" }
    return attempts.map { attempt in
      let address = attempt.address.map { $0 == attempt.endpoint ? "" : " at \($0)" } ?? ""
      let outcome = attempt.error.map { "not sent: \($0)" } ?? "sent, \(bytes) bytes; UDP says nothing of its arrival"
      return "\(attempt.endpoint)\(address): \(outcome)"
    }.joined(separator: "\n")
  }

  /// One JSON object with `attempts`, `bytes` and, when nothing was sent, `silence`.
  package func json() throws -> String {
    struct Body: Encodable {
      let attempts: [Attempt]
      let bytes: Int
      let silence: String?
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(
      decoding: try encoder.encode(Body(attempts: attempts, bytes: bytes, silence: silence)), as: UTF8.self)
  }
}

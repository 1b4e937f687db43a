// Heartbeats as the controller receives them.

import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Synchronization
import Testing
import TestSupport

/// A receiver with its own port that keeps what came.
final class HeartbeatWatch: Sendable {
  let receiver: HeartbeatReceiver
  /// `host:port`, as in `controller_ip_port_list`.
  let destination: String
  private let all = Mutex<[ReceivedHeartbeat]>([])

  init(_ address: String, key: String = "lab heartbeat key") async throws {
    // The address is there when the lab is.
    _ = try await LiveLab.shared.theLab()
    receiver = try await HeartbeatReceiver.bind(address: address, port: 0, keys: [HeartbeatKey(key)])
    destination = "\(address.contains(":") ? "[\(address)]" : address):\(receiver.port)"
    Task { [weak self, receiver] in
      for await heartbeat in receiver.heartbeats { self?.all.withLock { $0.append(heartbeat) } }
    }
  }

  /// On the controller's management address.
  convenience init(key: String = "lab heartbeat key") async throws { try await self.init("192.168.0.1", key: key) }

  var received: [ReceivedHeartbeat] { all.withLock { $0 } }

  /// The first heartbeat from now on that fulfils the condition.
  func next(_ what: String, where isWanted: (HeartbeatMessage) -> Bool = { _ in true }) async throws -> HeartbeatMessage
  {
    let seen = received.count
    return try await poll("heartbeat: \(what)") { received.dropFirst(seen).map(\.message).first(where: isWanted) }
  }

  /// Expects that nothing comes for several intervals of one second.
  func expectSilence(sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let seen = received.count
    let came = try? await poll("nothing", within: .milliseconds(3200)) { () -> Int? in
      received.count > seen ? received.count : nil
    }
    #expect(came == nil, "\(received.dropFirst(seen))", sourceLocation: sourceLocation)
  }
}

extension HeartbeatMessage {
  var memberStates: [String] { (pools ?? []).flatMap(\.members).map(\.status).sorted() }
}

// Verified heartbeats as they come, for who judges them himself (contract heartbeat-and-config §3.1, §3.2).

public import AmphoraProtocol

/// A heartbeat that verified and decoded.
public struct ReceivedHeartbeat: Sendable {
  /// What the amphora says.
  public let message: HeartbeatMessage
  /// Where the datagram came from, `[2001:db8::1]:40000`; for logs only, it proves nothing.
  public let source: String
  /// When it came, in seconds since 1970 by the receiver's clock.
  public let receivedAt: Double
  /// When it came, on a clock that never jumps; for judging delays.
  public let receivedInstant: ContinuousClock.Instant
}

/// Receives heartbeats on a UDP socket.
///
/// Amphorae are believed by their key alone. Heartbeats come out of ``heartbeats`` in the order of arrival; that sequence
/// is for one consumer and ends with ``close()``. Who wants to know how amphorae are takes ``AmphoraHealthMonitor`` instead.
public final class HeartbeatReceiver: Sendable {
  /// What the receiver has seen since it was bound.
  public typealias Counters = HeartbeatCounters

  /// The verified heartbeats.
  public let heartbeats: AsyncStream<ReceivedHeartbeat>
  /// The port the socket is bound to.
  public var port: Int { socket.port }
  private let socket: HeartbeatSocket
  private let intake: HeartbeatIntake

  private init(socket: HeartbeatSocket, intake: HeartbeatIntake, heartbeats: AsyncStream<ReceivedHeartbeat>) {
    self.socket = socket
    self.intake = intake
    self.heartbeats = heartbeats
  }

  deinit { socket.close() }

  /// Opens the socket; fails with a ``HeartbeatSocketError``.
  ///
  /// - Parameters:
  ///   - address: the address to bind to, or a host name whose first address is taken.
  ///   - port: the port; 0 takes a free one.
  ///   - keys: the keys to believe, the current one first.
  ///   - socketBufferBytes: the kernel's receive buffer (`SO_RCVBUF`); nil leaves the system's default.
  ///   - maximumWaiting: how many heartbeats wait for a slow consumer before the oldest are dropped.
  ///   - maximumInflatedBytes: how large a message may be.
  ///   - onRejection: hears of each dropped datagram: the reason and the source. Runs on the socket's thread.
  public static func bind(
    address: String, port: Int = 5555, keys: [HeartbeatKey], socketBufferBytes: Int? = nil, maximumWaiting: Int = 4096,
    maximumInflatedBytes: Int = HeartbeatEnvelope.defaultMaximumInflatedBytes,
    onRejection: (@Sendable (HeartbeatRejection, String) -> Void)? = nil
  ) async throws -> HeartbeatReceiver {
    let (stream, continuation) = AsyncStream.makeStream(
      of: ReceivedHeartbeat.self, bufferingPolicy: .bufferingNewest(max(1, maximumWaiting)))
    let intake = HeartbeatIntake(
      keys: keys, maximumInflatedBytes: maximumInflatedBytes, onRejection: onRejection)
    let socket = try await HeartbeatSocket.open(
      address: address, port: port, bufferBytes: socketBufferBytes,
      makeTake: {
        intake.makeTake { heartbeats, readAt in
          let seconds = Double(readAt.realTime) / 1e9
          for heartbeat in heartbeats {
            // Those of one batch were read together, but came one after the other.
            let received = ReceivedHeartbeat(
              message: heartbeat.message, source: "\(heartbeat.source)",
              receivedAt: seconds - heartbeat.delay.inSeconds, receivedInstant: readAt.instant - heartbeat.delay)
            if case .dropped = continuation.yield(received) { intake.countOverrun() }
          }
        }
      }, onEnd: { continuation.finish() })
    return HeartbeatReceiver(socket: socket, intake: intake, heartbeats: stream)
  }

  /// Replaces the keys; the next datagrams are judged by the new ones.
  public func setKeys(_ keys: [HeartbeatKey]) { intake.setKeys(keys) }

  /// What has been seen so far.
  public var counters: Counters { intake.counters }

  /// Closes the socket and ends ``heartbeats``.
  public func close() async throws {
    socket.close()
    await socket.waitForEnd()
  }
}

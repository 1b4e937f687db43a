// The controller's UDP socket for heartbeats (contract heartbeat-and-config §3.1, §3.2).

public import AmphoraProtocol
import Glibc
public import NIOCore
public import NIOPosix
import Synchronization

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
/// is for one consumer and ends with ``close()``.
public final class HeartbeatReceiver: Sendable {
  /// What the receiver has seen since it was bound.
  public struct Counters: Hashable, Sendable {
    /// Heartbeats handed over or waiting.
    public var accepted = 0
    /// Datagrams dropped, by `HeartbeatRejection.kind`.
    public var rejected: [String: Int] = [:]
    /// Good heartbeats lost because the consumer was too slow; their counter increments are lost with them.
    public var overrun = 0
  }

  /// The verified heartbeats.
  public let heartbeats: AsyncStream<ReceivedHeartbeat>
  /// The port the socket is bound to.
  public let port: Int
  private let channel: any Channel
  private let intake: HeartbeatIntake

  private init(channel: any Channel, intake: HeartbeatIntake, heartbeats: AsyncStream<ReceivedHeartbeat>) {
    self.channel = channel
    self.intake = intake
    self.heartbeats = heartbeats
    port = channel.localAddress?.port ?? 0
  }

  /// Opens the socket.
  ///
  /// - Parameters:
  ///   - address: the address to bind to, or a host name whose first address is taken.
  ///   - port: the port; 0 takes a free one.
  ///   - keys: the keys to believe, the current one first.
  ///   - socketBufferBytes: the kernel's receive buffer (`SO_RCVBUF`); nil leaves the system's default.
  ///   - maximumWaiting: how many heartbeats wait for a slow consumer before the oldest are dropped.
  ///   - maximumInflatedBytes: how large a message may be.
  ///   - eventLoopGroup: where the socket is read; one thread of it is used.
  ///   - onRejection: hears of each dropped datagram: the reason and the source. Runs on the socket's thread.
  public static func bind(
    address: String, port: Int = 5555, keys: [HeartbeatKey], socketBufferBytes: Int? = nil, maximumWaiting: Int = 4096,
    maximumInflatedBytes: Int = HeartbeatEnvelope.defaultMaximumInflatedBytes,
    eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
    onRejection: (@Sendable (HeartbeatRejection, String) -> Void)? = nil
  ) async throws -> HeartbeatReceiver {
    let (stream, continuation) = AsyncStream.makeStream(
      of: ReceivedHeartbeat.self, bufferingPolicy: .bufferingNewest(max(1, maximumWaiting)))
    let intake = HeartbeatIntake(
      keys: keys, maximumInflatedBytes: maximumInflatedBytes, continuation: continuation, onRejection: onRejection)
    var bootstrap = DatagramBootstrap(group: eventLoopGroup)
      // NIO's default would cut datagrams at 2048 bytes.
      .channelOption(
        .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: HeartbeatEnvelope.maximumDatagramBytes)
      )
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(HeartbeatHandler(intake: intake))
        }
      }
    if let socketBufferBytes, socketBufferBytes > 0 {
      bootstrap = bootstrap.channelOption(
        .socketOption(.so_rcvbuf), value: SocketOptionValue(clamping: socketBufferBytes))
    }
    let channel = try await bootstrap.bind(host: address, port: port).get()
    return HeartbeatReceiver(channel: channel, intake: intake, heartbeats: stream)
  }

  /// Replaces the keys; the next datagram is judged by the new ones.
  public func setKeys(_ keys: [HeartbeatKey]) { intake.setKeys(keys) }

  /// What has been seen so far.
  public var counters: Counters { intake.counters }

  /// Closes the socket and ends ``heartbeats``.
  public func close() async throws {
    do {
      try await channel.close()
    } catch ChannelError.alreadyClosed {
      // The second close finds nothing to do.
    }
  }
}

/// Judges datagrams and keeps count.
private final class HeartbeatIntake: Sendable {
  private struct State {
    var keys: [HeartbeatKey]
    var counters = HeartbeatReceiver.Counters()
  }

  private let state: Mutex<State>
  private let maximumInflatedBytes: Int
  private let continuation: AsyncStream<ReceivedHeartbeat>.Continuation
  private let onRejection: (@Sendable (HeartbeatRejection, String) -> Void)?

  init(
    keys: [HeartbeatKey], maximumInflatedBytes: Int, continuation: AsyncStream<ReceivedHeartbeat>.Continuation,
    onRejection: (@Sendable (HeartbeatRejection, String) -> Void)?
  ) {
    state = Mutex(State(keys: keys))
    self.maximumInflatedBytes = maximumInflatedBytes
    self.continuation = continuation
    self.onRejection = onRejection
  }

  var counters: HeartbeatReceiver.Counters { state.withLock { $0.counters } }

  func setKeys(_ keys: [HeartbeatKey]) { state.withLock { $0.keys = keys } }

  func take(_ datagram: [UInt8], source: String) {
    let keys = state.withLock { $0.keys }
    do throws(HeartbeatRejection) {
      let message = try HeartbeatEnvelope.openMessage(
        datagram, keys: keys, maximumInflatedBytes: maximumInflatedBytes)
      hand(
        ReceivedHeartbeat(message: message, source: source, receivedAt: unixSeconds(), receivedInstant: .now))
    } catch {
      state.withLock { $0.counters.rejected[error.kind, default: 0] += 1 }
      onRejection?(error, source)
    }
  }

  func finish() { continuation.finish() }

  private func hand(_ heartbeat: ReceivedHeartbeat) {
    let wasDropped = if case .dropped = continuation.yield(heartbeat) { true } else { false }
    state.withLock {
      $0.counters.accepted += 1
      if wasDropped { $0.counters.overrun += 1 }
    }
  }

  private func unixSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

private final class HeartbeatHandler: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>

  private let intake: HeartbeatIntake

  init(intake: HeartbeatIntake) { self.intake = intake }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    intake.take(Array(envelope.data.readableBytesView), source: text(of: envelope.remoteAddress))
  }

  func channelInactive(context: ChannelHandlerContext) {
    intake.finish()
    context.fireChannelInactive()
  }

  /// An ICMP error that answers something else sent from this port must not close the socket.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {}

  private func text(of address: SocketAddress) -> String {
    guard let ip = address.ipAddress, let port = address.port else { return "\(address)" }
    return ip.contains(":") ? "[\(ip)]:\(port)" : "\(ip):\(port)"
  }
}

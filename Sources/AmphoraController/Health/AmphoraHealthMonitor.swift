// The controller's health manager as a library: socket, state and rounds together.

public import AmphoraProtocol
import Synchronization

/// Watches amphorae by their heartbeats and tells what happens to them and to what they serve.
///
/// ```swift
/// let monitor = try await AmphoraHealthMonitor.listen(on: "0.0.0.0", keys: [HeartbeatKey("the heartbeat key")])
/// monitor.expect(document.loadBalancer, amphorae: [amphora])
/// for await event in monitor.events() {
///   print(event)
/// }
/// ```
///
/// The socket is read by one thread, which also verifies, decodes and judges: 50,000 heartbeats a second are no more than one
/// core can take. Nothing is stored on disk; after a start, amphorae have the time of one timeout to be heard before any is
/// called stale. Events are changes; the state can be read at any time.
public final class AmphoraHealthMonitor: Sendable {
  /// What to make of heartbeats of amphorae that ``expect(_:amphorae:)`` never named.
  public enum UnknownAmphorae: Hashable, Sendable {
    /// They are told as ``HealthEvent/zombie(_:)``: every amphora that should exist is named.
    case areZombies
    /// They are watched like the others, without expectations: for looking on.
    case areWatched
  }

  /// How a monitor judges.
  public struct Configuration: Sendable {
    /// When amphorae count as dead.
    public var staleness = StalenessPolicy()
    /// The interval of the amphorae's heartbeats; a message that waited as long says nothing about now.
    public var heartbeatInterval = Duration.seconds(10)
    /// How the listeners of heartbeats are compared with those expected.
    public var listenerMatching = ListenerMatching.count
    /// What to make of amphorae that nobody named.
    public var unknownAmphorae = UnknownAmphorae.areZombies
    /// How many amphorae are watched at most when unknown ones are: whoever has the key could invent ids without end.
    public var maximumAmphorae = 200_000
    /// How many events wait for each reader before the oldest are dropped.
    public var maximumWaitingEvents = 8192
    /// The kernel's receive buffer in bytes; nil leaves the system's default, which holds some 200 heartbeats.
    public var socketBufferBytes: Int? = 8 << 20
    /// How large a message may be.
    public var maximumInflatedBytes = HeartbeatEnvelope.defaultMaximumInflatedBytes

    /// Makes a configuration with Octavia's values.
    public init() {}
  }

  /// The port the socket is bound to.
  public var port: Int { socket.port }

  private let socket: HeartbeatSocket
  private let intake: HeartbeatIntake
  private let watch: HealthWatch
  private let rounds: Task<Void, Never>

  private init(
    socket: HeartbeatSocket, intake: HeartbeatIntake, watch: HealthWatch, rounds: Task<Void, Never>
  ) {
    self.socket = socket
    self.intake = intake
    self.watch = watch
    self.rounds = rounds
  }

  deinit {
    rounds.cancel()
    socket.close()
  }

  /// Opens the socket and begins to watch; fails with a ``HeartbeatSocketError``.
  ///
  /// - Parameters:
  ///   - address: the address to listen on, or a host name whose first address is taken.
  ///   - port: the port; 0 takes a free one.
  ///   - keys: the keys to believe, the current one first.
  ///   - configuration: how to judge.
  ///   - clock: the clock of ages and rounds.
  ///   - onRejection: hears of each dropped datagram: the reason and the source. Runs on the socket's thread.
  public static func listen<C: Clock<Duration>>(
    on address: String, port: Int = 5555, keys: [HeartbeatKey], configuration: Configuration = Configuration(),
    clock: C = ContinuousClock(), onRejection: (@Sendable (HeartbeatRejection, String) -> Void)? = nil
  ) async throws -> AmphoraHealthMonitor {
    let begin = clock.now
    let watch = HealthWatch(configuration: configuration) { begin.duration(to: clock.now) }
    let intake = HeartbeatIntake(
      keys: keys, maximumInflatedBytes: configuration.maximumInflatedBytes, onRejection: onRejection)
    let socket = try await HeartbeatSocket.open(
      address: address, port: port, bufferBytes: configuration.socketBufferBytes,
      makeTake: { intake.makeTake { heartbeats, _ in watch.take(heartbeats) } }, onEnd: { watch.finish() })
    let rounds = Task {
      while !Task.isCancelled {
        do { try await clock.sleep(for: configuration.staleness.checkInterval) } catch { return }
        watch.check()
      }
    }
    return AmphoraHealthMonitor(socket: socket, intake: intake, watch: watch, rounds: rounds)
  }

  /// The events from now on, for one reader; each call makes a sequence of its own.
  public func events() -> HealthEvents { watch.events() }

  // MARK: What is expected

  /// Watches the amphorae of a load balancer, or takes its changed listeners, pools and amphorae; operating statuses known
  /// before are kept.
  ///
  /// An amphora that is not named any more counts as deleted.
  public func expect(
    _ loadBalancer: LoadBalancer, provisioningStatus: ProvisioningStatus = .active, amphorae: [AmphoraID]
  ) {
    expect(LoadBalancerView(loadBalancer, provisioningStatus: provisioningStatus), amphorae: amphorae)
  }

  /// As ``expect(_:provisioningStatus:amphorae:)``, for who has no document.
  public func expect(_ view: LoadBalancerView, amphorae: [AmphoraID]) {
    watch.withLedger { $0.expect(view, amphorae: amphorae) }
  }

  /// Tells what the controller is doing with a load balancer: while it is being changed, its amphorae may list any listeners
  /// and are not told to be stale.
  public func setProvisioningStatus(_ status: ProvisioningStatus, of loadBalancer: String) {
    watch.withLedger { $0.setProvisioningStatus(status, of: loadBalancer) }
  }

  /// Tells that an amphora was deleted: a heartbeat of it is that of a zombie.
  public func amphoraDeleted(_ amphora: AmphoraID) { watch.withLedger { $0.amphoraDeleted(amphora) } }

  /// Forgets an amphora altogether.
  public func forget(_ amphora: AmphoraID) { watch.withLedger { $0.forget(amphora) } }

  /// Forgets a load balancer and its amphorae.
  public func forget(loadBalancer: String) { watch.withLedger { $0.forget(loadBalancer: loadBalancer) } }

  /// Lets a stale amphora be told again, after a failover that failed.
  public func reportAgain(_ amphora: AmphoraID) { watch.withLedger { $0.reportAgain(amphora) } }

  /// Replaces the keys; the next datagrams are judged by the new ones.
  public func setKeys(_ keys: [HeartbeatKey]) { intake.setKeys(keys) }

  // MARK: What is known

  /// All watched amphorae, in no order.
  public var amphorae: [AmphoraHealth] { watch.withLedger { $0.allAmphorae(now: $1) } }

  /// One amphora; nil when it is not watched.
  public func amphora(_ id: AmphoraID) -> AmphoraHealth? { watch.withLedger { $0.amphora(id, now: $1) } }

  /// A load balancer with the operating statuses of everything in it; nil when it is not watched.
  public func loadBalancer(_ id: String) -> LoadBalancerView? { watch.withLedger { $0.loadBalancer(id) } }

  /// Whether so many amphorae are silent that none is told to be stale.
  public var isMassLoss: Bool { watch.withLedger { $0.isMassLoss } }

  /// How many heartbeats came from amphorae that should not exist, told as events or not.
  public var zombieHeartbeats: Int { watch.withLedger { $0.zombies } }

  /// How many heartbeats had waited too long to be believed.
  public var lateHeartbeats: Int { watch.withLedger { $0.late } }

  /// What was done with the datagrams so far.
  public var counters: HeartbeatCounters { intake.counters }

  /// Stops watching, closes the socket and ends all event sequences.
  public func close() async {
    rounds.cancel()
    socket.close()
    await socket.waitForEnd()
  }
}

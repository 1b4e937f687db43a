import AmphoraProtocol
import Synchronization
import Testing

@testable import AmphoraController

/// The monitor as a whole: real datagrams over loopback, time by hand.
@Suite struct AmphoraHealthMonitorTests {
  private static let key = HeartbeatKey("insecure")
  private static let view = LoadBalancerView(
    id: "lb", listeners: [.init(id: "l1")], pools: [.init(id: "p1", members: [.init(id: "m1")])])

  private func datagram(_ amphora: String, _ sequence: Int, member: String = "UP") throws -> [UInt8] {
    try HeartbeatEnvelope.seal(
      HeartbeatMessage(
        id: amphora, sequence: sequence, listeners: [.init(id: "l1", status: "OPEN", stats: .init())],
        pools: [.init(key: "p1:l1", status: "UP", members: [.init(id: "m1", status: member)])]), key: Self.key)
  }

  /// Waits for a condition, 60 s at most.
  private func wait(_ what: String, until isDone: () -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while !isDone() {
      try #require(ContinuousClock.now < deadline, "\(what)")
      await Task.yield()
    }
  }

  @Test func `events tell an amphora's life in order`() async throws {
    let clock = HandClock()
    let monitor = try await AmphoraHealthMonitor.listen(on: "127.0.0.1", port: 0, keys: [Self.key], clock: clock)
    let amphora = try #require(AmphoraID("a"))
    monitor.expect(Self.view, amphorae: [amphora])
    var events = monitor.events().makeAsyncIterator()
    let sender = try DatagramSender(port: monitor.port)

    try sender.send(datagram("a", 0))
    #expect(await events.next() == .appeared(amphora))
    for object in [HealthObject.listener("l1"), .member("m1", pool: "p1"), .pool("p1"), .loadBalancer("lb")] {
      guard case .statusChanged(let change, by: amphora) = await events.next() else {
        Issue.record("no change of \(object)")
        continue
      }
      #expect(change.object == object && change.to == .online)
    }
    try sender.send(datagram("a", 1, member: "DOWN"))
    #expect(
      await events.next()
        == .statusChanged(
          .init(object: .member("m1", pool: "p1"), loadBalancer: "lb", from: .online, to: .error), by: amphora)
    )
    #expect(monitor.loadBalancer("lb")?.operatingStatus == .degraded)
    _ = (await events.next(), await events.next())

    try await clock.advance(by: .seconds(3), times: 30)
    #expect(
      await events.next()
        == .stale(.init(amphora: amphora, loadBalancer: "lb", silentFor: .seconds(63), cause: .silence)))
    #expect(monitor.amphora(amphora)?.isStale == true)
    try sender.send(datagram("a", 2, member: "DOWN"))
    #expect(await events.next() == .back(amphora, silentFor: .seconds(90)))
    #expect(monitor.amphorae.map(\.sequence) == [2])
    #expect(monitor.amphorae.map(\.membersDown) == [1])
    await monitor.close()
    #expect(await events.next() == nil)
  }

  @Test func `zombies, wrong keys and repetitions are kept apart`() async throws {
    let monitor = try await AmphoraHealthMonitor.listen(on: "::1", port: 0, keys: [Self.key], clock: HandClock())
    let amphora = try #require(AmphoraID("a"))
    monitor.expect(Self.view, amphorae: [amphora])
    var events = monitor.events().makeAsyncIterator()
    let sender = try DatagramSender(port: monitor.port, isIPv6: true)
    let first = try datagram("a", 5)
    try sender.send(first)
    try sender.send(first)
    try sender.send(HeartbeatEnvelope.seal(HeartbeatMessage(id: "a", sequence: 6), key: HeartbeatKey("wrong")))
    try sender.send(datagram("z", 1))
    var seen: [HealthEvent] = []
    while let event = await events.next() {
      seen.append(event)
      if case .zombie(let zombie) = event {
        #expect(zombie.amphora.text == "z" && zombie.kind == .unknown && zombie.source.hasPrefix("[::1]:"))
        break
      }
    }
    #expect(seen.first == .appeared(amphora))
    #expect(monitor.amphora(amphora)?.repeated == 1)
    #expect(monitor.amphora(amphora)?.heartbeats == 1)
    #expect(monitor.counters.rejected == ["digest-mismatch": 1])
    try await wait("the count of the last") { monitor.counters.accepted == 3 }
    #expect(monitor.zombieHeartbeats == 1)
    await monitor.close()
  }

  @Test func `an onlooker sees every amphora without expectations`() async throws {
    var configuration = AmphoraHealthMonitor.Configuration()
    configuration.unknownAmphorae = .areWatched
    let monitor = try await AmphoraHealthMonitor.listen(
      on: "127.0.0.1", port: 0, keys: [Self.key], configuration: configuration)
    let sender = try DatagramSender(port: monitor.port)
    for number in 0..<20 { try sender.send(datagram("amp-\(number)", number)) }
    try await wait("20 amphorae") { monitor.amphorae.count == 20 }
    #expect(Set(monitor.amphorae.compactMap(\.sequence)) == Set(0..<20))
    #expect(monitor.amphorae.allSatisfy { $0.membersUp == 1 && $0.age != nil && $0.loadBalancer == nil })
    await monitor.close()
  }

  @Test func `a burst within the socket's buffer is taken whole, and each reader hears all of it in order`()
    async throws
  {
    var configuration = AmphoraHealthMonitor.Configuration()
    configuration.unknownAmphorae = .areWatched
    let monitor = try await AmphoraHealthMonitor.listen(
      on: "127.0.0.1", port: 0, keys: [Self.key], configuration: configuration)
    let readers = (0..<2).map { _ in
      let events = monitor.events()
      return Task {
        var seen: [String] = []
        for await event in events {
          if case .appeared(let amphora) = event { seen.append(amphora.text) }
          if seen.count == 1000 { break }
        }
        return seen
      }
    }
    let sender = try DatagramSender(port: monitor.port)
    for number in 0..<1000 { try sender.send(datagram("amp-\(number)", 0)) }
    for reader in readers { #expect(await reader.value == (0..<1000).map { "amp-\($0)" }) }
    try await wait("the count of the last") { monitor.counters.accepted == 1000 }
    #expect(monitor.counters.droppedByKernel == 0)
    await monitor.close()
  }

  @Test func `a monitor that nobody holds closes its socket and ends its events`() async throws {
    var monitor: AmphoraHealthMonitor? = try await AmphoraHealthMonitor.listen(on: "127.0.0.1", port: 0, keys: [])
    let port = try #require(monitor?.port)
    let events = try #require(monitor?.events())
    monitor = nil
    for await _ in events {}
    let next = try await AmphoraHealthMonitor.listen(on: "127.0.0.1", port: port, keys: [])
    await next.close()
  }

  @Test(arguments: [("127.0.0.1", 70_000, "0...65535"), ("no such host", 0, "look up"), ("192.0.2.1", 0, "bind")])
  func `a socket that cannot be says why`(address: String, port: Int, reason: String) async throws {
    let error = await #expect(throws: HeartbeatSocketError.self) {
      try await AmphoraHealthMonitor.listen(on: address, port: port, keys: [])
    }
    #expect(error?.description.contains(reason) == true)
  }
}

/// A clock that stands until it is told to go on.
final class HandClock: Clock, Sendable {
  struct Instant: InstantProtocol {
    var offset: Swift.Duration
    func advanced(by duration: Swift.Duration) -> Instant { Instant(offset: offset + duration) }
    func duration(to other: Instant) -> Swift.Duration { other.offset - offset }
    static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
  }

  private struct State {
    var now = Swift.Duration.zero
    var sleeper: (until: Swift.Duration, continuation: CheckedContinuation<Void, any Error>)?
    var isCancelled = false
  }

  private let state = Mutex(State())

  var now: Instant { Instant(offset: state.withLock { $0.now }) }
  var minimumResolution: Swift.Duration { .zero }

  func sleep(until deadline: Instant, tolerance: Swift.Duration?) async throws {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let isCancelled = state.withLock { state in
          if !state.isCancelled { state.sleeper = (deadline.offset, continuation) }
          return state.isCancelled
        }
        if isCancelled { continuation.resume(throwing: CancellationError()) }
      }
    } onCancel: {
      let sleeper = state.withLock { state in
        state.isCancelled = true
        defer { state.sleeper = nil }
        return state.sleeper
      }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
  }

  /// Lets time pass in steps, each when the one sleeper of this clock sleeps again.
  func advance(by step: Swift.Duration, times: Int) async throws {
    for _ in 0..<times {
      let deadline = ContinuousClock.now + .seconds(60)
      while state.withLock({ $0.sleeper == nil }) {
        try #require(ContinuousClock.now < deadline, "nobody sleeps")
        await Task.yield()
      }
      let sleeper = state.withLock { state in
        state.now += step
        guard let sleeper = state.sleeper, sleeper.until <= state.now else {
          return nil as CheckedContinuation<Void, any Error>?
        }
        state.sleeper = nil
        return sleeper.continuation
      }
      sleeper?.resume()
    }
    // The last step's work is done when its sleeper sleeps again.
    while state.withLock({ $0.sleeper == nil }) { await Task.yield() }
  }
}

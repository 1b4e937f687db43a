import AmphoraProtocol
import Testing

@testable import AmphoraController

/// The state behind a monitor, with time as plain numbers.
@Suite struct HealthLedgerTests {
  /// A ledger and what it told.
  private struct Lab {
    var ledger: HealthLedger
    var now = Duration.zero

    init(_ change: (inout AmphoraHealthMonitor.Configuration) -> Void = { _ in }) {
      var configuration = AmphoraHealthMonitor.Configuration()
      configuration.staleness.breaker = .none
      change(&configuration)
      ledger = HealthLedger(configuration: configuration)
    }

    /// A heartbeat of `amphora` with the listener `l1`, at a time in seconds.
    mutating func hear(
      _ amphora: String, at seconds: Double, sequence: Int? = nil, listeners: [String] = ["l1"], member: String = "UP",
      delay: Duration = .zero, digest: UInt64? = nil, bytes: Int = 0
    ) -> [HealthEvent] {
      now = .seconds(seconds)
      let message = HeartbeatMessage(
        id: amphora, sequence: sequence,
        listeners: listeners.map { .init(id: $0, status: "OPEN", stats: .init(bytesOut: 2 * bytes, bytesIn: bytes)) },
        pools: [.init(key: "p1:l1", status: "UP", members: [.init(id: "m1", status: member)])])
      var events: [HealthEvent] = []
      ledger.take(
        IncomingHeartbeat(message: message, delay: delay, digest: digest ?? UInt64(bitPattern: Int64(seconds * 10))),
        now: now,
        into: &events
      )
      return events
    }

    mutating func check(at seconds: Double) -> [HealthEvent] {
      now = .seconds(seconds)
      var events: [HealthEvent] = []
      ledger.check(now: now, into: &events)
      return events
    }

    /// Rounds every 3 s, as the monitor makes them, and everything they told.
    mutating func rounds(from begin: Double, to end: Double) -> [HealthEvent] {
      stride(from: begin, through: end, by: 3).flatMap { check(at: $0) }
    }
  }

  private static func view(_ id: String = "lb") -> LoadBalancerView {
    LoadBalancerView(
      id: id, operatingStatus: .online, listeners: [.init(id: "l1", operatingStatus: .online)],
      pools: [.init(id: "p1", operatingStatus: .online, members: [.init(id: "m1", operatingStatus: .online)])])
  }

  private func id(_ text: String) throws -> AmphoraID { try #require(AmphoraID(text)) }

  @Test func `an amphora appears, falls silent, is stale once, and comes back`() throws {
    var lab = Lab()
    let a = try id("a")
    lab.ledger.expect(Self.view(), amphorae: [a])
    #expect(lab.hear("a", at: 1) == [.appeared(a)])
    #expect(lab.hear("a", at: 11).isEmpty)
    #expect(lab.rounds(from: 12, to: 71).isEmpty)
    #expect(
      lab.rounds(from: 72, to: 200) == [
        .stale(.init(amphora: a, loadBalancer: "lb", silentFor: .seconds(61), cause: .silence))
      ])
    #expect(lab.ledger.amphora(a, now: lab.now)?.isStale == true)
    #expect(lab.hear("a", at: 210) == [.back(a, silentFor: .seconds(199))])
    #expect(lab.ledger.amphora(a, now: lab.now)?.isStale == false)
    #expect(lab.rounds(from: 211, to: 270).isEmpty)
    let again = lab.rounds(from: 271, to: 275)
    #expect(again == [.stale(.init(amphora: a, loadBalancer: "lb", silentFor: .seconds(61), cause: .silence))])
    lab.ledger.reportAgain(a)
    #expect(lab.check(at: 277).count == 1)
    #expect(lab.check(at: 280).isEmpty)
  }

  @Test func `nobody is stale before the grace is over, and who was never heard never is`() throws {
    var lab = Lab { $0.staleness.heartbeatTimeout = .seconds(30) }
    lab.ledger.expect(Self.view(), amphorae: [try id("a"), try id("never")])
    _ = lab.hear("a", at: -100)
    #expect(lab.rounds(from: 0, to: 27).isEmpty)
    #expect(lab.check(at: 30).count == 1)
    #expect(lab.rounds(from: 33, to: 300).isEmpty)
    #expect(lab.ledger.amphora(try id("never"), now: lab.now)?.age == nil)
  }

  @Test func `a monitor that was itself stopped gives everybody time again`() throws {
    var lab = Lab()
    lab.ledger.expect(Self.view(), amphorae: [try id("a")])
    _ = lab.rounds(from: 0, to: 99)
    _ = lab.hear("a", at: 100)
    #expect(lab.check(at: 102).isEmpty)
    // Suspended for ten minutes: its own rounds stood still as well.
    #expect(lab.rounds(from: 702, to: 758).isEmpty)
    #expect(lab.rounds(from: 762, to: 765).count == 1)
  }

  @Test func `one that serves other listeners is told apart from one that is silent`() throws {
    var lab = Lab()
    let a = try id("a")
    lab.ledger.expect(Self.view(), amphorae: [a])
    _ = lab.hear("a", at: 1)
    let difference = ListenerMismatch(expected: 1, listed: 0, missing: ["l1"], unexpected: [])
    let first = lab.hear("a", at: 11, listeners: [])
    #expect(first.first == .listenersDiffer(a, difference))
    #expect(lab.hear("a", at: 21, listeners: []).isEmpty)
    for second in stride(from: 31.0, through: 61, by: 10) { _ = lab.hear("a", at: second, listeners: []) }
    #expect(
      lab.rounds(from: 62, to: 65) == [
        .stale(.init(amphora: a, loadBalancer: "lb", silentFor: .seconds(61), cause: .listenersDiffer(difference)))
      ])
    let back = lab.hear("a", at: 71)
    #expect(back.first == .back(a, silentFor: .seconds(70)))
    #expect(lab.ledger.amphora(a, now: lab.now)?.mismatch == nil)
  }

  @Test func `a mass loss is told as one, and what is left of it afterwards one by one`() throws {
    var lab = Lab { $0.staleness.breaker = .count(3) }
    let all = try ["a", "b", "c", "d"].map(id)
    for amphora in all { lab.ledger.expect(Self.view("lb-\(amphora)"), amphorae: [amphora]) }
    for amphora in all { _ = lab.hear(amphora.text, at: 10) }
    _ = lab.hear("d", at: 60)
    #expect(lab.rounds(from: 61, to: 100) == [.massLoss(.init(amphorae: Array(all[..<3]), threshold: 3))])
    #expect(lab.ledger.isMassLoss)
    #expect(lab.ledger.amphora(all[0], now: lab.now)?.status == .failoverStopped)
    #expect(lab.hear("b", at: 101) == [.back(all[1], silentFor: .seconds(91))])
    _ = lab.hear("d", at: 101)
    let events = lab.rounds(from: 102, to: 110)
    #expect(events.first == .massLossOver(stillSilent: 2))
    #expect(
      events.dropFirst() == [
        .stale(.init(amphora: all[0], loadBalancer: "lb-a", silentFor: .seconds(92), cause: .silence)),
        .stale(.init(amphora: all[2], loadBalancer: "lb-c", silentFor: .seconds(92), cause: .silence)),
      ])
    #expect(lab.ledger.amphora(all[1], now: lab.now)?.status == .allocated)
  }

  @Test func `a changing load balancer's amphorae are not stale until it is changed`() throws {
    var lab = Lab()
    lab.ledger.expect(Self.view(), amphorae: [try id("a")])
    _ = lab.hear("a", at: 1)
    lab.ledger.setProvisioningStatus(.pendingUpdate, of: "lb")
    #expect(lab.rounds(from: 60, to: 300).isEmpty)
    lab.ledger.setProvisioningStatus(.active, of: "lb")
    #expect(lab.check(at: 303).count == 1)
  }

  @Test func `zombies are told once per timeout, unknown and deleted ones`() throws {
    var lab = Lab()
    let a = try id("a")
    lab.ledger.expect(Self.view(), amphorae: [a])
    let source = "\(DatagramSource())"
    let unknown = HealthEvent.zombie(.init(amphora: try id("z"), kind: .unknown, source: source))
    #expect(lab.hear("z", at: 1) == [unknown])
    #expect(lab.hear("z", at: 60).isEmpty)
    #expect(lab.hear("z", at: 61) == [unknown])
    _ = lab.hear("a", at: 62)
    lab.ledger.amphoraDeleted(a)
    let deleted = HealthEvent.zombie(.init(amphora: a, kind: .deleted, source: source))
    #expect(lab.hear("a", at: 63) == [deleted])
    #expect(lab.ledger.zombies == 4)
    #expect(lab.rounds(from: 64, to: 200).isEmpty)
    lab.ledger.expect(Self.view(), amphorae: [a])
    #expect(lab.hear("a", at: 201, listeners: ["l1"]).allSatisfy { $0 != deleted })
  }

  @Test func `an amphora that is not named any more, or whose load balancer is deleted, is a zombie`() throws {
    var lab = Lab()
    let (a, b) = (try id("a"), try id("b"))
    lab.ledger.expect(Self.view(), amphorae: [a, b])
    lab.ledger.expect(Self.view(), amphorae: [b])
    let source = "\(DatagramSource())"
    #expect(lab.hear("a", at: 1) == [.zombie(.init(amphora: a, kind: .deleted, source: source))])
    #expect(lab.hear("b", at: 1) == [.appeared(b)])
    lab.ledger.setProvisioningStatus(.deleted, of: "lb")
    #expect(lab.hear("b", at: 2) == [.zombie(.init(amphora: b, kind: .deleted, source: source))])
    lab.ledger.forget(loadBalancer: "lb")
    #expect(lab.hear("b", at: 70) == [.zombie(.init(amphora: b, kind: .unknown, source: source))])
  }

  @Test func `a repeated datagram neither counts nor keeps alive`() throws {
    var lab = Lab()
    let a = try id("a")
    lab.ledger.expect(Self.view(), amphorae: [a])
    _ = lab.hear("a", at: 1, sequence: 7, digest: 77, bytes: 100)
    for second in stride(from: 10.0, through: 60, by: 10) {
      #expect(lab.hear("a", at: second, sequence: 7, member: "DOWN", digest: 77, bytes: 100).isEmpty)
    }
    let health = try #require(lab.ledger.amphora(a, now: lab.now))
    #expect(health.heartbeats == 1 && health.repeated == 6)
    #expect(health.traffic.bytesIn == 100 && health.traffic.bytesOut == 200)
    #expect(health.age == .seconds(59))
    #expect(lab.rounds(from: 61, to: 64).count == 1)
  }

  @Test func `a restarted agent is told and counts on`() throws {
    var lab = Lab()
    let a = try id("a")
    lab.ledger.expect(Self.view(), amphorae: [a])
    for step in 0..<3 { _ = lab.hear("a", at: Double(step + 1), sequence: step, bytes: 10) }
    #expect(lab.hear("a", at: 11, sequence: 0, bytes: 10) == [.restarted(a)])
    #expect(lab.hear("a", at: 21, sequence: 1, bytes: 10).isEmpty)
    let health = try #require(lab.ledger.amphora(a, now: lab.now))
    #expect(health.restarts == 1 && health.heartbeats == 5 && health.traffic.bytesIn == 50)
  }

  @Test func `numbers are added up, and give bytes per second`() throws {
    var lab = Lab { $0.unknownAmphorae = .areWatched }
    _ = lab.hear("a", at: 0, bytes: 1000)
    _ = lab.hear("a", at: 10, listeners: ["l1", "l2"], bytes: 1000)
    let health = try #require(lab.ledger.amphora(try id("a"), now: .seconds(12)))
    #expect(health.traffic.bytesIn == 3000 && health.traffic.bytesOut == 6000)
    #expect(health.traffic.bytesInPerSecond == 200 && health.traffic.bytesOutPerSecond == 400)
    #expect(health.age == .seconds(2) && health.listeners.count == 2)
    #expect(health.membersUp == 1 && health.membersDown == 0)
    // Two in one batch: the time between their arrivals counts, not the one moment of reading.
    _ = lab.hear("a", at: 20, delay: .seconds(5), digest: 1, bytes: 1000)
    _ = lab.hear("a", at: 20, delay: .seconds(1), digest: 2, bytes: 1000)
    #expect(lab.ledger.amphora(try id("a"), now: .seconds(20))?.traffic.bytesInPerSecond == 250)
  }

  @Test func `totals of old agents become increments, unusable numbers none`() {
    var traffic = AmphoraTraffic()
    func message(_ bytes: Int, version: Int?, isUsable: Bool = true) -> HeartbeatMessage {
      var message = HeartbeatMessage(
        id: "a", sequence: nil,
        listeners: [
          .init(id: "l1", status: "OPEN", stats: .init(bytesIn: bytes)),
          .init(id: "l2", status: "OPEN", stats: isUsable ? .init() : nil),
        ])
      message.version = version
      return message
    }
    traffic.add(message(5000, version: 2), previous: nil, interval: nil)
    #expect(traffic.bytesIn == 0)
    traffic.add(message(5600, version: 2), previous: message(5000, version: 2), interval: .seconds(10))
    #expect(traffic.bytesIn == 600 && traffic.bytesInPerSecond == 60)
    traffic.add(message(50, version: nil), previous: message(5600, version: nil), interval: .seconds(10))
    #expect(traffic.bytesIn == 650)
    traffic.add(message(1, version: 3, isUsable: false), previous: nil, interval: .seconds(10))
    #expect(traffic.bytesIn == 650)
    traffic.add(message(.max, version: 3), previous: nil, interval: .seconds(10))
    #expect(traffic.bytesIn == .max)
  }

  @Test func `a late heartbeat does not keep alive`() throws {
    var lab = Lab()
    let a = try id("a")
    lab.ledger.expect(Self.view(), amphorae: [a])
    #expect(lab.hear("a", at: 1, member: "DOWN", delay: .seconds(10)).isEmpty)
    #expect(lab.ledger.amphora(a, now: lab.now)?.age == nil)
    #expect(lab.ledger.late == 1)
  }

  @Test func `a member that goes down is told with the amphora that says so`() throws {
    var lab = Lab()
    let a = try id("a")
    lab.ledger.expect(Self.view(), amphorae: [a])
    _ = lab.hear("a", at: 1)
    let events = lab.hear("a", at: 11, member: "DOWN")
    #expect(
      events.first
        == .statusChanged(
          .init(object: .member("m1", pool: "p1"), loadBalancer: "lb", from: .online, to: .error), by: a))
    #expect(events.count == 3)
    #expect(lab.ledger.loadBalancer("lb")?.operatingStatus == .degraded)
  }

  @Test func `the number of invented amphorae and zombies is bounded`() throws {
    var lab = Lab {
      $0.unknownAmphorae = .areWatched
      $0.maximumAmphorae = 3
    }
    for number in 0..<20_000 { _ = lab.hear("x-\(number)", at: 1) }
    #expect(lab.ledger.amphoraCount == 3)
    #expect(lab.ledger.zombies == 19_997)
    #expect(lab.hear("y", at: 2).isEmpty)
  }
}

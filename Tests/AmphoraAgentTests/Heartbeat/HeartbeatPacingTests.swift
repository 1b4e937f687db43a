// When heartbeats and looks are due; time is a value here.

import AmphoraProtocol
import Testing

@testable import AmphoraAgent

@Suite struct `Heartbeat pacing` {
  private let start = ContinuousClock.now
  private func at(_ seconds: Double) -> ContinuousClock.Instant {
    start.advanced(by: .milliseconds(Int(seconds * 1000)))
  }
  private func beat(changed: Bool = false, problems: Bool = false, took: Double = 0.01) -> HeartbeatOutcome {
    HeartbeatOutcome(work: .beat, changed: changed, hasProblems: problems, took: .milliseconds(Int(took * 1000)))
  }

  @Test func `the first heartbeat is due at once and the others at a fixed distance from it`() {
    var pacing = HeartbeatPacing(interval: .seconds(10), watchPeriod: nil, startingAt: start)
    for slot in 0..<5 {
      // Each heartbeat takes two seconds; the slots do not move.
      let time = at(Double(slot) * 10)
      #expect(pacing.wakeUp == time)
      #expect(pacing.begin(at: time, random: 0) == .beat)
      #expect(pacing.begin(at: time, random: 0) == nil)
      pacing.finish(beat(took: 2), at: time.advanced(by: .seconds(2)))
      #expect(pacing.begin(at: time.advanced(by: .seconds(2)), random: 0) == nil)
    }
  }

  @Test func `jitter is at most a tenth of the interval, never late, and does not add up`() {
    var schedule = HeartbeatSchedule(interval: .seconds(10), startingAt: start)
    var noise = ConfigurationNoise(state: 3)
    var last = start
    var distances: Set<Duration> = []
    for slot in 1...1000 {
      schedule.advance(at: schedule.due, random: Double.random(in: 0..<1, using: &noise))
      let nominal = at(Double(slot) * 10)
      #expect(schedule.due <= nominal)
      #expect(schedule.due > nominal.advanced(by: .seconds(-1)))
      #expect(schedule.due - last > .seconds(9) && schedule.due - last < .seconds(11))
      distances.insert(schedule.due - last)
      last = schedule.due
    }
    #expect(distances.count > 900)
  }

  @Test func `slots missed while the machine slept are not made up for`() {
    var schedule = HeartbeatSchedule(interval: .seconds(10), startingAt: start)
    schedule.advance(at: at(1000), random: 0)
    #expect(schedule.due == at(1010))
  }

  @Test func `a heartbeat due during another one follows it, a second one is an overrun`() {
    var pacing = HeartbeatPacing(interval: .seconds(10), watchPeriod: nil, startingAt: start)
    #expect(pacing.begin(at: start, random: 0) == .beat)
    #expect(pacing.begin(at: at(10), random: 0) == nil)
    #expect(pacing.begin(at: at(20), random: 0) == .overrun)
    #expect(pacing.begin(at: at(20), random: 0) == nil)
    pacing.finish(beat(), at: at(23))
    #expect(pacing.begin(at: at(23), random: 0) == .beat)
    pacing.finish(beat(), at: at(24))
    #expect(pacing.begin(at: at(24), random: 0) == nil)
    #expect(pacing.wakeUp == at(30))
  }

  @Test func `extra heartbeats are a second apart and move the slots`() {
    var pacing = HeartbeatPacing(interval: .seconds(10), watchPeriod: nil, startingAt: start)
    #expect(pacing.begin(at: start, random: 0) == .beat)
    pacing.finish(beat(), at: at(0.1))
    pacing.hurry(at: at(0.2))
    pacing.hurry(at: at(0.3))
    #expect(pacing.wakeUp == at(1))
    #expect(pacing.begin(at: at(0.9), random: 0) == nil)
    #expect(pacing.begin(at: at(1), random: 0) == .beat)
    pacing.finish(beat(), at: at(1.1))
    #expect(pacing.wakeUp == at(11))
    pacing.hurry(at: at(5))
    #expect(pacing.begin(at: at(5), random: 0) == .beat)
    // Just before a slot there is nothing to hurry.
    pacing.finish(beat(), at: at(5.1))
    pacing.hurry(at: at(15))
    #expect(pacing.wakeUp == at(15))
  }

  @Test func `looks come between heartbeats and a change makes an extra one`() {
    var pacing = HeartbeatPacing(interval: .seconds(10), watchPeriod: .seconds(1), startingAt: start)
    #expect(pacing.begin(at: start, random: 0) == .beat)
    pacing.finish(beat(), at: at(0.01))
    #expect(pacing.wakeUp == at(1.01))
    #expect(pacing.begin(at: at(1.01), random: 0) == .look(within: .milliseconds(500)))
    pacing.finish(beat(changed: false), at: at(1.02))
    #expect(pacing.begin(at: at(2.02), random: 0) == .look(within: .milliseconds(500)))
    pacing.finish(beat(changed: true), at: at(2.03))
    #expect(pacing.begin(at: at(2.03), random: 0) == .beat)
  }

  @Test func `no look begins shortly before a heartbeat or after trouble`() {
    var pacing = HeartbeatPacing(interval: .seconds(2), watchPeriod: .seconds(1), startingAt: start)
    #expect(pacing.begin(at: start, random: 0) == .beat)
    pacing.finish(beat(), at: at(0.6))
    #expect(pacing.begin(at: at(1.6), random: 0) == nil)
    #expect(pacing.wakeUp == at(2))
    #expect(pacing.begin(at: at(2), random: 0) == .beat)
    pacing.finish(beat(problems: true), at: at(2.1))
    #expect(pacing.wakeUp == at(4))
  }

  @Test func `looks that cost much are rarer`() {
    var pacing = HeartbeatPacing(interval: .seconds(60), watchPeriod: .seconds(1), startingAt: start)
    #expect(pacing.begin(at: start, random: 0) == .beat)
    pacing.finish(beat(took: 0.2), at: at(0.2))
    #expect(pacing.wakeUp == at(10.2))
  }

  @Test func `another interval applies at once`() {
    var pacing = HeartbeatPacing(interval: .seconds(60), watchPeriod: nil, startingAt: start)
    #expect(pacing.begin(at: start, random: 0) == .beat)
    pacing.finish(beat(), at: at(0.1))
    pacing.reload(interval: .seconds(3), at: at(5))
    #expect(pacing.begin(at: at(5), random: 0) == .beat)
    pacing.finish(beat(), at: at(5.1))
    #expect(pacing.wakeUp == at(8))
  }
}

@Suite struct `News between heartbeats` {
  private func states(_ listeners: [String: String], _ pools: [HeartbeatMessage.Pool] = []) -> HeartbeatStates {
    var report = HeartbeatReport()
    report.listeners = listeners.map {
      ListenerReading(id: $0.key, status: $0.value, connections: 0, counters: .init(bin: 0, bout: 0, ereq: 0, stot: 0))
    }
    report.pools = pools
    return HeartbeatStates(report)
  }

  private func pool(_ status: String, _ members: [String]) -> [HeartbeatMessage.Pool] {
    [
      .init(
        key: "P:L", status: status, members: members.enumerated().map { .init(id: "m\($0.offset)", status: $0.element) }
      )
    ]
  }

  @Test(arguments: [
    ("UP", "DOWN", true), ("UP", "UP 1/3", false), ("DOWN 1/2", "DOWN", false), ("UP", "DRAIN", true),
    ("no check", "MAINT", true), ("UP", "UP", false),
  ])
  func `a member's change counts when controllers see it`(before: String, after: String, isNews: Bool) {
    let earlier = states(["L": "OPEN"], pool("UP", [before]))
    #expect(states(["L": "OPEN"], pool("UP", [after])).isNews(since: earlier) == isNews)
  }

  @Test func `new listeners and changed ones are news, missing ones are not`() {
    let earlier = states(["L": "OPEN"])
    #expect(states(["L": "OPEN", "M": "OPEN"]).isNews(since: earlier))
    #expect(states(["L": "FULL"]).isNews(since: earlier))
    #expect(!states([:]).isNews(since: earlier))
    #expect(!states(["M": "OPEN"]).isNews(since: earlier))
    #expect(states(["L": "OPEN"], pool("UP", [])).isNews(since: earlier))
  }
}

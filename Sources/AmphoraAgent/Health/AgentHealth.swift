// `GET /1.0/health`: whether this amphora does its work, for alarms. An extension; controllers do not know it.

package import AmphoraProtocol
import Synchronization

/// Looks after the amphora's health, at most once a second however often it is asked.
///
/// The checks run on a thread of their own, because they block; one that the kernel holds up costs its answer, not the others'.
package actor AgentHealth {
  typealias Check = AgentHealthBody.Check
  typealias NamedCheck = (name: String, run: @Sendable () -> [Check])

  private let checks: [NamedCheck]
  private let limit: Duration
  private var last: (body: AgentHealthBody, time: ContinuousClock.Instant)?
  private var current: Task<AgentHealthBody, Never>?
  /// A round whose thread is still at work, though its time was over.
  private var late: HealthRound?

  /// How long a result holds: asking more often is no load.
  private static let validity = Duration.seconds(1)

  /// - Parameter limit: what all checks together may take; normally it is some milliseconds, and 100 with a haproxy that
  ///   hangs.
  init(checks: [NamedCheck], limit: Duration = .milliseconds(500)) {
    self.checks = checks
    self.limit = limit
  }

  /// The state now, or up to a second ago.
  package func report() async -> AgentHealthBody {
    if let last, last.time.duration(to: .now) < Self.validity { return last.body }
    if let current { return await current.value }
    let task = Task { await look() }
    current = task
    let body = await task.value
    // Whoever waited for the same task is here too; the first one notes it.
    if current == task {
      current = nil
      last = (body, .now)
    }
    return body
  }

  private func look() async -> AgentHealthBody {
    if let late, !late.isOver { return body(late.results) }
    late = nil
    let round = HealthRound(checks: checks)
    let (events, feed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
    let isStarted = BackgroundThread.detach(name: "health") {
      round.run()
      feed.yield()
    }
    let alarm = Task { [limit] in
      if isStarted { try await Task.sleep(for: limit) }
      feed.yield()
    }
    for await _ in events { break }
    alarm.cancel()
    if isStarted, !round.isOver { late = round }
    return body(round.results)
  }

  private func body(_ results: [[Check]?]) -> AgentHealthBody {
    AgentHealthBody(
      checks: zip(checks, results).flatMap { check, result in
        result ?? [.fail(check.name, "not checked in time: the machine or its disk is held up")]
      })
  }
}

/// One run of all checks.
private final class HealthRound: Sendable {
  private let checks: [AgentHealth.NamedCheck]
  private let state: Mutex<[[AgentHealth.Check]?]>

  init(checks: [AgentHealth.NamedCheck]) {
    self.checks = checks
    state = Mutex([[AgentHealth.Check]?](repeating: nil, count: checks.count))
  }

  func run() {
    for (index, check) in checks.enumerated() {
      let result = check.run()
      state.withLock { $0[index] = result }
    }
  }

  /// By check; nil for those not at their end.
  var results: [[AgentHealth.Check]?] { state.withLock { $0 } }

  var isOver: Bool { results.allSatisfy { $0 != nil } }
}

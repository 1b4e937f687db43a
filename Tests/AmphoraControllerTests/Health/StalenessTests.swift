import AmphoraProtocol
import Testing

@testable import AmphoraController

/// One check round: contract heartbeat-and-config §4.2.
@Suite struct StalenessTests {
  private let now = Duration.seconds(1000)

  private func id(_ number: Int) throws -> AmphoraID { try #require(AmphoraID("amp-\(number)")) }

  private func row(
    _ number: Int, silentFor seconds: Int, isBusy: Bool = false, status: AmphoraStatus = .allocated,
    loadBalancer: ProvisioningStatus? = .active
  ) throws -> HealthRow {
    HealthRow(
      amphora: try id(number), lastUpdate: now - .seconds(seconds), isBusy: isBusy, status: status,
      loadBalancerStatus: loadBalancer)
  }

  private func policy(_ breaker: StalenessPolicy.Breaker = .none) -> StalenessPolicy {
    var policy = StalenessPolicy()
    policy.breaker = breaker
    return policy
  }

  @Test func `silence beyond the timeout is stale, the longest first`() throws {
    let rows = [
      try row(1, silentFor: 61), try row(2, silentFor: 60), try row(3, silentFor: 300), try row(4, silentFor: 0),
    ]
    let round = StalenessRound(rows, now: now, policy: policy())
    #expect(round.failOver == [try id(3), try id(1)])
    #expect(round.stale == 2 && !round.isMassLoss && round.threshold == nil)
  }

  @Test func `busy amphorae and those nobody may fail over are left alone`() throws {
    let rows = [
      try row(1, silentFor: 99, isBusy: true), try row(2, silentFor: 99, status: .error),
      try row(3, silentFor: 99, status: .booting), try row(4, silentFor: 99, status: .pendingDelete),
      try row(5, silentFor: 99, loadBalancer: .pendingUpdate), try row(6, silentFor: 99, loadBalancer: .deleted),
      try row(7, silentFor: 99, status: .failoverStopped), try row(8, silentFor: 99, loadBalancer: .error),
      try row(9, silentFor: 99, loadBalancer: nil),
    ]
    let round = StalenessRound(rows, now: now, policy: policy())
    #expect(round.failOver == [try id(7), try id(8), try id(9)])
    #expect(round.stale == 8)
  }

  @Test func `a round gives up so many at most`() throws {
    var policy = policy()
    policy.maximumPerRound = 2
    let rows = try (1...5).map { try row($0, silentFor: 100 + $0) }
    #expect(StalenessRound(rows, now: now, policy: policy).failOver == [try id(5), try id(4)])
  }

  @Test func `from the threshold on nobody fails over, and all are stopped`() throws {
    let rows = [
      try row(1, silentFor: 99), try row(2, silentFor: 99, status: .error), try row(3, silentFor: 99, status: .deleted),
      try row(4, silentFor: 99, status: .pendingDelete), try row(5, silentFor: 99, status: .failoverStopped),
      try row(6, silentFor: 99, isBusy: true), try row(7, silentFor: 0),
    ]
    #expect(!StalenessRound(rows, now: now, policy: policy(.count(6))).isMassLoss)
    let round = StalenessRound(rows, now: now, policy: policy(.count(5)))
    #expect(round.isMassLoss && round.failOver.isEmpty && round.threshold == 5)
    #expect(round.stopped == [try id(1), try id(2)])
  }

  @Test func `a stopped amphora that is heard again is allocated, mass loss or not`() throws {
    let rows = [
      try row(1, silentFor: 1, status: .failoverStopped), try row(2, silentFor: 99), try row(3, silentFor: 99),
      try row(4, silentFor: 1, isBusy: true, status: .failoverStopped),
    ]
    #expect(StalenessRound(rows, now: now, policy: policy(.count(1))).recovered == [try id(1)])
    #expect(StalenessRound(rows, now: now, policy: policy()).recovered == [try id(1)])
  }

  @Test(
    arguments: [
      (StalenessPolicy.Breaker.none, 100, nil), (.count(7), 100, 7), (.count(0), 100, 1),
      (.share(0.5, atLeast: 5), 4, 5), (.share(0.5, atLeast: 5), 100, 50), (.share(0.5, atLeast: 5), 101, 51),
    ] as [(StalenessPolicy.Breaker, Int, Int?)])
  func `the breaker's threshold`(breaker: StalenessPolicy.Breaker, watched: Int, threshold: Int?) {
    #expect(breaker.threshold(watched: watched) == threshold)
  }
}

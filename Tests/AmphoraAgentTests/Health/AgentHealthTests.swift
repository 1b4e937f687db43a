// How `GET /1.0/health` looks: seldom, and never held up. What it looks at: LiveTests/HealthTests.

import AmphoraProtocol
import Glibc
import Synchronization
import Testing
import TestSupport

@testable import AmphoraAgent

@Suite(.timeLimit(.minutes(1))) struct AgentHealthTests {
  private func pass(_ name: String) -> AgentHealthBody.Check { .init(name: name, status: .pass, detail: "well") }

  @Test func `many who ask at once and after each other cause one look a second`() async throws {
    let looks = Atomic<Int>(0)
    let health = AgentHealth(checks: [
      (
        "one",
        {
          looks.add(1, ordering: .relaxed)
          return [.init(name: "one", status: .pass, detail: "well")]
        }
      )
    ])
    let start = ContinuousClock.now
    for _ in 0..<5 {
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<100 {
          group.addTask {
            let body = await health.report()
            #expect(body.status == .ready)
          }
        }
      }
    }
    let most = Int((ContinuousClock.now - start) / .seconds(1)) + 1
    #expect(looks.load(ordering: .relaxed) <= most)
    try await poll("another look") {
      _ = await health.report()
      return looks.load(ordering: .relaxed) > most
    }
  }

  @Test func `a check that hangs costs its own answer, and no second thread`() async throws {
    let gate = Gate()
    let looks = Atomic<Int>(0)
    let health = AgentHealth(
      checks: [
        ("first", { [.init(name: "first", status: .pass, detail: "well")] }),
        (
          "stuck",
          {
            looks.add(1, ordering: .relaxed)
            gate.wait()
            return [.init(name: "stuck", status: .pass, detail: "well")]
          }
        ),
      ], limit: .milliseconds(50))
    let body = await health.report()
    #expect(body.status == .degraded)
    #expect(body.checks.map(\.name) == ["first", "stuck"])
    #expect(body.checks.map(\.status) == [.pass, .fail])
    #expect(body.checks.last?.detail.contains("in time") == true)
    // Its validity is over, the thread still at work.
    try? await poll("the end of its validity", within: .milliseconds(1100)) { false }
    #expect(await health.report().status == .degraded)
    #expect(looks.load(ordering: .relaxed) == 1)
    gate.open()
    try await poll("recovery") { await health.report().status == .ready }
  }

  @Test func `the body's status follows from its checks`() {
    #expect(AgentHealthBody(checks: [pass("a"), pass("b")]).status == .ready)
    #expect(AgentHealthBody(checks: [pass("a"), .fail("b", "ill")]).status == .degraded)
  }

  /// Holds threads until it is opened.
  private final class Gate: Sendable {
    private let isOpen = Atomic<Bool>(false)
    func open() { isOpen.store(true, ordering: .releasing) }
    func wait() { while !isOpen.load(ordering: .acquiring) { usleep(1000) } }
  }
}

// haproxy crashes while it reloads, and systemd is about to start it again (contract agent-api §3.6, step 3).

import AmphoraProtocol
import Synchronization
import Testing

@testable import AmphoraAgent

@Suite struct ReloadRaceTests {
  /// What a stats socket says: `Uptime_sec` of each answer in turn, the last one for ever; nil is an empty answer.
  private final class Uptimes: Sendable {
    private let rest: Mutex<[Int?]>
    private let count = Atomic<Int>(0)
    /// How often `show info` was asked.
    var questions: Int { count.load(ordering: .relaxed) }

    init(_ uptimes: [Int?]) { rest = Mutex(uptimes) }

    func answer(_ command: String) -> [UInt8] {
      guard command == "show info\n" else { return Array("1\n".utf8) }
      count.add(1, ordering: .relaxed)
      let uptime = rest.withLock { $0.count > 1 ? $0.removeFirst() : $0.first ?? nil }
      return uptime.map { Array("Pid: 7\nUptime_sec: \($0)\n".utf8) } ?? []
    }
  }

  /// Orders a reload that meets no active unit; the answer, and the number of tries.
  private func reload(
    _ uptimes: Uptimes?, words: String = "haproxy-x.service is not active, cannot reload.\n"
  ) async throws -> (answer: SystemdBench.Answer, tries: Int) {
    let bench = try SystemdBench(topology: "SINGLE")
    #expect(try await bench.upload().status == 202)
    try bench.pretendRunning()
    let server = try uptimes.map { uptimes in
      try UnixServer(bench.paths.statsSocket(of: SystemdBench.id)) { uptimes.answer($0) }
    }
    defer { withExtendedLifetime(server) {} }
    try bench.systemctl.answer("reload", words)
    let answer = try await bench.control("reload")
    return (answer, bench.systemctl.calls("reload").count)
  }

  private let done = SystemdBench.Answer(
    status: 202, body: ["message": "OK", "details": "Listener \(SystemdBench.id) reloaded"])

  @Test(arguments: [1, 15]) func `a process of a few seconds is one that systemd has just started`(_ uptime: Int)
    async throws
  {
    let (answer, tries) = try await reload(Uptimes([uptime]))
    #expect(answer == done)
    #expect(tries == 1)
  }

  @Test func `an older process is told to reload three times, then it is a 500`() async throws {
    let uptimes = Uptimes([16])
    let (answer, tries) = try await reload(uptimes)
    #expect(answer.status == 500)
    #expect(answer.body["message"] == "Error reloading haproxy")
    #expect(answer.body["details"]?.contains("is not active, cannot reload.") == true)
    #expect(tries == 3)
    // The one before the first reload, and one after each.
    #expect(uptimes.questions == 4)
  }

  @Test func `a process that does not answer is asked five times after each reload`() async throws {
    let uptimes = Uptimes([nil])
    let (answer, tries) = try await reload(uptimes)
    #expect(answer.status == 500)
    #expect(answer.body["message"] == "Error reloading haproxy")
    #expect(tries == 3)
    #expect(uptimes.questions == 1 + 3 * 5)
    // Without a socket it is the same.
    #expect(try await reload(nil).tries == 3)
  }

  @Test func `a process that answers late, or in its first second, is found all the same`() async throws {
    let (answer, tries) = try await reload(Uptimes([100, nil, nil, 0, 1]))
    #expect(answer == done)
    #expect(tries == 1)
  }

  @Test func `a second try may succeed by the process that systemd has started meanwhile`() async throws {
    let (answer, tries) = try await reload(Uptimes([100, 100, 2]))
    #expect(answer == done)
    #expect(tries == 2)
  }

  @Test func `any other failure is told at once`() async throws {
    let (answer, tries) = try await reload(Uptimes([100]), words: "Job for haproxy-x.service failed.\n")
    #expect(answer.status == 500)
    #expect(answer.body["details"]?.contains("Job for haproxy-x.service failed.") == true)
    #expect(tries == 1)
  }
}

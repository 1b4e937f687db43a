// haproxy that crashes while it reloads: the answer is 500 with the reason, or 202 after a restart with the new
// configuration, and what is served is the last one that ran (contract agent-api §3.6 (3), §5 W13, W29).

import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Files
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(2))) struct ReloadCrashTests {
  /// A listener that passes haproxy's check and cannot be had.
  private static let unboundable = "frontend c1a7b3de-0000-4000-8000-00000000000a\n    bind /nowhere/socket\n"

  /// Whether a process has been sent a signal that it has not taken yet.
  private func isPending(_ signal: Int, _ pid: Int32, _ amphora: LiveAmphora) -> Bool {
    let status = FileRead.text(amphora.vm.live("/proc/\(pid)/status")) ?? ""
    return status.split(separator: "\n").contains { line in
      let words = line.split(whereSeparator: \.isWhitespace)
      guard words.count == 2, words[0] == "ShdPnd:", let mask = UInt64(words[1], radix: 16) else { return false }
      return mask & (1 << UInt64(signal - 1)) != 0
    }
  }

  private func master(_ balancer: VersionedBalancer) throws -> Int32 {
    try #require(
      balancer.amphora.text("\(balancer.folder)/\(balancer.id).pid").flatMap { Int32($0.filter(\.isNumber)) })
  }

  /// Stops the master, has it told to reload, and does something to it before it can.
  private func reload(
    _ balancer: VersionedBalancer, meanwhile: (Int32) async throws -> Void
  ) async throws -> AgentAnswer {
    let amphora = balancer.amphora
    let pid = try master(balancer)
    try await amphora.kill(pid, "STOP")
    async let answer = balancer.control("reload")
    try await poll("the signal") { isPending(12, pid, amphora) }
    try await meanwhile(pid)
    return try await answer
  }

  @Test func `a master that is killed while it reloads comes back with the new configuration`() async throws {
    try await withAmphora { amphora in
      let balancer = VersionedBalancer(amphora: amphora)
      try await balancer.deploy("v1")
      #expect(try await balancer.upload("v2").status == 202)
      let answer = try await reload(balancer) { try await amphora.kill($0, "KILL") }
      try expect(answer, 202, "{\"message\": \"OK\", \"details\": \"Listener \(balancer.id) reloaded\"}")
      #expect(try await amphora.served() == "v2")
      try await balancer.deploy("v3")
      #expect(try await amphora.served() == "v3")
    }
  }

  @Test func `killed while it reloads what does not start, it comes back with the last one that ran`() async throws {
    try await withAmphora { amphora in
      let balancer = VersionedBalancer(amphora: amphora)
      try await balancer.deploy("v1")
      let good = amphora.text("\(balancer.folder)/haproxy.cfg")
      #expect(try await balancer.upload("v2", extra: Self.unboundable).status == 202)
      let answer = try await reload(balancer) { try await amphora.kill($0, "KILL") }
      try await expectRestored(balancer, answer, good)
    }
  }

  @Test(arguments: ["a port that cannot be had", "a worker that ends at once"])
  func `a new worker that does not live is 500, and the last configuration that ran is served`(fault: String)
    async throws
  {
    try await withAmphora { amphora in
      let balancer = VersionedBalancer(amphora: amphora)
      try await balancer.deploy("v1")
      let good = amphora.text("\(balancer.folder)/haproxy.cfg")
      // haproxy looks for the folder of its new root only in the new process.
      let bad = fault.hasPrefix("a port") ? Self.unboundable : "global\n    chroot /nowhere\n"
      #expect(try await balancer.upload("v2", extra: bad).status == 202)
      try await expectRestored(balancer, try await balancer.control("reload"), good)
    }
  }

  private func expectRestored(_ balancer: VersionedBalancer, _ answer: AgentAnswer, _ good: String?) async throws {
    let amphora = balancer.amphora
    #expect(answer.status == 500, "\(answer.text)")
    #expect(try answer.json.keys == ["message", "details"])
    #expect(try answer.json.string("message") == "Error reloading haproxy")
    #expect(try answer.json.string("details").contains("ALERT"), "haproxy's words: \(answer.text)")
    #expect(amphora.text("\(balancer.folder)/haproxy.cfg") == good)
    try await poll("what ran before") { try await amphora.served() == "v1" }
    // It is whole: the next change goes through, and nothing goes back behind it.
    try await balancer.deploy("v3")
    #expect(try await amphora.served() == "v3")
  }
}

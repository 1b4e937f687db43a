// A request whose agent is killed after its first change to a file, after its second, and so on until it completes. After
// each kill the agent is started again: it must find the state before the request or the one after it, and the controller's
// repetition must bring the latter.

import AmphoraController
import AmphoraLab
import Files
import Testing
import TestSupport

/// See above.
struct KillSeries {
  let amphora: LiveAmphora
  let state: () async throws -> AmphoraState
  let request: () async throws -> AgentAnswer
  /// Brings back the state before.
  let undo: () async throws -> Void
  /// The answer's status.
  var status = 202
  /// The statuses that a repetition may have, if not the same.
  var repeated: Set<Int>?
  /// Where a process or the kernel changes too, no order of steps is one step: each part is then from before or after.
  var isInParts = false
  /// Looks at a state after a restart; for what is known of the order of parts.
  var inspect: (AmphoraState) async throws -> Void = { _ in }

  /// Runs it.
  ///
  /// - Returns: the number of kills.
  @discardableResult
  func run(sourceLocation: SourceLocation = #_sourceLocation) async throws -> Int {
    // The first time makes folders that stay.
    _ = try await request()
    try await undo()
    let before = try await state()
    let clean = try await request()
    #expect(clean.status == status, "\(clean.text)", sourceLocation: sourceLocation)
    let after = try await state()
    try await undo()
    expectSame(try await state(), before, "the undo", sourceLocation: sourceLocation)
    for count in 1...200 {
      try amphora.armKill("request \(count)")
      let answer = try? await request()
      try amphora.disarmKill()
      if let answer {
        #expect(answer.status == status, "\(answer.text)", sourceLocation: sourceLocation)
        #expect(amphora.agentExitStatus == nil, sourceLocation: sourceLocation)
        try await expect(after, "the last time", sourceLocation)
        #expect(count > 1, "nothing was killed", sourceLocation: sourceLocation)
        return count - 1
      }
      try await amphora.expectKilled()
      try await amphora.startAgent()
      try await check(before, after, "killed after change \(count)", sourceLocation)
      let again = try await request()
      #expect((repeated ?? [status]).contains(again.status), "\(count): \(again.text)", sourceLocation: sourceLocation)
      try await expect(after, "repeated after a kill at change \(count)", sourceLocation)
      try await undo()
    }
    Issue.record("200 changes and no end", sourceLocation: sourceLocation)
    return 200
  }

  /// A service that the next agent starts again may take a moment; everything else is there at once.
  private func check(
    _ before: AmphoraState, _ after: AmphoraState, _ what: String, _ sourceLocation: SourceLocation
  ) async throws {
    var now = AmphoraState()
    try? await poll(
      "a state from before or after", within: .seconds(10),
      until: {
        now = try await state()
        return isWhole(now, before, after)
      })
    if !isWhole(now, before, after) {
      let (older, newer) = (Self.difference(now, before), Self.difference(now, after))
      Issue.record("\(what): from before: \(older); from after: \(newer)", sourceLocation: sourceLocation)
    }
    try await inspect(now)
  }

  private func expect(_ wanted: AmphoraState, _ what: String, _ sourceLocation: SourceLocation) async throws {
    var now = AmphoraState()
    try? await poll(
      "the state after", within: .seconds(10),
      until: {
        now = try await state()
        return now == wanted
      })
    expectSame(now, wanted, what, sourceLocation: sourceLocation)
  }

  private func isWhole(_ now: AmphoraState, _ before: AmphoraState, _ after: AmphoraState) -> Bool {
    if now == before || now == after { return true }
    guard isInParts else { return false }
    return Set(now.keys).union(before.keys).union(after.keys).allSatisfy {
      now[$0] == before[$0] || now[$0] == after[$0]
    }
  }

  /// What differs, by key.
  static func difference(_ now: AmphoraState, _ wanted: AmphoraState) -> [String] {
    Set(now.keys).union(wanted.keys).sorted().filter { now[$0] != wanted[$0] }.map {
      "\($0): \(now[$0] ?? "-") instead of \(wanted[$0] ?? "-")"
    }
  }
}

/// Expects no difference.
func expectSame(
  _ now: AmphoraState, _ wanted: AmphoraState, _ what: String, sourceLocation: SourceLocation = #_sourceLocation
) {
  let difference = KillSeries.difference(now, wanted)
  if !difference.isEmpty { Issue.record("\(what): \(difference)", sourceLocation: sourceLocation) }
}

/// Expects a status, whatever the body is.
func expect(_ answer: AgentAnswer, status: Int, sourceLocation: SourceLocation = #_sourceLocation) {
  #expect(answer.status == status, "\(answer.text)", sourceLocation: sourceLocation)
}

extension LiveAmphora {
  private var killFile: String { vm.outside("/run/kill-after") }

  /// Has the agent end itself after a number of changes to files.
  func armKill(_ text: String) throws { try DurableFile.write(Array(text.utf8), to: killFile, mode: 0o644) }
  func disarmKill() throws { try DurableFile.remove(killFile) }

  func expectKilled() async throws {
    let status = try await poll("the agent's end") { agentExitStatus }
    #expect(status == 137, "SIGKILL and nothing else: \(agentLog.suffix(2000))")
  }
}

// The procedure dies after each step, once before and once after the step is on record, and another process goes on: the
// end is the same as that of a run without a crash, nothing was made twice, nothing is left over.

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing

@Suite(.live, .timeLimit(.minutes(10))) struct CrashResumeTests {
  /// A crash, as far as the procedures can tell: nothing runs after it.
  private struct Crash: Error {}

  /// Ends a procedure at one moment of one step.
  private static func crash(at number: Int, _ phase: ProcedureProgress.Phase) -> ProgressHandler {
    { progress in if progress.number == number, progress.phase == phase { throw Crash() } }
  }

  /// What must be the same, whoever did it: ids come from the same sequence; times and passwords may differ.
  private func comparable(_ record: LoadBalancerRecord) -> LoadBalancerRecord {
    var record = record
    for index in record.amphorae.indices {
      record.amphorae[index].certificateExpiry = nil
      // A machine that was built a second time may have another place on the management network.
      record.amphorae[index].address = nil
    }
    return record
  }

  private static let wanted = ProcedureDocument(members: [("10.0.1.21", "red")])

  @Test(arguments: [ProcedureProgress.Phase.performed, .finished])
  func `creation goes on after a crash at any step`(phase: ProcedureProgress.Phase) async throws {
    try await ProcedureLab.with { lab in
      try await lab.startMember("one", on: "red", "10.0.1.21")
      let document = try Self.wanted.document()
      let steps = try await lab.procedures(seed: 9).procedures.plan(document).steps.count
      let (procedures, _) = try await lab.procedures(seed: 1)
      try await procedures.apply(document)
      let reference = comparable(try lab.record())
      try await procedures.delete(ProcedureDocument.id)
      #expect(steps == 11)
      for step in 1...steps {
        let (first, _) = try await lab.procedures(seed: 1)
        await #expect(throws: Crash.self) { try await first.apply(document, progress: Self.crash(at: step, phase)) }
        // The next process chooses other ids, where it chooses any.
        let (second, driver) = try await lab.procedures(seed: 2)
        try await second.apply(document)
        try await lab.waitForAnswers(["one"])
        #expect(comparable(try lab.record()) == reference, "crash at step \(step), \(phase)")
        try await lab.expectConsistent(driver)
        #expect(try await second.plan(document).isEmpty)
        try await second.delete(ProcedureDocument.id)
      }
    }
  }

  @Test func `a failover goes on after a crash at any step, in a pair`() async throws {
    try await ProcedureLab.with { lab in
      try await lab.startMember("one", on: "red", "10.0.1.21")
      let document = try ProcedureDocument(topology: "ACTIVE_STANDBY", members: [("10.0.1.21", "red")]).document()
      let (procedures, _) = try await lab.procedures()
      try await procedures.apply(document)
      var step = 1
      while true {
        let victim = try lab.record().amphorae[0]
        let steps = try await procedures.planFailover(of: ProcedureDocument.id, amphora: victim.id).steps.count
        guard step <= steps else { break }
        await #expect(throws: Crash.self) {
          try await procedures.failOver(amphora: victim.id, progress: Self.crash(at: step, .performed))
        }
        // Every other time it is not the failover that is repeated: apply completes what there is.
        let (second, driver) = try await lab.procedures()
        if step.isMultiple(of: 2) {
          try await second.apply(document)
        } else {
          try await second.failOver(ProcedureDocument.id, amphora: victim.id)
        }
        let record = try lab.record()
        #expect(record.amphorae.count == 2 && record.amphora(victim.id) == nil, "crash at step \(step)")
        #expect(Set(record.amphorae.map(\.role)) == [.master, .backup])
        try await lab.expectConsistent(driver)
        #expect(try await second.plan(document).isEmpty, "crash at step \(step)")
        step += 1
      }
      #expect(step > 20)
      try await lab.waitForAnswers(["one"])
      try await procedures.delete(ProcedureDocument.id)
    }
  }

  @Test(arguments: [ProcedureProgress.Phase.performed, .finished])
  func `a deletion goes on after a crash at any step`(phase: ProcedureProgress.Phase) async throws {
    try await ProcedureLab.with { lab in
      let document = try Self.wanted.document()
      let (procedures, _) = try await lab.procedures()
      try await procedures.apply(document)
      let steps = try procedures.planDeletion(of: ProcedureDocument.id).steps.count
      for step in 1...steps {
        let (first, _) = try await lab.procedures()
        try await first.apply(document)
        await #expect(throws: Crash.self) {
          try await first.delete(ProcedureDocument.id, progress: Self.crash(at: step, phase))
        }
        let (second, driver) = try await lab.procedures()
        if try second.state.record(ProcedureDocument.id) != nil {
          // Half deleted, it cannot be applied again by mistake.
          await #expect(throws: ProcedureError.self) { try await second.apply(document) }
          try await second.delete(ProcedureDocument.id)
        } else {
          #expect(step == steps && phase == .finished, "only the last step forgets")
        }
        #expect(try await driver.inventory().filter { $0.contains("machines") || $0.contains("ports") } == [])
      }
    }
  }
}

// Load balancers made, changed, replaced and deleted by the controller library, with real agents, haproxy and keepalived.

import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Synchronization
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(5))) struct ProcedureTests {
  private static let red = [("10.0.1.21", "red"), ("10.0.1.22", "red")]

  @Test(arguments: ["SINGLE", "ACTIVE_STANDBY"])
  func `apply creates, changes, scales and does nothing twice; delete leaves nothing`(topology: String) async throws {
    try await ProcedureLab.with { lab in
      try await lab.startMember("one", on: "red", "10.0.1.21")
      try await lab.startMember("two", on: "red", "10.0.1.22")
      try await lab.startMember("three", on: "blue", "10.0.2.23")
      let (procedures, driver) = try await lab.procedures()
      var wanted = ProcedureDocument(topology: topology, members: Self.red)
      #expect(try await procedures.apply(wanted.document()))
      try await lab.waitForAnswers(["one", "two"])
      try await lab.expectConsistent(driver)
      #expect(try lab.record().amphorae.count == (topology == "SINGLE" ? 1 : 2))
      #expect(try await procedures.plan(wanted.document()).isEmpty)
      #expect(try await !procedures.apply(wanted.document()), "nothing to do")

      // A third member in another network: a port is plugged, on each amphora.
      wanted.members.append(("10.0.2.23", "blue"))
      try await procedures.apply(wanted.document())
      try await lab.waitForAnswers(["one", "two", "three"])
      try await lab.expectConsistent(driver)
      #expect(try lab.record().ports.filter { $0.networkID == "net-blue" }.count == lab.record().amphorae.count)

      // Without the first two, their network is unplugged.
      wanted.members.removeFirst(2)
      try await procedures.apply(wanted.document())
      try await lab.waitForAnswers(["three"])
      try await lab.expectConsistent(driver)
      #expect(try lab.record().ports.allSatisfy { $0.networkID != "net-red" })
      for amphora in try lab.record().amphorae {
        let links = try await lab.inside(
          amphora.id, ["/sbin/ip", "netns", "exec", "amphora-haproxy", "ip", "-br", "link"])
        #expect(links.split(separator: "eth").count == 3, "lo, eth1 and one more: \(links)")
      }

      // Without listeners haproxy is gone, and the load balancer is not.
      wanted.hasListener = false
      try await procedures.apply(wanted.document())
      #expect(try await lab.get().status == nil)
      #expect(try await procedures.plan(wanted.document()).isEmpty)
      try await procedures.delete(ProcedureDocument.id)
    }
  }

  @Test func `an amphora that lost its power is replaced, and traffic returns`() async throws {
    try await ProcedureLab.with { lab in
      try await lab.startMember("one", on: "red", "10.0.1.21")
      let (procedures, driver) = try await lab.procedures()
      let wanted = try ProcedureDocument(members: [("10.0.1.21", "red")]).document()
      try await procedures.apply(wanted)
      try await lab.waitForAnswers(["one"])
      let old = try lab.record().amphorae[0].id
      try await driver.cutPower(of: old)
      #expect(try await lab.get().status == nil)
      let start = ContinuousClock.now
      try await procedures.failOver(amphora: old)
      try await lab.waitForAnswers(["one"])
      print("SINGLE: traffic returned \(ContinuousClock.now - start) after the failover began")
      let record = try lab.record()
      #expect(record.amphorae.count == 1 && record.amphorae[0].id != old && record.status == .active)
      try await lab.expectConsistent(driver)
      #expect(try await procedures.plan(wanted).isEmpty)
      // One that is healthy is replaced as well, and a load balancer as a whole.
      try await procedures.failOver(ProcedureDocument.id)
      try await lab.waitForAnswers(["one"])
      try await lab.expectConsistent(driver)
      try await procedures.delete(ProcedureDocument.id)
    }
  }

  @Test func `in a pair the peer takes the VIP at once, and gets a new peer`() async throws {
    try await ProcedureLab.with { lab in
      try await lab.startMember("one", on: "red", "10.0.1.21")
      let (procedures, driver) = try await lab.procedures()
      let wanted = try ProcedureDocument(topology: "ACTIVE_STANDBY", members: [("10.0.1.21", "red")]).document()
      try await procedures.apply(wanted)
      try await lab.waitForAnswers(["one"])
      let master = try await holder(lab)
      try await driver.cutPower(of: master)
      let moved = try await lab.waitForAnswers(["one"])
      print("ACTIVE_STANDBY: traffic returned \(moved) after the power cut")
      try await procedures.failOver(amphora: master)
      let record = try lab.record()
      #expect(record.amphorae.count == 2 && record.amphora(master) == nil)
      #expect(Set(record.amphorae.map(\.role)) == [.master, .backup])
      try await lab.expectConsistent(driver)
      #expect(try await procedures.plan(wanted).isEmpty)
      // The new one takes over in turn.
      let survivor = try await holder(lab)
      try await driver.cutPower(of: survivor)
      try await lab.waitForAnswers(["one"])
      #expect(try await holder(lab) != survivor)
      try await procedures.failOver(amphora: survivor)
      try await lab.waitForAnswers(["one"])
      try await procedures.delete(ProcedureDocument.id)
    }
  }

  @Test func `two dead amphorae of a pair are replaced one after the other`() async throws {
    try await ProcedureLab.with { lab in
      try await lab.startMember("one", on: "red", "10.0.1.21")
      let (procedures, driver) = try await lab.procedures()
      let wanted = try ProcedureDocument(topology: "ACTIVE_STANDBY", members: [("10.0.1.21", "red")]).document()
      try await procedures.apply(wanted)
      try await lab.waitForAnswers(["one"])
      let dead = try lab.record().amphorae.map(\.id)
      for amphora in dead { try await driver.cutPower(of: amphora) }
      let tolerated = Mutex<[ProcedureStep]>([])
      try await procedures.failOver(amphora: dead[0]) { progress in
        if progress.phase == .tolerated { tolerated.withLock { $0.append(progress.step) } }
      }
      // The peer is asked once, and then left out of everything.
      #expect(
        tolerated.withLock { $0 } == [
          .probeAmphora(amphora: dead[1]), .updateListeners(amphora: dead[1]), .configureVRRP(amphora: dead[1]),
          .reloadListeners(amphora: dead[1]),
        ])
      try await lab.waitForAnswers(["one"])
      #expect(try await !procedures.plan(wanted).isEmpty, "the dead one does not know of its new peer")
      try await procedures.failOver(amphora: dead[1])
      try await lab.waitForAnswers(["one"])
      try await lab.expectConsistent(driver)
      #expect(try await procedures.plan(wanted).isEmpty)
      try await procedures.delete(ProcedureDocument.id)
    }
  }

  /// The amphora that has the VIP.
  private func holder(_ lab: ProcedureLab) async throws -> AmphoraID {
    try await poll("one amphora with the VIP") {
      var holders: [AmphoraID] = []
      for amphora in try lab.record().amphorae where try lab.driver.entrance(of: amphora.id) != nil {
        let command = ["/sbin/ip", "netns", "exec", "amphora-haproxy", "ip", "-br", "address"]
        if try await lab.inside(amphora.id, command).contains("\(ProcedureLab.vip)/32") { holders.append(amphora.id) }
      }
      return holders.count == 1 ? holders[0] : nil
    }
  }

  private static func outcome(_ body: () async throws -> Bool) async -> String {
    do { return try await body() ? "ok" : "nothing to do" } catch { return "\(error)" }
  }

  @Test func `what cannot be changed is refused, and a second process is kept out`() async throws {
    try await ProcedureLab.with { lab in
      let (procedures, _) = try await lab.procedures()
      let wanted = ProcedureDocument()
      let (other, _) = try await lab.procedures()
      let document = try wanted.document()
      async let first = Self.outcome { try await procedures.apply(document) }
      async let second = Self.outcome { try await other.apply(document) }
      // Whoever comes second finds the lock taken: a creation takes far longer than the start of the other.
      let outcomes = await [first, second].sorted()
      #expect(outcomes[1] == "ok" && outcomes[0].contains("is being changed by another process"), "\(outcomes)")
      let pair = try ProcedureDocument(topology: "ACTIVE_STANDBY").document()
      await #expect(throws: ProcedureError.self) { try await procedures.apply(pair) }
      let outdated = try await procedures.plan(ProcedureDocument(limit: 5).document())
      try await procedures.apply(ProcedureDocument(limit: 6).document())
      await #expect(throws: ProcedureError.self) { try await procedures.execute(outdated) }
      try await procedures.delete(ProcedureDocument.id)
      await #expect(throws: ProcedureError.self) { try await procedures.delete(ProcedureDocument.id) }
    }
  }
}

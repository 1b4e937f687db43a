// `amphora-agent status` as a process in an amphora that serves.

import AmphoraAgent
import AmphoraLab
import AmphoraProtocol
import FoundationEssentials
import Testing
import TestSupport

extension LiveAmphora {
  /// Runs the command without a terminal; blanks separate the arguments.
  func status(_ arguments: String = "", columns: Int = 80) async throws -> String {
    let result = try await run("/usr/bin/env COLUMNS=\(columns) \(vm.agent) status \(arguments)")
    try #require(result.isSuccess, "\(result.output)")
    return result.output
  }

  func statusJSON() async throws -> AmphoraSnapshot {
    try JSONDecoder().decode(AmphoraSnapshot.self, from: Data(try await status("--json").utf8))
  }
}

@Suite(.live, .timeLimit(.minutes(3))) struct StatusProgramTests {
  @Test func `the screen finds the member that is down and says why, also while the agent is down`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      try await stage.waitForTraffic()
      try await poll("both members up") {
        try await amphora.statusJSON().loadBalancers.first?.pools.first?.members.map(\.state) == ["UP", "UP"]
      }
      stage.members[1].stop()
      try await poll("a member down") {
        try await amphora.statusJSON().loadBalancers.first?.pools.first?.members.map(\.state) == ["UP", "DOWN"]
      }
      for agentRuns in [true, false] {
        if !agentRuns { try await amphora.crashAgent() }
        let snapshot = try await amphora.statusJSON()
        #expect(snapshot.amphoraID == amphora.id.text && snapshot.agent.service.isUp == agentRuns)
        try expectServing(snapshot, stage)
        for columns in [80, 160] {
          let text = try await amphora.status(columns: columns)
          #expect(text.contains("Layer4 connection problem: Connection refused"), "\(text)")
          #expect(text.contains("1 of 2 members is not up") && text.contains("10.0.1.22:8080"), "\(text)")
          #expect(text.contains("!! the agent does not run") == !agentRuns, "\(text)")
          #expect(!text.contains("\u{1B}"))
          #expect(text.split(separator: "\n").allSatisfy { $0.count <= columns }, "\(text)")
        }
      }
    }
  }

  private func expectServing(_ snapshot: AmphoraSnapshot, _ stage: LiveStage) throws {
    let balancer = try #require(snapshot.loadBalancers.first)
    #expect(balancer.id == stage.id.text && balancer.service.isUp && balancer.service.pid == stage.running)
    #expect(balancer.problems == [] && !balancer.isUntried && balancer.workerUptime != nil)
    let listener = try #require(balancer.listeners.first)
    #expect(listener.binds == ["\(LiveStage.vip):80"] && listener.state == "OPEN" && listener.sessionLimit == 2000)
    let member = try #require(balancer.pools.first?.members.last)
    #expect(member.address == "10.0.1.22:8080" && member.timesDown == 1 && member.check == "L4CON")
    let links = Dictionary(uniqueKeysWithValues: snapshot.network.interfaces.map { ($0.name, $0) })
    #expect(links["eth1"]?.mac == "fa:16:3e:00:00:01" && links["eth1"]?.mtu == 1450 && links["eth1"]?.link == "up")
    #expect(links["eth1"]?.addresses.contains("\(LiveStage.vip)/32") == true, "\(links)")
    #expect(links["eth2"]?.addresses == ["10.0.1.5/24"])
    #expect(snapshot.network.rules.contains { $0.contains("from \(LiveStage.vip)/32 lookup 1") })
    #expect(snapshot.network.routes.contains { $0.table == 1 && $0.destination == "default" })
    #expect(try #require(snapshot.network.addressAges[LiveStage.vip]) >= 0)
    let own = try #require(snapshot.certificates.first { $0.owner == "agent" })
    #expect(own.problem == nil && own.subject == stage.amphora.id.text)
  }
}

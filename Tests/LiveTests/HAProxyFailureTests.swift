// What goes wrong after a configuration was accepted: the reason comes back, and traffic goes on with what ran before
// (contract agent-api §3.6, §5 W13, W29).

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(2))) struct HAProxyFailureTests {
  /// Takes a port in the traffic namespace, without SO_REUSEPORT, so that haproxy cannot have it.
  private func occupy(_ port: Int, _ amphora: LiveAmphora) async throws -> ChildProcess {
    let program = try amphora.vm.start(
      [
        "/sbin/ip", "netns", "exec", "amphora-haproxy", "/usr/bin/openssl", "s_server", "-nocert", "-accept",
        "\(LiveStage.vip):\(port)",
      ], log: "port-\(port).log")
    try await poll("the port to be taken") {
      try await amphora.run("/sbin/ip netns exec amphora-haproxy /bin/ss -Htln").output.contains(":\(port) ")
    }
    return program
  }

  private func free(_ program: ChildProcess, _ amphora: LiveAmphora) async throws {
    try await amphora.killAll("openssl")
    _ = await program.exitStatus()
  }

  @Test func `a first start whose port is taken is 500 with haproxy's reason`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.upload()
      let program = try await occupy(80, amphora)
      for action in ["start", "reload"] {
        let answer = try await amphora.send("PUT", "/1.0/loadbalancer/\(stage.id)/\(action)")
        #expect(answer.status == 500)
        #expect(try answer.json.keys == ["message", "details"])
        #expect(try answer.json.string("message") == "Error starting haproxy")
        #expect(try answer.json.string("details").contains("cannot bind socket"), "\(answer.text)")
      }
      try await amphora.expectNone("haproxy")
      #expect(amphora.exists("\(stage.folder)/haproxy.cfg"), "there is none to go back to")
      try await free(program, amphora)
      try await amphora.client.control(stage.object, .start)
      try await stage.waitForTraffic()
    }
  }

  @Test func `a reload whose port is taken is 500, and the former configuration goes on`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      try await stage.waitForTraffic()
      let (good, master) = (amphora.text("\(stage.folder)/haproxy.cfg"), stage.running)
      let program = try await occupy(81, amphora)
      stage.balancer.port = 81
      try await stage.upload()
      let answer = try await amphora.send("PUT", "/1.0/loadbalancer/\(stage.id)/reload")
      #expect(answer.status == 500)
      #expect(try answer.json.string("message") == "Error reloading haproxy")
      #expect(try answer.json.string("details").contains("cannot bind socket"), "\(answer.text)")
      #expect(amphora.text("\(stage.folder)/haproxy.cfg") == good)
      #expect(amphora.text("\(stage.folder)/haproxy.cfg.new-failed") == (try stage.balancer.haproxyConfiguration()))

      stage.balancer.port = 80
      #expect(stage.running == master)
      try await stage.waitForTraffic()
      // The same order succeeds once the port is free.
      try await free(program, amphora)
      stage.balancer.port = 81
      try await stage.deploy()
      try await stage.waitForTraffic()
    }
  }

  @Test func `a start whose port is taken goes back to what ran before`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      try await amphora.client.control(stage.object, .stop)
      let program = try await occupy(81, amphora)
      stage.balancer.port = 81
      try await stage.upload()
      let answer = try await amphora.send("PUT", "/1.0/loadbalancer/\(stage.id)/start")
      #expect(answer.status == 500)
      #expect(try answer.json.string("message") == "Error starting haproxy")
      stage.balancer.port = 80
      try await stage.waitForTraffic()
      try await free(program, amphora)
    }
  }

  @Test func `a haproxy that is killed comes back`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      try await stage.waitForTraffic()
      for round in 1...2 {
        let before = try await amphora.processes("haproxy")
        try await amphora.killAll("haproxy")
        try await poll("a new haproxy after kill \(round)") {
          guard let pid = stage.running, !before.contains(pid) else { return false }
          return try await amphora.processes("haproxy").contains(pid)
        }
        try await stage.waitForTraffic()
      }
      try expect(
        await amphora.send("PUT", "/1.0/loadbalancer/\(stage.id)/reload"), 202,
        "{\"message\": \"OK\", \"details\": \"Listener \(stage.id) reloaded\"}")
    }
  }

  @Test func `a haproxy that was stopped on request stays stopped`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      try await amphora.client.control(stage.object, .stop)
      try await amphora.crashAgent()
      try await amphora.expectNone("haproxy")
      // The next agent has nothing to do at its start, so a load balancer beside it shows when that is over.
      let other = freshID()
      try await amphora.startAgent()
      try await amphora.client.uploadHAProxy(HAProxyUploadTests.idle(other), loadBalancer: other)
      try await amphora.client.control(ServiceObjectID(unchecked: other.text), .start)
      #expect(try await amphora.client.details().haproxyCount == 1)
      try expect(
        await amphora.send("PUT", "/1.0/loadbalancer/\(stage.id)/reload"), 202,
        "{\"message\": \"OK\", \"details\": \"Configuration file is valid\\nhaproxy daemon for \(stage.id) started\"}")
      try await stage.waitForTraffic()
    }
  }

  @Test func `a state that cannot be saved does not stop the reload`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      try await stage.waitForTraffic()
      let workers = Set(try await amphora.processes("haproxy"))
      let result = try await amphora.run("/bin/mkdir \(stage.folder)/servers-state")
      try #require(result.isSuccess)
      try expect(
        await amphora.send("PUT", "/1.0/loadbalancer/\(stage.id)/reload"), 202,
        "{\"message\": \"OK\", \"details\": \"Listener \(stage.id) reloaded\"}")
      #expect(Set(try await amphora.processes("haproxy")) != workers)
      #expect(amphora.agentLog.contains("servers' state not saved before the reload"))
      try await stage.waitForTraffic()
    }
  }

  @Test func `an agent that was killed adopts haproxy and goes on`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      try await stage.waitForTraffic()
      let master = stage.running
      try await amphora.crashAgent()
      #expect(try await stage.get().status == 200, "traffic does not need the agent")
      try await amphora.startAgent()
      #expect(try await amphora.client.details().haproxyCount == 1)
      stage.balancer.connectionLimit = 1998
      try await stage.upload()
      try expect(
        await amphora.send("PUT", "/1.0/loadbalancer/\(stage.id)/reload"), 202,
        "{\"message\": \"OK\", \"details\": \"Listener \(stage.id) reloaded\"}")
      #expect(stage.running == master)
      #expect(try await stage.get().status == 200)
      // It is watched again: killed, it comes back.
      try await amphora.killAll("haproxy")
      try await poll("a new haproxy") { stage.running != nil && stage.running != master }
      try await stage.waitForTraffic()
      try await amphora.client.deleteService(stage.object)
      try await amphora.expectNone("haproxy")
    }
  }

  @Test func `an agent that is asked to end exits 0 and leaves haproxy running`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      try await stage.waitForTraffic()
      let master = stage.running
      #expect(try await amphora.stopAgent() == 0)
      #expect(try await stage.get().status == 200)
      #expect(stage.running == master)
      try await amphora.startAgent()
      #expect(stage.running == master)
    }
  }

  @Test func `a haproxy that died while the agent was away is started by the next agent`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      try await amphora.crashAgent()
      try await amphora.killAll("haproxy")
      #expect(try await stage.get().status == nil)
      try await amphora.startAgent()
      try await stage.waitForTraffic()
    }
  }

  @Test func `a reload that hangs keeps neither reads nor other objects waiting, and a repetition joins it`()
    async throws
  {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      let pids = try await amphora.processes("haproxy")
      for pid in pids { try await amphora.kill(pid, "STOP") }
      let path = "/1.0/loadbalancer/\(stage.id)/reload"
      async let first = amphora.send("PUT", path)
      async let second = amphora.send("PUT", path)
      let start = ContinuousClock.now
      for path in ["/", "/1.0/info", "/1.0/details", "/1.0/listeners", "/1.0/loadbalancer/\(stage.id)/haproxy"] {
        #expect(try await amphora.send("GET", path).status == 200)
      }
      let other = freshID()
      try await amphora.client.uploadHAProxy(HAProxyUploadTests.idle(other), loadBalancer: other)
      #expect(ContinuousClock.now - start < .seconds(2))
      for pid in pids { try await amphora.kill(pid, "CONT") }
      for answer in try await [first, second] {
        try expect(answer, 202, "{\"message\": \"OK\", \"details\": \"Listener \(stage.id) reloaded\"}")
      }
      try await stage.waitForTraffic()
    }
  }
}

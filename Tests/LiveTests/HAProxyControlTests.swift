// start, stop, reload and delete with a real haproxy (contract agent-api §3.6, §3.7; services §2).

import AmphoraAgent
import AmphoraController
import AmphoraCrypto
import AmphoraLab
import AmphoraProtocol
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(2))) struct HAProxyControlTests {
  private func started(_ stage: LiveStage) -> String {
    "{\"message\": \"OK\", \"details\": \"Configuration file is valid\\nhaproxy daemon for \(stage.id) started\"}"
  }

  private func done(_ stage: LiveStage, _ what: String) -> String {
    "{\"message\": \"OK\", \"details\": \"Listener \(stage.id) \(what)\"}"
  }

  private func control(_ stage: LiveStage, _ action: String) async throws -> AgentAnswer {
    try await stage.amphora.send("PUT", "/1.0/loadbalancer/\(stage.id)/\(action)")
  }

  @Test func `the first reload starts haproxy with the contract's command line`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.upload()
      try expect(await control(stage, "reload"), 202, started(stage))
      let pid = try #require(stage.running)
      #expect(
        try await amphora.commandLine(pid) == [
          "/usr/sbin/haproxy", "-Ws", "-f", "\(stage.folder)/haproxy.cfg", "-f",
          "/var/lib/octavia/haproxy-default-user-group.conf", "-p", "\(stage.folder)/\(stage.id).pid", "-L",
          PeerName.of(amphoraID: amphora.id.text),
        ])
      #expect(amphora.mode("/var/lib/octavia/\(stage.id).sock") == "666")
      #expect(try await amphora.client.details().haproxyCount == 1)
      // haproxy's processes talk over the loopback, and a standby binds a VIP that it does not hold.
      #expect(try await amphora.ip("-o address show dev lo").joined().contains("inet 127.0.0.1/8"))
      for setting in ["ipv4/ip_forward", "ipv6/conf/all/forwarding", "ipv4/ip_nonlocal_bind", "ipv6/ip_nonlocal_bind"] {
        let value = try await amphora.run("/sbin/ip netns exec amphora-haproxy /bin/cat /proc/sys/net/\(setting)")
        #expect(value.output == "1\n", "\(setting)")
      }
      try await stage.waitForTraffic()
    }
  }

  @Test func `reads are answered while a change of the same object runs`() async throws {
    try await withAmphora(starts: false) { amphora in
      // haproxy, which judges an upload, takes as long as the test wants.
      let script = """
        #!/bin/bash
        if [ -e /run/hold ]; then touch /run/held; while [ -e /run/hold ]; do sleep 0.02; done; fi
        exec /usr/sbin/haproxy "$@"
        """
      try await amphora.write(script, to: "/run/bin/slow-haproxy", mode: 0o755)
      try await amphora.configure((of: "haproxy_cmd = /usr/sbin/haproxy", with: "haproxy_cmd = /run/bin/slow-haproxy"))
      try await amphora.startAgent()
      try await VRRPTests.plug(amphora)
      let (id, file) = (freshID(), try #require(CertificateFileName("a.pem")))
      let text = HAProxyUploadTests.idle(id)
      try await amphora.client.uploadHAProxy(text, loadBalancer: id)
      try await amphora.client.putCertificate([1], loadBalancer: id, file: file)

      try await amphora.write("", to: "/run/hold")
      let change = Task { try await amphora.client.uploadHAProxy(text + "# new\n", loadBalancer: id) }
      try await poll("the change is at work") { amphora.exists("/run/held") }
      for path in [
        "/", "/1.0/info", "/1.0/details", "/1.0/listeners", "/1.0/loadbalancer/\(id)/haproxy",
        "/1.0/loadbalancer/\(id)/certificates/a.pem", "/1.0/interface/203.0.113.4",
      ] {
        #expect(try await amphora.send("GET", path).status == 200, "\(path)")
      }
      #expect(amphora.text("/var/lib/octavia/\(id)/haproxy.cfg") == text, "the change still runs")
      _ = try await amphora.run("/bin/rm /run/hold")
      _ = try await change.value
      #expect(amphora.text("/var/lib/octavia/\(id)/haproxy.cfg") == text + "# new\n")
    }
  }

  @Test func `actions may be repeated and are compared without regard to case`() async throws {
    try await withStage { stage in
      try await stage.upload()
      try expect(await control(stage, "STOP"), 202, done(stage, "stoped"))
      try expect(await control(stage, "START"), 202, started(stage))
      let master = try #require(stage.running)
      try expect(await control(stage, "start"), 202, started(stage))
      #expect(stage.running == master, "a start of what runs changes nothing")
      for action in ["reload", "ReLoad"] { try expect(await control(stage, action), 202, done(stage, "reloaded")) }
      #expect(stage.running == master, "the master process stays")
      for _ in 1...2 { try expect(await control(stage, "stop"), 202, done(stage, "stoped")) }
      try await stage.amphora.expectNone("haproxy")
      #expect(try await stage.get().status == nil)
      try expect(await control(stage, "start"), 202, started(stage))
      try await stage.waitForTraffic()
    }
  }

  @Test func `an unknown load balancer is 404 for each action and 200 for a delete`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let id = freshID()
    for action in ["start", "stop", "reload"] {
      try expect(
        await amphora.send("PUT", "/1.0/loadbalancer/\(id)/\(action)"), 404,
        "{\"message\": \"Loadbalancer Not Found\", \"details\": \"No loadbalancer with UUID: \(id)\"}")
    }
    for _ in 1...2 { try expect(await amphora.send("DELETE", "/1.0/listeners/\(id)"), 200, #"{"message": "OK"}"#) }
    #expect(!amphora.exists("/var/lib/octavia/\(id)"))
  }

  @Test func `a reload brings a new worker, and members keep their state`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      try await stage.waitForTraffic()
      #expect(!amphora.exists("\(stage.folder)/servers-state"), "nothing to save at the first start")
      let workers = Set(try await amphora.processes("haproxy"))
      stage.balancer.connectionLimit = 1999
      try await stage.deploy()
      let state = try #require(amphora.text("\(stage.folder)/servers-state"))
      #expect(state.hasPrefix("1\n# be_id be_name srv_id srv_name srv_addr"))
      #expect(state.hasSuffix("\n") && !state.hasSuffix("\n\n"))
      #expect(amphora.mode("\(stage.folder)/servers-state") == "644")
      #expect(amphora.text("\(stage.folder)/haproxy.cfg")?.contains("maxconn 1999") == true)
      try await poll("the old worker's end") { Set(try await amphora.processes("haproxy")).count == workers.count }
      #expect(Set(try await amphora.processes("haproxy")) != workers)
      #expect(try await stage.get().status == 200, "no health check needed first")
    }
  }

  @Test func `the same reload many times at once is answered each time`() async throws {
    try await withStage { stage in
      try await stage.deploy()
      try await stage.waitForTraffic()
      let master = stage.running
      let answers = try await withThrowingTaskGroup(of: AgentAnswer.self) { group in
        for _ in 0..<10 { group.addTask { try await control(stage, "reload") } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      for answer in answers { try expect(answer, 202, done(stage, "reloaded")) }
      #expect(stage.running == master)
      #expect(try await stage.get().status == 200)
    }
  }

  @Test func `different orders at once end in one clear state`() async throws {
    try await withStage { stage in
      try await stage.deploy()
      try await withThrowingTaskGroup(of: Int.self) { group in
        for action in ["stop", "start", "reload", "stop", "reload", "start"] {
          group.addTask { try await control(stage, action).status }
        }
        for try await status in group { #expect(status == 202) }
      }
      let isRunning = try await stage.amphora.client.details().haproxyCount == 1
      try expect(await control(stage, "reload"), 202, isRunning ? done(stage, "reloaded") : started(stage))
      try await stage.waitForTraffic()
    }
  }

  @Test func `requests go through while haproxy is reloaded`() async throws {
    try await withStage { stage in
      try await stage.deploy()
      try await stage.waitForTraffic()
      let load = Task {
        var results: [ProbeResult] = []
        while !Task.isCancelled { results.append(try await stage.get()) }
        return results
      }
      for limit in 1...5 {
        stage.balancer.connectionLimit = 2000 + limit
        try await stage.deploy()
      }
      load.cancel()
      let results = try await load.value
      #expect(results.count > 10)
      let failed = results.filter { $0.status != 200 }
      #expect(failed.isEmpty, "\(failed.count) of \(results.count), first: \(failed.first.map { "\($0)" } ?? "")")
    }
  }

  @Test func `a delete removes everything and may be repeated`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      let before = try await amphora.tree().filter { !$0.contains("stats_counters") }
      try await amphora.client.putCertificate([1], loadBalancer: stage.id, file: #require(CertificateFileName("a.pem")))
      try await stage.deploy()
      try await stage.deploy()
      try await stage.waitForTraffic()
      for _ in 1...2 {
        try expect(await amphora.send("DELETE", "/1.0/listeners/\(stage.id)"), 200, #"{"message": "OK"}"#)
      }
      try await amphora.expectNone("haproxy")
      #expect(try await stage.get().status == nil)
      let left = try await amphora.tree().filter { !$0.contains("stats_counters") }
      let empty = ["/var/lib/octavia/certs", "/var/lib/octavia/services"].map { amphora.vm.outside($0) }
      #expect(left.filter { !empty.contains($0) } == before.filter { !empty.contains($0) })
      #expect(try await amphora.client.listListeners() == [])
      #expect(try await amphora.send("GET", "/1.0/loadbalancer/\(stage.id)/haproxy").status == 404)
      // And again from the beginning.
      try await stage.deploy()
      try await stage.waitForTraffic()
    }
  }

  @Test func `details count what runs, with bytes per interface`() async throws {
    try await withStage { stage in
      try await stage.deploy()
      try await stage.waitForTraffic()
      let details = try await stage.amphora.client.details()
      #expect(details.haproxyCount == 1)
      #expect(details.listeners == [stage.balancer.listener])
      #expect(details.networks.keys.sorted() == ["eth1", "eth2"])
      for (name, counters) in details.networks {
        #expect(counters.networkRx > 0 && counters.networkTx > 0, "\(name)")
      }
      try await stage.amphora.client.control(stage.object, .stop)
      #expect(try await stage.amphora.client.details().haproxyCount == 0)
    }
  }
}

// What operators ask a running agent: its control socket, the log level, request ids, SIGUSR1.

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import FoundationEssentials
import Glibc
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(2))) struct ControlTests {
  /// What the socket says, asked from outside: its path is an ordinary one there.
  private func status(_ amphora: LiveAmphora) throws -> AgentStatus {
    try AgentControl.status(AgentPaths(runtime: amphora.vm.outside("/run/amphora-agent")))
  }

  private func logLevel(_ amphora: LiveAmphora, _ arguments: String = "") async throws -> CommandResult {
    try await amphora.run("\(amphora.vm.agent) log-level \(arguments)")
  }

  @Test func `the status tells what was done`() async throws {
    let watch = try await HeartbeatWatch()
    var settings = LabAmphora.Settings()
    settings.controllers = watch.destination
    try await withStage(settings) { stage in
      let amphora = stage.amphora
      _ = try await watch.next("the first")
      let before = try status(amphora)
      #expect(before.reloads == [:])
      try await stage.deploy()
      // A start is no reload; this is one.
      try await stage.deploy()
      let answer = try await amphora.send("GET", "/1.0/nothing")
      let after = try status(amphora)
      #expect(after.requests == before.requests + 5)
      let last = try #require(after.lastRequest)
      #expect(last.method == "GET" && last.path == "/1.0/nothing" && last.status == 404 && last.client == "192.168.0.1")
      #expect(last.id == answer.header("X-Request-Id"))
      #expect(last.time >= after.started && last.time <= Double(time(nil)) + 1)
      let reloads = try #require(after.reloads[stage.id.text])
      #expect(reloads.count == 1 && reloads.lastOutcome == "reloaded" && reloads.milliseconds > 0)
      let heartbeat = try #require(after.lastHeartbeat)
      #expect(heartbeat.destination == watch.destination && after.heartbeatSilence == nil)
      #expect(after.heartbeatsSent >= 1 && heartbeat.bytes > 0)
      #expect(after.version == AgentVersion.current && after.logLevel == "debug" && after.logLevelUntil == nil)
      #expect(after.requestsInProgress == [] && (after.openFiles ?? 0) > 5)
      try await amphora.client.deleteService(stage.object)
      #expect(try status(amphora).reloads == [:], "a deleted load balancer is forgotten")
    }
    try await watch.receiver.close()
  }

  @Test func `a request at work is shown with what it holds`() async throws {
    try await withAmphora(starts: false) { amphora in
      // haproxy, which judges an upload, takes as long as the test wants.
      let slow = """
        #!/bin/sh
        while [ ! -e /run/go ]; do sleep 0.05; done
        exec /usr/sbin/haproxy "$@"
        """
      try await amphora.write(slow, to: "/run/bin/slow-haproxy", mode: 0o755)
      try await amphora.configure((of: "haproxy_cmd = /usr/sbin/haproxy", with: "haproxy_cmd = /run/bin/slow-haproxy"))
      try await amphora.startAgent()
      let id = freshID()
      async let upload: Void = amphora.client.uploadHAProxy(HAProxyUploadTests.idle(id), loadBalancer: id)
      let work = try await poll("the upload's turn") {
        try status(amphora).requestsInProgress?.first { $0.state == "holding" }
      }
      #expect(work.method == "PUT" && work.lane == id.text && work.path.hasSuffix("/\(id)/haproxy"))
      try signal(amphora)
      let line = try await poll("the dump") { lines(amphora, "state of a request ").first }
      #expect(line.contains(" id=\(work.id) ") && line.contains(" lane=\(id) ") && line.contains(" state=holding "))
      try await amphora.write("", to: "/run/go")
      try await upload
      #expect(try status(amphora).requestsInProgress == [])
    }
  }

  private func signal(_ amphora: LiveAmphora) throws { #expect(kill(try #require(amphora.agentPID), SIGUSR1) == 0) }

  private func lines(_ amphora: LiveAmphora, _ text: String) -> [String] {
    amphora.agentLog.split(separator: "\n").map(String.init).filter { $0.contains(text) }
  }

  @Test func `the socket is root's, and whoever is not is told so`() async throws {
    try await withAmphora { amphora in
      #expect(amphora.mode("/run/amphora-agent/control.sock") == "600")
      let asNobody = "/usr/bin/setpriv --reuid=65534 --regid=65534 --clear-groups \(amphora.vm.agent) log-level"
      let barred = try await amphora.run(asNobody)
      #expect(barred.status == 1)
      #expect(barred.output.contains("only root may ask the agent (/run/amphora-agent/control.sock)"))
      _ = try await amphora.run("/bin/chmod 666 /run/amphora-agent/control.sock")
      let refused = try await amphora.run(asNobody)
      #expect(refused.status == 1)
      #expect(refused.output == "amphora-agent log-level: the agent refuses: only root may ask\n")
      #expect(try await logLevel(amphora).isSuccess)
    }
  }

  @Test func `the log level goes up for a time and falls back`() async throws {
    try await withAmphora { amphora in
      let old = amphora.machine.configuration
      let quiet = old.replacing("debug = True", with: "debug = False")
      try await amphora.client.updateConfiguration(quiet)
      /// A refused handshake is worth a line at level DEBUG only; whether it has come once a later request is logged.
      func isLogged() async throws -> Bool {
        let before = lines(amphora, "connection ended").count
        let connection = try amphora.connect(anonymous: true)
        try? connection.send("x")
        _ = try await connection.readToEnd()
        return
          (try? await poll("a line", within: .milliseconds(500)) { lines(amphora, "connection ended").count > before })
          != nil
      }
      #expect(try await logLevel(amphora).output == "info, as configured\n")
      #expect(try await !isLogged())
      let set = try await logLevel(amphora, "debug --for 10m")
      #expect(set.isSuccess && set.output.hasPrefix("debug for another ") && set.output.hasSuffix(", then info\n"))
      try await poll("a line at level debug") { try await isLogged() }
      // A configuration that says nothing new about the level leaves it; one that does is the later word.
      try await amphora.client.updateConfiguration(quiet + "\n")
      #expect(try await isLogged())
      try await amphora.client.updateConfiguration(old)
      #expect(try await logLevel(amphora, "--json").output == "{\"configured\":\"debug\",\"level\":\"debug\"}\n")
      try await amphora.client.updateConfiguration(quiet)
      #expect(try await logLevel(amphora, "debug --for 1s").isSuccess)
      try await poll("the end of the second") { try await logLevel(amphora).output == "info, as configured\n" }
      #expect(try await !isLogged())
      #expect(lines(amphora, "log level set").count == 2)
      #expect(lines(amphora, "log level is the configured one again").count == 1)
      #expect(try await logLevel(amphora, "debug").isSuccess)
      #expect(try await logLevel(amphora, "configured").output == "info, as configured\n")
    }
  }

  @Test func `without an agent the command says so, and wrong arguments are refused`() async throws {
    try await withAmphora { amphora in
      for wrong in ["loud", "debug --for 10", "debug --for 25h", "debug --for 0s"] {
        #expect(try await logLevel(amphora, wrong).status == 64, "\(wrong)")
      }
      try await amphora.crashAgent()
      let crashed = try await logLevel(amphora)
      #expect(crashed.status == 1)
      #expect(
        crashed.output
          == "amphora-agent log-level: the agent is not running: nobody listens on /run/amphora-agent/control.sock\n")
      try await amphora.startAgent()
      try await poll("an answer") { try await logLevel(amphora).isSuccess }
      #expect(try await amphora.stopAgent() == 0)
      #expect(!amphora.exists("/run/amphora-agent/control.sock"))
      #expect(try await logLevel(amphora).status == 1)
    }
  }

  @Test func `the id in a response's header is on every line about the request`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      try await stage.upload()
      let path = "/1.0/loadbalancer/\(stage.id)/reload"
      let answer = try await amphora.client.raw(
        method: "PUT", path: path, headers: [("X-Request-Id", "r0 forged level=error")], body: [])
      let id = try #require(answer.header("X-Request-Id"))
      #expect(answer.status == 202)
      let access = try await poll("the access line") { lines(amphora, "PUT \(path) 202 ").first { $0.contains(id) } }
      #expect(access.hasSuffix(" request=\(id)"))
      #expect(!amphora.agentLog.contains("forged"))
      let other = try #require(try await amphora.send("GET", "/1.0/nothing").header("X-Request-Id"))
      #expect(other != id)
      let refused = try await poll("why") {
        lines(amphora, "request refused").first { $0.contains(" request=\(other) ") }
      }
      #expect(refused.contains("status=404"))
      // Other processes' requests in the same journal have other ids.
      #expect(try await amphora.stopAgent() == 0)
      try await amphora.startAgent()
      let later = try #require(try await amphora.send("GET", "/1.0/info").header("X-Request-Id"))
      #expect(later.split(separator: "-").first != id.split(separator: "-").first)
    }
  }

  @Test func `SIGUSR1 writes the state and disturbs nobody`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      try await stage.deploy()
      try signal(amphora)
      for (text, parts) in [
        (
          " state connections=",
          [" files=", " level=\"debug, as configured\"", " uptime=", " version=\(AgentVersion.current)"]
        ),
        (" state of requests ", [" answered=", " in_progress=0", " last=\"r"]),
        (" state of heartbeats ", [" sent=", " silence=", " send_errors="]),
        (" state of reloads ", [" count=1 ", " lb=\(stage.id) ", " last=reloaded "]),
      ] {
        let line = try await poll(text) { lines(amphora, text).first }
        for part in parts { #expect(line.contains(part), "\(line)") }
      }
      #expect(!amphora.agentLog.contains("heartbeat key"))
      // However often it comes, there is a dump a second at most, and requests go on.
      let start = ContinuousClock.now
      for _ in 0..<20 {
        try signal(amphora)
        #expect(try await amphora.client.discover() == "1.0")
      }
      let most = Int((ContinuousClock.now - start) / .seconds(1)) + 2
      #expect(lines(amphora, " state connections=").count <= most)
      #expect(try await stage.get().status == 200)
      #expect(try await amphora.stopAgent() == 0)
    }
  }
}

// GET /1.0/health: ready, and degraded for each fault by its name. Each fault is made for real.

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Glibc
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(2))) struct HealthTests {
  /// Waits until exactly these checks fail: a result holds for a second.
  private func expectFailing(
    _ amphora: LiveAmphora, _ names: Set<String>, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    var last = ""
    do {
      try await poll("the checks that fail") {
        let answer = try await amphora.send("GET", "/1.0/health")
        last = answer.text
        #expect(answer.header("Content-Type") == "application/json")
        let body = try await amphora.client.health()
        let isReady = names.isEmpty
        return (answer.status == (isReady ? 200 : 503)) && body.status == (isReady ? .ready : .degraded)
          && Set(body.checks.filter { $0.status == .fail }.map(\.name)) == names
      }
    } catch {
      Issue.record("\(error), last: \(last)", sourceLocation: sourceLocation)
    }
  }

  @Test func `an amphora is ready, with a haproxy that hangs it is not, and then it is again`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await expectFailing(amphora, [])
      try await stage.deploy()
      try await expectFailing(amphora, [])
      // A result holds for a second: the one above may be from before the load balancer.
      let names = ["namespace", "disk", "certificate", "vrrp", "heartbeat", "haproxy \(stage.id)"]
      try await poll("its check") { try await amphora.client.health().checks.map(\.name) == names }
      let processes = try await amphora.processes("haproxy")
      for pid in processes { try await amphora.kill(pid, "STOP") }
      try await expectFailing(amphora, ["haproxy \(stage.id)"])
      let start = ContinuousClock.now
      let detail = try await amphora.client.health().checks.last?.detail ?? ""
      #expect(detail.contains("\(stage.id).sock did not finish its answer in time"), "\(detail)")
      #expect(ContinuousClock.now - start < .seconds(2))
      for pid in processes { try await amphora.kill(pid, "CONT") }
      try await expectFailing(amphora, [])
      // What was stopped on request is well.
      try await amphora.client.control(stage.object, .stop)
      try await expectFailing(amphora, [])
      try await poll("its word") { try await amphora.client.health().checks.last?.detail == "stopped on request" }
      try await expectFailing(amphora, [])
    }
  }

  @Test func `each fault is named`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      try await expectFailing(amphora, [])
      // A certificate of six days, and one that is over.
      let pem = try #require(amphora.text("/etc/octavia/certs/server.pem"))
      let short = try amphora.lab.serverCA.issueAmphoraCertificate(id: amphora.id, validity: .seconds(6 * 86_400)).pem
      try await amphora.write(short, to: "/etc/octavia/certs/server.pem", mode: 0o600)
      try await expectFailing(amphora, ["certificate"])
      try await amphora.write("nothing", to: "/etc/octavia/certs/server.pem", mode: 0o600)
      try await expectFailing(amphora, ["certificate"])
      try await amphora.write(pem, to: "/etc/octavia/certs/server.pem", mode: 0o600)
      try await expectFailing(amphora, [])
      // keepalived that is set up and does not run silences the heartbeat on purpose.
      try await amphora.write("vrrp_instance x {}\n", to: "/var/lib/octavia/vrrp/octavia-keepalived.conf")
      try await expectFailing(amphora, ["vrrp", "heartbeat"])
      _ = try await amphora.run("/bin/rm /var/lib/octavia/vrrp/octavia-keepalived.conf")
      try await expectFailing(amphora, [])
      // The namespace's name is gone; what runs in it goes on.
      _ = try await amphora.run("/bin/umount /run/netns/amphora-haproxy")
      try await expectFailing(amphora, ["namespace"])
    }
  }

  @Test func `no disk space is a fault`() async throws {
    try await withAmphora(starts: false) { amphora in
      let script = """
        cp -a /var/lib/octavia /run/copy && mount -t tmpfs -o size=2m,mode=755 disk /var/lib/octavia \
        && cp -a /run/copy/. /var/lib/octavia
        """
      try #require(try await amphora.vm.run(["/bin/bash", "-c", script]).isSuccess)
      try await amphora.startAgent()
      try await expectFailing(amphora, [])
      _ = try await amphora.run("/bin/dd if=/dev/zero of=/var/lib/octavia/ballast bs=4096")
      try await expectFailing(amphora, ["disk"])
      _ = try await amphora.run("/bin/rm /var/lib/octavia/ballast")
      try await expectFailing(amphora, [])
    }
  }

  @Test func `heartbeats that nobody can resolve are a fault, none that are wanted are not`() async throws {
    var settings = LabAmphora.Settings()
    settings.controllers = "nobody.invalid:5555"
    try await withAmphora(settings) { amphora in
      // The first is due for some seconds.
      try await expectFailing(amphora, ["heartbeat"])
      try await amphora.client.updateConfiguration(
        amphora.machine.configuration.replacing("controller_ip_port_list = nobody.invalid:5555", with: ""))
      try await expectFailing(amphora, [])
    }
  }

  @Test func `it is a route as any other`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    for path in ["/1.0/health", "/1.0/health?x=1"] {
      #expect(try await amphora.send("GET", path).status == 200)
      let head = try await amphora.send("HEAD", path)
      #expect(head.status == 200 && head.body == [])
    }
    #expect(try await amphora.send("GET", "/1.0/health/").status == 404)
    let refused = try await amphora.send("PUT", "/1.0/health", "x")
    #expect(refused.status == 405 && refused.header("Allow") == "GET, HEAD, OPTIONS")
    // As load it is no more than any other.
    let start = ContinuousClock.now
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<50 { group.addTask { try await amphora.send("GET", "/1.0/health").status } }
      for try await status in group { #expect(status == 200) }
    }
    #expect(ContinuousClock.now - start < .seconds(20))
  }
}

// `amphora-agent doctor` about haproxy: each fault is made for real, the doctor names it and nothing else, its remedy is
// carried out, and the doctor is content.

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import FoundationEssentials
import Glibc
import Netlink
import Testing
import TestSupport

extension LiveAmphora {
  /// What the command finds about haproxy and keepalived.
  ///
  /// What others look at is not as in an image here: there is no systemd, no clock to be set, no image's files.
  func diagnosis() async throws -> [Finding] {
    let result = try await run("\(vm.agent) doctor --json")
    let report = try JSONDecoder().decode(DoctorReport.self, from: Data(result.output.utf8))
    let names = Set(HAProxyChecks.names + HAProxyChecks.all.map(\.name))
    return report.findings.filter { names.contains($0.check) }
  }

  /// Those that need an act.
  func faults() async throws -> [Finding] { try await diagnosis().filter { $0.verdict != .pass } }

  /// Waits until the doctor finds one fault, and expects nothing else with it.
  func fault(
    _ check: String, _ verdict: Finding.Verdict = .failure, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> Finding {
    try await poll("a fault of \(check)") { try await faults().contains { $0.check == check && $0.verdict == verdict } }
    let all = try await faults()
    #expect(all.map(\.check) == [check], "\(all)", sourceLocation: sourceLocation)
    return try #require(all.first, sourceLocation: sourceLocation)
  }

  /// Runs a remedy that is a command; what follows in brackets explains it.
  func carryOut(_ finding: Finding) async throws {
    let remedy = try #require(finding.remedy)
    let command = remedy.split(separator: " (").first.map(String.init) ?? remedy
    let result = try await run(command)
    #expect(result.isSuccess, "\(command): \(result.output)")
  }

  func expectContent(_ when: String) async throws {
    do {
      try await poll("a content doctor \(when)") { try await faults().isEmpty }
    } catch {
      Issue.record("\(try await faults())")
      throw error
    }
  }
}

@Suite(.live, .timeLimit(.minutes(3))) struct DoctorBalancerTests {
  /// A load balancer with traffic, which the doctor has nothing against.
  private func withContentStage(_ body: (LiveStage) async throws -> Void) async throws {
    try await withStage { stage in
      try await stage.deploy()
      try await stage.waitForTraffic()
      try await stage.amphora.expectContent("at first")
      try await body(stage)
    }
  }

  private func edit(_ stage: LiveStage, _ script: String) async throws {
    let result = try await stage.amphora.vm.run(["/bin/bash", "-c", "cd \(stage.folder) && \(script)"])
    try #require(result.isSuccess, "\(result.output)")
  }

  @Test func `of a load balancer at work all checks pass, and of one that was stopped nothing is wanted`() async throws
  {
    try await withContentStage { stage in
      let checks = try await stage.amphora.diagnosis().map(\.check)
      #expect(
        checks == [
          "haproxy-configuration", "haproxy-process", "haproxy-socket", "haproxy-current", "listeners",
          "haproxy-connections", "haproxy-files", "haproxy-memory", "pools",
        ])
      try await stage.amphora.client.control(stage.object, .stop)
      #expect(try await stage.amphora.diagnosis().map(\.check) == ["haproxy-process"])
      #expect(try await stage.amphora.faults() == [])
    }
  }

  @Test func `haproxy killed with nobody to start it again`() async throws {
    try await withContentStage { stage in
      try await stage.amphora.crashAgent()
      let master = try #require(stage.running)
      try await stage.amphora.killAll("haproxy")
      let fault = try await stage.amphora.fault("haproxy-process")
      #expect(fault.evidence.contains("\(stage.id) does not run: process \(master) of "))
      #expect(fault.remedy?.hasPrefix("start amphora-agent") == true)
      try await stage.amphora.startAgent()
      try await stage.amphora.expectContent("after the agent's start")
    }
  }

  @Test func `the socket's file removed`() async throws {
    try await withContentStage { stage in
      try await edit(stage, "rm /var/lib/octavia/\(stage.id).sock")
      let fault = try await stage.amphora.fault("haproxy-socket")
      #expect(fault.evidence.hasSuffix("No such file or directory"))
      try await stage.amphora.carryOut(fault)
      try await stage.amphora.expectContent("after the restart")
    }
  }

  @Test func `haproxy halted by a signal, so that it does not answer`() async throws {
    try await withContentStage { stage in
      for pid in try await stage.amphora.processes("haproxy") { try await stage.amphora.kill(pid, "STOP") }
      let fault = try await stage.amphora.fault("haproxy-socket")
      #expect(fault.evidence.contains("in time: somebody has halted haproxy"))
      try await stage.amphora.carryOut(fault)
      try await stage.amphora.expectContent("after the signal to go on")
    }
  }

  @Test(arguments: [
    // In place: the copy of the last good one is the same file.
    ("echo '# a remark' >> haproxy.cfg", Finding.Verdict.warning, "was changed after haproxy had read it"),
    (
      "printf 'frontend c1a7b3de-0000-4000-8000-000000000002\\n    mode http\\n    bind 127.0.0.1:81\\n' >> haproxy.cfg",
      .failure, "listener c1a7b3de-0000-4000-8000-000000000002 is in the file only"
    ),
    // With the time of before, as an editor's backup or cp -p gives it.
    (
      "sed '/000000000002 10.0.1.22/d' haproxy.cfg > new && touch -r haproxy.cfg new && mv new haproxy.cfg", .warning,
      "is in haproxy only"
    ),
  ]) func `the configuration changed behind haproxy's back`(
    script: String, verdict: Finding.Verdict, evidence: String
  ) async throws {
    try await withContentStage { stage in
      try await edit(stage, script)
      let fault = try await stage.amphora.fault("haproxy-current", verdict)
      #expect(fault.evidence.contains(evidence), "\(fault)")
      try await stage.amphora.carryOut(fault)
      try await stage.amphora.expectContent("after the reload")
    }
  }

  @Test func `an upload that was not reloaded yet`() async throws {
    try await withContentStage { stage in
      stage.balancer.connectionLimit = 1998
      try await stage.upload()
      let fault = try await stage.amphora.fault("haproxy-current", .warning)
      try await stage.amphora.carryOut(fault)
      try await stage.amphora.expectContent("after the reload")
    }
  }

  @Test func `a configuration that haproxy would not start with`() async throws {
    try await withContentStage { stage in
      try await edit(stage, "sed 's/mode http/mode htttp/' haproxy.cfg > new && mv new haproxy.cfg")
      let fault = try await stage.amphora.fault("haproxy-configuration")
      #expect(fault.evidence.contains("unknown proxy mode 'htttp'") && fault.evidence.contains("goes on"), "\(fault)")
      try await stage.amphora.carryOut(fault)
      try await stage.amphora.expectContent("after the copy")
    }
  }

  @Test func `a broken configuration keeps haproxy from starting: one fault, not two`() async throws {
    try await withContentStage { stage in
      try await stage.amphora.crashAgent()
      try await edit(stage, "sed 's/mode http/mode htttp/' haproxy.cfg > new && mv new haproxy.cfg")
      try await stage.amphora.killAll("haproxy")
      let fault = try await stage.amphora.fault("haproxy-configuration")
      #expect(fault.evidence.hasSuffix("haproxy does not start"))
      let copy = try #require(fault.remedy?.split(separator: ", then: ").first)
      #expect(try await stage.amphora.run(String(copy)).isSuccess)
      try await stage.amphora.startAgent()
      try await stage.amphora.expectContent("after the copy and the agent's start")
    }
  }

  @Test func `one member stopped, then both`() async throws {
    try await withContentStage { stage in
      stage.members[0].stop()
      let one = try await stage.amphora.fault("pools", .warning)
      #expect(
        one.evidence.contains(
          "1 of 2 members down: f0000000-0000-4000-8000-000000000001 at 10.0.1.21:8080 is DOWN: L4CON")
          && one.evidence.contains("Connection refused"), "\(one)")
      stage.members[1].stop()
      let both = try await stage.amphora.fault("pools")
      #expect(both.evidence.contains("no member that is up") && both.evidence.contains("10.0.1.22:8080"), "\(both)")
      let probe = try #require(both.remedy?.split(separator: ": ").last)
      #expect(probe == "ip netns exec amphora-haproxy nc -vz 10.0.1.21 8080")
      for member in stage.members { try member.start() }
      try await stage.amphora.expectContent("after the members' return")
    }
  }

  @Test func `connections at their limit, and near it`() async throws {
    try await withStage { stage in
      stage.balancer.connectionLimit = 20
      try await stage.deploy()
      try await stage.waitForTraffic()
      func connect(_ count: Int) throws -> ChildProcess {
        let script = "for i in $(seq \(count)); do exec {fd}<>/dev/tcp/\(LiveStage.vip)/80; done; exec sleep 100"
        return try ChildProcess(
          ["/sbin/ip", "netns", "exec", stage.client.name, "/bin/bash", "-c", script], output: "/dev/null")
      }
      let first = try connect(18)
      defer { kill(-first.pid, SIGKILL) }
      let near = try await stage.amphora.fault("haproxy-connections", .warning)
      #expect(near.evidence.hasSuffix("is near its limit: 18 of 20 connections"), "\(near)")
      let second = try connect(2)
      defer { kill(-second.pid, SIGKILL) }
      let full = try await stage.amphora.fault("haproxy-connections")
      #expect(full.evidence.hasSuffix("further clients wait: 20 of 20 connections"), "\(full)")
      #expect(
        full.remedy == "openstack loadbalancer listener set --connection-limit 40 \(stage.balancer.listener)")
      // What a controller does for that.
      stage.balancer.connectionLimit = 40
      try await stage.deploy()
      try await stage.amphora.expectContent("with a larger limit")
    }
  }

  @Test func `an upload that haproxy refused, until a good one comes`() async throws {
    try await withContentStage { stage in
      let bad = try stage.balancer.haproxyConfiguration().replacing("balance roundrobin", with: "balance nonsense")
      #expect(try await stage.amphora.send("PUT", stage.haproxyPath, bad).status == 400)
      let fault = try await stage.amphora.fault("haproxy-rejected", .warning)
      #expect(fault.evidence.contains("haproxy.cfg.new-failed") && fault.evidence.contains("balance"), "\(fault)")
      try await stage.deploy()
      try await stage.amphora.expectContent("after a good upload")
      #expect(stage.amphora.exists("\(stage.folder)/haproxy.cfg.new-failed"), "it stays for those who look")
    }
  }
}

// `amphora-agent doctor` about keepalived: of a pair, and of UDP listeners.

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(3))) struct DoctorKeepalivedTests {
  private static let folder = "/var/lib/octavia/vrrp"

  /// One of a pair, with keepalived at work.
  private func withPair(_ body: (LiveAmphora) async throws -> Void) async throws {
    try await withAmphora(VRRPTests.activeStandby()) { amphora in
      try await VRRPTests.plug(amphora)
      try await amphora.client.uploadVRRP(VRRPTests.configuration(amphora))
      try await amphora.client.controlVRRP(.start)
      try await amphora.expectContent("about the pair at first")
      try await body(amphora)
    }
  }

  @Test func `of a pair all checks pass, and of a keepalived that was stopped nothing is wanted`() async throws {
    try await withPair { amphora in
      #expect(
        try await amphora.diagnosis().map(\.check) == ["keepalived-configuration", "keepalived", "keepalived-scripts"])
      try await amphora.client.controlVRRP(.stop)
      #expect(try await amphora.diagnosis().map(\.check) == ["keepalived"])
      #expect(try await amphora.faults() == [])
    }
  }

  @Test func `keepalived killed with nobody to start it again`() async throws {
    try await withPair { amphora in
      try await amphora.crashAgent()
      try await amphora.killAll("keepalived")
      let fault = try await amphora.fault("keepalived")
      #expect(fault.evidence.contains("cannot take the VIP"))
      try await amphora.startAgent()
      try await amphora.expectContent("after the agent's start")
    }
  }

  @Test func `a configuration that keepalived cannot use`() async throws {
    try await withPair { amphora in
      let file = "\(Self.folder)/octavia-keepalived.conf"
      let good = try #require(amphora.text(file))
      try await amphora.write(good + "}\n", to: file)
      let fault = try await amphora.fault("keepalived-configuration")
      #expect(fault.evidence.contains("Extra '}'"), "\(fault)")
      try await amphora.client.uploadVRRP(good)
      try await amphora.expectContent("after the controller's upload")
    }
  }

  @Test(arguments: ["rm check_script.sh", "rm check_scripts/haproxy_check_script.sh"])
  func `a check script lost`(command: String) async throws {
    try await withPair { amphora in
      let id = freshID()
      try await amphora.client.uploadHAProxy(HAProxyUploadTests.idle(id), loadBalancer: id)
      try await amphora.client.control(ServiceObjectID(unchecked: id.text), .start)
      try await amphora.expectContent("with a load balancer")
      _ = try await amphora.vm.run(["/bin/bash", "-c", "cd \(Self.folder) && \(command)"])
      let fault = try await amphora.fault("keepalived-scripts")
      #expect(fault.evidence.contains("is missing"))
      #expect(fault.remedy == "systemctl restart amphora-agent (it writes the scripts anew)")
      #expect(try await amphora.stopAgent() == 0)
      try await amphora.startAgent()
      try await amphora.expectContent("after the agent's restart")
    }
  }

  @Test func `a check script that is not executable, and one for other load balancers`() async throws {
    try await withPair { amphora in
      #expect(try await amphora.run("/bin/chmod 644 \(Self.folder)/check_script.sh").isSuccess)
      try await amphora.carryOut(try await amphora.fault("keepalived-scripts"))
      try await amphora.expectContent("after chmod")
      let id = freshID()
      try await amphora.client.uploadHAProxy(HAProxyUploadTests.idle(id), loadBalancer: id)
      try await amphora.client.control(ServiceObjectID(unchecked: id.text), .start)
      try await amphora.write("exit 1", to: "\(Self.folder)/check_scripts/haproxy_check_script.sh")
      let fault = try await amphora.fault("keepalived-scripts")
      #expect(fault.evidence.hasSuffix("does not check the load balancers that are here: exit 1"))
      #expect(try await amphora.stopAgent() == 0)
      try await amphora.startAgent()
      try await amphora.expectContent("after the agent's restart")
    }
  }

  @Test func `a UDP listener: keepalived killed, and its configuration changed behind its back`() async throws {
    try await withAmphora { amphora in
      let listener = LVSListener(amphora: amphora)
      #expect(try await listener.upload(listener.configuration()).status == 200)
      #expect(try await listener.control("start").status == 202)
      try await poll("its checker") { amphora.exists("\(listener.stem).check.pid") }
      #expect(try await amphora.diagnosis().map(\.check) == ["udp-listeners"])
      try await amphora.expectContent("at first")

      #expect(try await amphora.run("/usr/bin/touch \(listener.stem).conf").isSuccess)
      try await amphora.carryOut(try await amphora.fault("udp-listeners", .warning))
      try await amphora.expectContent("after the restart")

      try await amphora.crashAgent()
      try await amphora.killAll("keepalived")
      let fault = try await amphora.fault("udp-listeners")
      #expect(fault.evidence == "keepalived of listener \(listener.id) does not run")
      try await amphora.startAgent()
      try await amphora.expectContent("after the agent's start")
      #expect(try await listener.control("stop").status == 202)
      #expect(try await amphora.faults() == [])
    }
  }

  @Test func `the script that members are checked with lost, and not executable`() async throws {
    try await withAmphora { amphora in
      let listener = LVSListener(amphora: amphora)
      // A mention is enough; a member that is checked needs the kernel's load balancer.
      let text = listener.configuration("v1") + "# /var/lib/octavia/lvs/check/udp_check.sh\n"
      #expect(try await listener.upload(text).status == 200)
      #expect(try await listener.control("start").status == 202)
      let script = "\(LVSListener.folder)/check/udp_check.sh"
      try await amphora.expectContent("at first")
      #expect(try await amphora.run("/bin/chmod 644 \(script)").isSuccess)
      try await amphora.carryOut(try await amphora.fault("udp-check-script"))
      try await amphora.expectContent("after chmod")
      #expect(try await amphora.run("/bin/rm \(script)").isSuccess)
      #expect(try await amphora.fault("udp-check-script").evidence.hasSuffix("is missing"))
      #expect(try await amphora.stopAgent() == 0)
      try await amphora.startAgent()
      try await amphora.expectContent("after the agent's restart")
    }
  }
}

// SIGKILL at every change to a file that the routes for certificates, the agent's own files and keepalived make.

import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing

@Suite(.live, .timeLimit(.minutes(3))) struct KilledRouteTests {
  @Test func `a tenant's certificate is stored, replaced and removed at once`() async throws {
    try await withAmphora { amphora in
      let id = freshID()
      let (path, folder) = ("/1.0/loadbalancer/\(id)/certificates/a.pem", "/var/lib/octavia/certs/\(id)")
      func put(_ text: String) async throws -> AgentAnswer { try await amphora.send("PUT", path, text) }
      func state() -> AmphoraState { amphora.files() }
      let new = try await KillSeries(
        amphora: amphora, state: state, request: { try await put("one") },
        undo: { _ = try await amphora.run("/bin/rm -r \(folder)") }, status: 200
      ).run()
      #expect(new >= 8)
      let replaced = try await KillSeries(
        amphora: amphora, state: state, request: { try await put("two") },
        undo: { try await expect(put("one"), status: 200) }, status: 200
      ).run()
      #expect(replaced >= 6)
      // The folder goes with the last file when the agent starts again.
      #expect(try await amphora.send("PUT", "/1.0/loadbalancer/\(id)/certificates/b.pem", "other").status == 200)
      #expect(try await put("one").status == 200)
      let removed = try await KillSeries(
        amphora: amphora, state: state, request: { try await amphora.send("DELETE", path) },
        undo: { try await expect(put("one"), status: 200) }, status: 200
      ).run()
      #expect(removed >= 2)
    }
  }

  @Test func `the agent's own certificate and configuration are the old or the new`() async throws {
    try await withAmphora { amphora in
      let old = try #require(amphora.text("/etc/octavia/certs/server.pem"))
      let new = try amphora.lab.serverCA.issueAmphoraCertificate(id: amphora.id).pem
      func state() -> AmphoraState { amphora.files() }
      let certificate = try await KillSeries(
        amphora: amphora, state: state, request: { try await amphora.send("PUT", "/1.0/certificate", new) },
        undo: { try await amphora.client.rotateCertificate(pem: old) }
      ).run()
      let text = amphora.machine.configuration
      let other = text.replacing("heartbeat_interval = 1\n", with: "heartbeat_interval = 2\n")
      let configuration = try await KillSeries(
        amphora: amphora, state: state, request: { try await amphora.send("PUT", "/1.0/config", other) },
        undo: { try await amphora.client.updateConfiguration(text) }
      ).run()
      #expect(certificate >= 6 && configuration >= 6)
    }
  }

  @Test func `a VRRP upload ends before or after, the first one and each other`() async throws {
    try await withAmphora(VRRPTests.activeStandby()) { amphora in
      try await VRRPTests.plug(amphora)
      let text = try VRRPTests.configuration(amphora)
      func state() -> AmphoraState { amphora.files() }
      let first = try await KillSeries(
        amphora: amphora, state: state, request: { try await amphora.send("PUT", "/1.0/vrrp/upload", text) },
        undo: {
          // There is no route that removes it.
          try await amphora.crashAgent()
          try await amphora.killAll("keepalived")
          let unit = "/var/lib/octavia/services/octavia-keepalived.service.json"
          _ = try await amphora.run("/bin/rm -r /var/lib/octavia/vrrp \(unit)")
          try await amphora.startAgent()
        }, status: 200
      ).run()
      // Folders, driver, unit twice, check script, configuration.
      #expect(first >= 25)
      let second = try await KillSeries(
        amphora: amphora, state: state,
        request: { try await amphora.send("PUT", "/1.0/vrrp/upload", text + "\n# another\n") },
        undo: { try await amphora.client.uploadVRRP(text) }, status: 200, isInParts: true
      ).run()
      #expect(second >= 6)
    }
  }

  /// As for haproxy: the agent's start is keepalived's boot.
  @Test func `a start of keepalived ends before or after`() async throws {
    try await withAmphora(VRRPTests.activeStandby()) { amphora in
      try await VRRPTests.plug(amphora)
      try await amphora.client.uploadVRRP(VRRPTests.configuration(amphora))
      try await KillSeries(
        amphora: amphora,
        state: {
          var state = amphora.files()
          state["keepalived"] = try await amphora.processes("keepalived").isEmpty ? "ended" : "runs"
          return state
        }, request: { try await amphora.send("PUT", "/1.0/vrrp/start") },
        undo: { try await expect(amphora.send("PUT", "/1.0/vrrp/stop"), status: 202) }, isInParts: true
      ).run()
    }
  }

  /// The check script is written before haproxy stops, so that the peer takes over from one that still answers (W30).
  @Test func `a stop in a pair ends before or after`() async throws {
    try await withAmphora(VRRPTests.activeStandby()) { amphora in
      let balancer = VersionedBalancer(amphora: amphora)
      try await balancer.deploy("v1")
      let kills = try await KillSeries(
        amphora: amphora, state: balancer.state, request: { try await balancer.control("stop") },
        undo: { try await expect(balancer.control("start"), status: 202) }, isInParts: true
      ).run()
      #expect(kills >= 6)
    }
  }
}

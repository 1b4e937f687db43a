// SIGKILL at every change to a file that the haproxy routes make (contract agent-api §5 W9).

import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing

@Suite(.live, .timeLimit(.minutes(3))) struct KilledHAProxyTests {
  @Test func `an upload ends before or after, the first one and each other`() async throws {
    try await withAmphora { amphora in
      let balancer = VersionedBalancer(amphora: amphora)
      let first = try await KillSeries(
        amphora: amphora,
        // The start after a kill is the boot, which also starts haproxy once the upload has made it known.
        state: { amphora.files().filter { !$0.key.hasSuffix(".pid") && !$0.key.hasSuffix(".sock") } },
        request: { try await balancer.upload("v1") }, undo: { try await expect(balancer.delete(), status: 200) }
      ).run()
      // Folder, staged file, unit twice, rename.
      #expect(first >= 15)
      try await balancer.deploy("v1")
      let second = try await KillSeries(
        amphora: amphora, state: balancer.state, request: { try await balancer.upload("v2") },
        undo: { try await expect(balancer.upload("v1"), status: 202) }
      ).run()
      #expect(second >= 8)
      #expect(try await amphora.served() == "v1")
    }
  }

  @Test func `an upload that haproxy refuses ends before or after`() async throws {
    try await withAmphora { amphora in
      let (known, unknown) = (VersionedBalancer(amphora: amphora), VersionedBalancer(amphora: amphora))
      try await known.deploy("v1")
      for balancer in [known, unknown] {
        let kept = "\(balancer.folder)/haproxy.cfg.new-failed"
        let kills = try await KillSeries(
          amphora: amphora, state: known.state, request: { try await balancer.upload("v2", extra: "nonsense") },
          undo: { _ = try await amphora.run("/bin/rm -r \(balancer.id == known.id ? kept : balancer.folder)") },
          status: 400
        ).run()
        #expect(kills >= 8)
        #expect(amphora.exists(kept))
      }
      #expect(try await amphora.served() == "v1")
    }
  }

  /// The order to stop it, from before, counts until haproxy runs; from then on the agent's start keeps it running.
  @Test func `a start ends before or after`() async throws {
    try await withAmphora { amphora in
      let balancer = VersionedBalancer(amphora: amphora)
      #expect(try await balancer.upload("v1").status == 202)
      try await KillSeries(
        amphora: amphora, state: balancer.state, request: { try await balancer.control("start") },
        undo: { try await expect(balancer.control("stop"), status: 202) }, isInParts: true
      ).run()
    }
  }

  /// What is served is one version or the other, whole.
  ///
  /// It cannot change in one step with the copy of the last good configuration.
  @Test func `a reload ends before or after`() async throws {
    try await withAmphora { amphora in
      let balancer = VersionedBalancer(amphora: amphora)
      try await balancer.deploy("v1")
      #expect(try await balancer.upload("v2").status == 202)
      let kills = try await KillSeries(
        amphora: amphora, state: balancer.state, request: { try await balancer.control("reload") },
        undo: {
          try await balancer.deploy("v1")
          #expect(try await balancer.upload("v2").status == 202)
        }, isInParts: true
      ).run()
      // State of the servers, last good configuration.
      #expect(kills >= 9)
    }
  }

  @Test func `a delete ends before or after, in a pair too`() async throws {
    try await withAmphora(VRRPTests.activeStandby()) { amphora in
      let balancer = VersionedBalancer(amphora: amphora)
      try await VRRPTests.plug(amphora)
      try await amphora.client.uploadVRRP(VRRPTests.configuration(amphora))
      func make() async throws {
        let path = "/1.0/loadbalancer/\(balancer.id)/certificates/a.pem"
        #expect(try await amphora.send("PUT", path, "secret").status == 200)
        try await balancer.deploy("v1")
      }
      try await make()
      let kills = try await KillSeries(
        amphora: amphora, state: balancer.state, request: balancer.delete, undo: make, status: 200
      ).run()
      // Configuration away, certificate, check script, unit and the rest.
      #expect(kills >= 15)
    }
  }
}

// SIGKILL at every change to a file that the routes of UDP and SCTP listeners make.

import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing

@Suite(.live, .timeLimit(.minutes(3))) struct KilledLVSTests {
  @Test func `an upload ends before or after, the first one and each other, in a pair too`() async throws {
    try await withAmphora(VRRPTests.activeStandby()) { amphora in
      try await VRRPTests.plug(amphora)
      try await amphora.client.uploadVRRP(VRRPTests.configuration(amphora))
      let listener = LVSListener(amphora: amphora)
      let first = try await KillSeries(
        amphora: amphora, state: { amphora.files() }, request: { try await listener.upload(listener.configuration()) },
        undo: {
          try await expect(listener.delete(), status: 200)
          // A delete leaves the pair's checks alone; the next upload of VRRP sets them right.
          try await amphora.client.uploadVRRP(VRRPTests.configuration(amphora))
        }, status: 200
      ).run()
      // Staged file, unit twice, rename, check script.
      #expect(first >= 15)
      #expect(try await listener.upload(listener.configuration()).status == 200)
      #expect(try await listener.control("start").status == 202)
      let second = try await KillSeries(
        amphora: amphora, state: listener.state,
        request: { try await listener.upload(listener.configuration("v2")) },
        undo: { try await expect(listener.upload(listener.configuration()), status: 200) }, status: 200
      ).run()
      #expect(second >= 7)
    }
  }

  @Test func `an upload that keepalived refuses ends before or after`() async throws {
    try await withAmphora { amphora in
      let listener = LVSListener(amphora: amphora)
      let kills = try await KillSeries(
        amphora: amphora, state: { amphora.files() }, request: { try await listener.upload("a {\n") },
        undo: { _ = try await amphora.run("/bin/rm \(listener.stem).conf.new-failed") }, status: 400
      ).run()
      #expect(kills >= 7)
      #expect(try await listener.listed() == nil)
    }
  }

  /// As for haproxy: the order to stop it, from before, counts until it runs; the agent's start is its boot.
  @Test func `a reload ends before or after`() async throws {
    try await withAmphora { amphora in
      let listener = LVSListener(amphora: amphora)
      #expect(try await listener.upload(listener.configuration()).status == 200)
      try await KillSeries(
        amphora: amphora, state: listener.state, request: { try await listener.control("reload") },
        undo: { try await expect(listener.control("stop"), status: 202) }, isInParts: true
      ).run()
    }
  }

  @Test func `a delete ends before or after`() async throws {
    try await withAmphora { amphora in
      let listener = LVSListener(amphora: amphora)
      func make() async throws {
        #expect(try await listener.upload(listener.configuration()).status == 200)
        #expect(try await listener.control("start").status == 202)
      }
      try await make()
      let kills = try await KillSeries(
        amphora: amphora, state: listener.state, request: listener.delete, undo: make, status: 200
      ).run()
      // Configuration away, unit twice, mark.
      #expect(kills >= 8)
    }
  }
}

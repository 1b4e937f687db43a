// SIGKILL at every change to a file that the agent's start makes, while it repairs what other kills have left.

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(3))) struct KilledStartTests {
  @Test func `a start that is killed is completed by the next one`() async throws {
    try await withAmphora { amphora in
      let (kept, deleted, begun) = (
        VersionedBalancer(amphora: amphora), VersionedBalancer(amphora: amphora), VersionedBalancer(amphora: amphora)
      )
      try await kept.deploy("v1")
      let certificate = "/1.0/loadbalancer/\(kept.id)/certificates/a.pem"
      #expect(try await amphora.send("PUT", certificate, "secret").status == 200)
      let whole = try await kept.state()
      for count in 1...100 {
        try await amphora.crashAgent()
        try await leaveRemains(amphora, kept: kept, deleted: deleted, begun: begun)
        try amphora.armKill("start \(count)")
        try amphora.launchAgent()
        // The first answer may come before the kill: services are restored beside the API.
        try? await poll(
          "the end of the agent or of its repairs", within: .seconds(10),
          until: {
            if amphora.agentExitStatus != nil { return true }
            return try await kept.state() == whole
          })
        try amphora.disarmKill()
        let wasKilled = amphora.agentExitStatus != nil
        if wasKilled {
          try await amphora.expectKilled()
          try await amphora.startAgent()
          try? await poll("the repairs", within: .seconds(10), until: { try await kept.state() == whole })
        }
        expectSame(try await kept.state(), whole, "killed at change \(count)")
        if !wasKilled {
          #expect(count > 20)
          return
        }
      }
      Issue.record("100 changes and no end")
    }
  }

  /// What a kill at the worst moment leaves of a write, an upload, a delete, a certificate, and a haproxy that died.
  private func leaveRemains(
    _ amphora: LiveAmphora, kept: VersionedBalancer, deleted: VersionedBalancer, begun: VersionedBalancer
  ) async throws {
    let base = "/var/lib/octavia"
    for (path, text) in [
      ("\(base)/.plugged_interfaces.aB3dEf.tmp", "half"), ("\(kept.folder)/.haproxy.cfg.last-good.aB3dEf.tmp", "half"),
      ("/etc/octavia/interfaces/.eth1.json.aB3dEf.tmp", "half"), ("\(kept.folder)/haproxy.cfg.new", "staged"),
      ("\(base)/certs/\(deleted.id)/a.pem", "secret"), ("\(deleted.folder)/haproxy.cfg.deleted", "deleted"),
      ("\(deleted.folder)/haproxy.cfg.last-good", "good"), ("\(begun.folder)/haproxy.cfg.new", "staged"),
    ] {
      try await amphora.write(text, to: path)
    }
    _ = try await amphora.run("/bin/rm /etc/octavia/interfaces/lo.json \(base)/certs/\(deleted.id)/a.pem")
    try await amphora.killAll("haproxy")
  }
}

// A power cut: what is on disk brings everything back (contract networking §1.5).

import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(2))) struct RebootTests {
  @Test func `after a power cut interfaces, haproxy and traffic come back without a controller`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      try await stage.waitForTraffic()
      let file = amphora.text("/etc/octavia/interfaces/eth1.json")
      try await amphora.reboot()
      // The kernel may find them under other names, and in another order.
      try amphora.plugNIC("fa:16:3e:00:00:02", "eth1", on: .member)
      try amphora.plugNIC("fa:16:3e:00:00:01", "ens7", on: .vip)
      try await amphora.startAgent()
      try await stage.waitForTraffic()
      #expect(try await amphora.addresses("eth1") == ["203.0.113.10/32", "203.0.113.4/24"])
      #expect(try await amphora.addresses("eth2") == ["10.0.1.5/24"])
      #expect(try await amphora.rules("-4") == ["32000: from 203.0.113.10 lookup 1"])
      #expect(amphora.text("/etc/octavia/interfaces/eth1.json") == file)
      #expect(try await amphora.client.control(stage.object, .reload).details == "Listener \(stage.id) reloaded")
    }
  }

  @Test func `a configuration that was uploaded but does not start gives way to the one that ran last`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      try await stage.waitForTraffic()
      let good = amphora.text("\(stage.folder)/haproxy.cfg")
      // haproxy's check takes it; the folder of the socket is missing only when it starts.
      let text = try stage.balancer.haproxyConfiguration() + "\nfrontend x\n  bind unix@/nowhere/socket\n"
      try await amphora.client.uploadHAProxy(text, loadBalancer: stage.id)
      try await amphora.reboot()
      try amphora.plugNIC("fa:16:3e:00:00:01", "ens4", on: .vip)
      try amphora.plugNIC("fa:16:3e:00:00:02", "ens5", on: .member)
      try await amphora.startAgent()
      try await stage.waitForTraffic()
      #expect(amphora.text("\(stage.folder)/haproxy.cfg") == good)
      #expect(amphora.text("\(stage.folder)/haproxy.cfg.new-failed") == text)
    }
  }

  @Test func `what was stopped before starts again with the boot, as systemd's enabled units do`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      try await amphora.client.control(stage.object, .stop)
      try await amphora.reboot()
      try amphora.plugNIC("fa:16:3e:00:00:01", "ens4", on: .vip)
      try amphora.plugNIC("fa:16:3e:00:00:02", "ens5", on: .member)
      try await amphora.startAgent()
      try await stage.waitForTraffic()
    }
  }

  @Test func `a power cut in the middle of many changes leaves what the next start can use`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      let changes = Task {
        for limit in 1... where !Task.isCancelled {
          stage.balancer.connectionLimit = 1000 + limit
          do { try await stage.deploy() } catch { return }
        }
      }
      try await poll("changes under way") {
        (amphora.text("\(stage.folder)/haproxy.cfg") ?? "").contains("maxconn 1003")
      }
      try await amphora.reboot()
      changes.cancel()
      await changes.value
      try amphora.plugNIC("fa:16:3e:00:00:01", "ens4", on: .vip)
      try amphora.plugNIC("fa:16:3e:00:00:02", "ens5", on: .member)
      try await amphora.startAgent()
      try await stage.waitForTraffic()
      #expect(try await amphora.tree().filter { $0.hasSuffix(".tmp") } == [])
      let stored = try await amphora.client.downloadHAProxy(stage.id)
      #expect(stored.hasPrefix("#") && stored.contains("maxconn 10"), "a whole file")
      try await stage.deploy()
    }
  }
}

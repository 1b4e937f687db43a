// Tenants' certificates stay for as long as haproxy may be started with them, and no longer (contract agent-api §5 W14).

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing

@Suite(.live, .timeLimit(.minutes(2))) struct CertificateLifetimeTests {
  /// A listener that terminates TLS with the certificates of a list.
  private struct TLSListener {
    let stage: LiveStage
    var folder: String { "/var/lib/octavia/certs/\(stage.id)" }
    var names: [String] { stage.amphora.names(in: folder) }

    func url(_ name: String) -> String { "/1.0/loadbalancer/\(stage.id)/certificates/\(name)" }

    func put(_ name: String, _ body: String? = nil) async throws {
      let body = try body ?? stage.amphora.lab.serverCA.issueAmphoraCertificate(id: stage.amphora.id).pem
      #expect(try await stage.amphora.send("PUT", url(name), body).status == 200)
    }

    func list(_ names: String...) async throws {
      try await put("list.pem", names.map { "\(folder)/\($0)\n" }.joined())
    }

    func status(_ method: String, _ name: String) async throws -> Int {
      try await stage.amphora.send(method, url(name)).status
    }

    /// As a controller does for each change.
    func deploy() async throws {
      let text = try stage.balancer.haproxyConfiguration().replacing(
        "bind \(LiveStage.vip):80", with: "bind \(LiveStage.vip):80 ssl crt-list \(folder)/list.pem")
      try #require(text.contains("crt-list"))
      try await stage.amphora.client.uploadHAProxy(text, loadBalancer: stage.id)
      try await stage.amphora.client.control(stage.object, .reload)
    }
  }

  @Test func `a deleted certificate stays until haproxy runs without it`() async throws {
    try await withStage { stage in
      let listener = TLSListener(stage: stage)
      try await listener.put("a.pem")
      try await listener.put("never-used.pem")
      try await listener.list("a.pem")
      try await listener.deploy()
      #expect(try await listener.status("DELETE", "never-used.pem") == 200)
      #expect(listener.names == ["a.pem", "list.pem"], "what no configuration names goes at once")

      for _ in 1...2 { #expect(try await listener.status("DELETE", "a.pem") == 200) }
      #expect(try await listener.status("GET", "a.pem") == 404, "so that the controller sends it again if it needs it")
      // haproxy can be started with its configuration in this moment.
      for action in [ServiceAction.stop, .start, .reload] {
        try await stage.amphora.client.control(stage.object, action)
      }
      #expect(listener.names.contains("a.pem"))
      #expect(try await listener.status("GET", "a.pem") == 404, "a reload with the same configuration changes nothing")

      // Shared with another listener: sent again.
      try await listener.put("a.pem")
      #expect(try await listener.status("GET", "a.pem") == 200)
      #expect(listener.names == ["a.pem", "list.pem"])

      #expect(try await listener.status("DELETE", "a.pem") == 200)
      try await listener.put("b.pem")
      try await listener.list("b.pem")
      try await listener.deploy()
      #expect(listener.names == ["b.pem", "list.pem"])
    }
  }

  @Test func `files that nothing names any more go with the reload, those for a later one stay`() async throws {
    try await withStage { stage in
      let listener = TLSListener(stage: stage)
      for name in ["a.pem", "old.pem"] { try await listener.put(name) }
      try await listener.list("a.pem", "old.pem")
      try await listener.deploy()
      #expect(listener.names == ["a.pem", "list.pem", "old.pem"])
      // Controllers send certificates first, then the list, the configuration, and the reload.
      try await listener.put("new.pem")
      try await stage.amphora.client.control(stage.object, .reload)
      #expect(listener.names == ["a.pem", "list.pem", "new.pem", "old.pem"])
      try await listener.list("a.pem", "new.pem")
      try await listener.deploy()
      #expect(listener.names == ["a.pem", "list.pem", "new.pem"])
      try await stage.amphora.client.deleteService(stage.object)
      #expect(!stage.amphora.exists(listener.folder))
    }
  }
}

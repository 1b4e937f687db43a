// PUT and GET …/haproxy: what haproxy refuses never replaces what it runs (contract agent-api §3.4, §3.5).

import AmphoraController
import AmphoraCrypto
import AmphoraLab
import AmphoraProtocol
import Testing

@Suite(.live, .timeLimit(.minutes(2))) struct HAProxyUploadTests {
  /// A configuration without traffic.
  static func idle(_ id: LoadBalancerID, extra: String = "") -> String {
    """
    global
        daemon
        user nobody
        stats socket /var/lib/octavia/\(id).sock mode 0666 level user
        maxconn 500
    defaults
        mode http
        timeout connect 5000
        timeout client 5000
        timeout server 5000
    \(extra)

    """
  }

  private func path(_ amphora: LiveAmphora, _ id: LoadBalancerID) -> String {
    "/1.0/loadbalancer/\(amphora.id)/\(id)/haproxy"
  }

  @Test func `a good configuration is stored, and nothing is started`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let id = freshID()
    let (folder, text) = ("/var/lib/octavia/\(id)", Self.idle(id))
    let unknown = "{\"message\": \"Loadbalancer Not Found\", \"details\": \"No loadbalancer with UUID: \(id)\"}"
    try expect(await amphora.send("GET", "/1.0/loadbalancer/\(id)/haproxy"), 404, unknown)
    let sum = Digest.hex(Digest.md5(Array(text.utf8)))
    for _ in 1...2 {
      try expect(await amphora.send("PUT", path(amphora, id), text), 202, #"{"message": "OK"}"#, eTag: sum)
      #expect(amphora.text("\(folder)/haproxy.cfg") == text)
      #expect(amphora.mode("\(folder)/haproxy.cfg") == "600")
      #expect(amphora.mode(folder) == "755")
      #expect(amphora.names(in: folder) == ["haproxy.cfg"], "no staged file, no pid file")
    }
    let stored = try await amphora.send("GET", "/1.0/loadbalancer/\(id)/haproxy")
    #expect(stored.status == 200)
    #expect(stored.text == text)
    #expect(stored.header("Content-Type") == "text/plain; charset=UTF-8")
    #expect(stored.header("ETag") == sum)
    #expect(!amphora.exists("/var/lib/octavia/\(id).sock"))
  }

  @Test func `what haproxy refuses is 400 with its words and kept aside`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let id = freshID()
    let folder = "/var/lib/octavia/\(id)"
    let bad = Self.idle(id, extra: "frontend f\n    bind 127.0.0.1:81\n    nonsense here\n")
    func upload(_ text: String) async throws -> AgentAnswer { try await amphora.send("PUT", path(amphora, id), text) }
    var answer = try await upload(bad)
    #expect(answer.status == 400)
    #expect(try answer.json.keys == ["message", "details"])
    #expect(try answer.json.string("message") == "Invalid request")
    #expect(try answer.json.string("details").contains("unknown keyword 'nonsense' in 'frontend' section"))
    #expect(answer.header("ETag") == nil)
    #expect(amphora.names(in: folder) == ["haproxy.cfg.new-failed"])
    #expect(amphora.text("\(folder)/haproxy.cfg.new-failed") == bad)
    #expect(amphora.mode("\(folder)/haproxy.cfg.new-failed") == "600")
    // A rejected first upload does not make a load balancer.
    #expect(try await amphora.send("GET", "/1.0/loadbalancer/\(id)/haproxy").status == 404)
    #expect(try await amphora.send("PUT", "/1.0/loadbalancer/\(id)/start").status == 404)

    #expect(try await upload(Self.idle(id)).status == 202)
    answer = try await upload("hello\n")
    #expect(answer.status == 400)
    #expect(amphora.text("\(folder)/haproxy.cfg") == Self.idle(id), "the running one is untouched")
    #expect(amphora.text("\(folder)/haproxy.cfg.new-failed") == "hello\n")
    #expect(amphora.names(in: folder) == ["haproxy.cfg", "haproxy.cfg.new-failed"])
  }

  @Test func `the group of the global section is dropped, and only that`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let id = freshID()
    let tail = "frontend f\n    bind 127.0.0.1:81\n    http-request set-header X-A \"a group b\"\n    # group here\n"
    let text = Self.idle(id, extra: tail).replacing("    user nobody\n", with: "    user nobody\n    group nogroup\n")
    let answer = try await amphora.send("PUT", path(amphora, id), text)
    try expect(answer, 202, #"{"message": "OK"}"#, eTag: Digest.hex(Digest.md5(Array(text.utf8))))
    let stored = try await amphora.send("GET", "/1.0/loadbalancer/\(id)/haproxy")
    #expect(stored.text == Self.idle(id, extra: tail))
    #expect(stored.header("ETag") == Digest.hex(Digest.md5(stored.body)), "of the stored file, not of the upload")
  }

  @Test func `letters of several bytes are taken wherever they stand`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let id = freshID()
    let text = Self.idle(
      id, extra: (0..<60).map { "# \(String(repeating: "x", count: $0))ä€😀" }.joined(separator: "\n"))
    #expect(try await amphora.send("PUT", path(amphora, id), text).status == 202)
    #expect(amphora.text("/var/lib/octavia/\(id)/haproxy.cfg") == text)
  }

  @Test func `without haproxy an upload is a 500 that names the program`() async throws {
    try await withAmphora(starts: false) { amphora in
      let file = "/etc/octavia/amphora-agent.conf"
      let text = amphora.machine.configuration.replacing("/usr/sbin/haproxy", with: "/usr/sbin/no-haproxy")
      try await amphora.write(text, to: file)
      try await amphora.startAgent()
      let id = freshID()
      let answer = try await amphora.send("PUT", path(amphora, id), Self.idle(id))
      try expectFramework(answer, 500, "Internal Server Error", containing: "/usr/sbin/no-haproxy")
      let line = amphora.agentLog.split(separator: "\n").first { $0.contains("request refused") }
      #expect(
        line?.contains("/usr/sbin/no-haproxy") == true && line?.contains(" request=r") == true, "\(amphora.agentLog)")
      #expect(!amphora.exists("/var/lib/octavia/\(id)/haproxy.cfg"))
    }
  }

  @Test func `uploads of several load balancers at once do not mix`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let ids = (0..<6).map { _ in freshID() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for id in ids + ids { group.addTask { try await amphora.client.uploadHAProxy(Self.idle(id), loadBalancer: id) } }
      try await group.waitForAll()
    }
    for id in ids {
      #expect(amphora.text("/var/lib/octavia/\(id)/haproxy.cfg") == Self.idle(id))
      #expect(amphora.names(in: "/var/lib/octavia/\(id)") == ["haproxy.cfg"])
    }
  }

  @Test func `listeners and their kinds are listed, internal ones are not`() async throws {
    try await withAmphora { amphora in
      let (id, other) = (freshID(), freshID())
      let listeners = (0..<3).map { _ in freshID().text }
      let text =
        Self.idle(
          id,
          extra: """
            frontend prometheus-exporter-internal-endpoint
                bind 127.0.0.1:9101
                mode http
            frontend \(listeners[0])
                bind 127.0.0.1:81
                mode http
            frontend \(listeners[1])
                mode tcp
                bind 127.0.0.1:82
            """)
      try await amphora.client.uploadHAProxy(text, loadBalancer: id)
      try await amphora.client.uploadHAProxy(
        Self.idle(other, extra: "frontend \(listeners[2])\n    bind 127.0.0.1:83\n    mode http\n"),
        loadBalancer: other)
      let list = try await amphora.client.listListeners()
      #expect(
        list.sorted { $0.uuid < $1.uuid }
          == [
            ListenerStatusBody(status: "ACTIVE", uuid: listeners[0], type: "HTTP"),
            ListenerStatusBody(status: "ACTIVE", uuid: listeners[1], type: "TCP"),
            ListenerStatusBody(status: "ACTIVE", uuid: listeners[2], type: "HTTP"),
          ].sorted { $0.uuid < $1.uuid })
      #expect(try await amphora.client.details().listeners == listeners.sorted())
      #expect(try await amphora.client.details().haproxyCount == 0)
    }
  }

  @Test func `a service that cannot be enabled is a 500 with the contract's text`() async throws {
    try await withAmphora { amphora in
      try await amphora.write("in the way", to: "/var/lib/octavia/services")
      let id = freshID()
      for (path, body) in [(path(amphora, id), Self.idle(id)), ("/1.0/vrrp/upload", "! nothing\n")] {
        let answer = try await amphora.send("PUT", path, body)
        #expect(answer.status == 500)
        #expect(try answer.json.keys == ["message", "details"])
        #expect(try answer.json.string("message") == "Error enabling octavia-keepalived service")
        #expect(try answer.json.string("details").contains("/var/lib/octavia/services"), "\(answer.text)")
      }
    }
  }

  @Test func `a stored configuration that says nothing about its socket is a 500 of the lists`() async throws {
    try await withAmphora { amphora in
      let id = freshID()
      let lines = Self.idle(id, extra: "frontend f\n    bind 127.0.0.1:81\n    mode http\n").split(separator: "\n")
      let text = lines.filter { !$0.contains("stats socket") }.joined(separator: "\n") + "\n"
      try await amphora.client.uploadHAProxy(text, loadBalancer: id)
      for path in ["/1.0/listeners", "/1.0/details"] {
        try expectFramework(await amphora.send("GET", path), 500, "Internal Server Error", containing: "stats socket")
      }
      try await amphora.client.deleteService(ServiceObjectID(unchecked: id.text))
      #expect(try await amphora.client.listListeners() == [])
    }
  }
}

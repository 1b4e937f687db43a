// PUT /1.0/config: what can change at run time does so at once; what is wrong changes nothing (contract
// heartbeat-and-config §1.6).

import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(2))) struct ConfigurationUpdateTests {
  private static let file = "/etc/octavia/amphora-agent.conf"

  private func settings(_ watch: HeartbeatWatch) -> LabAmphora.Settings {
    var settings = LabAmphora.Settings()
    settings.controllers = watch.destination
    return settings
  }

  @Test func `key, destinations and interval change with the next heartbeat`() async throws {
    let (first, second) = try await (HeartbeatWatch(), HeartbeatWatch(key: "another & key"))
    try await withAmphora(settings(first)) { amphora in
      _ = try await first.next("with the first key")
      let old = amphora.machine.configuration
      // Controllers escape the value as HTML (contract §1.7).
      let new = old.replacing("lab heartbeat key", with: "another &amp; key")
        .replacing(first.destination, with: second.destination)
      for _ in 1...2 {
        try expect(await amphora.send("PUT", "/1.0/config", new), 202, #"{"message": "OK"}"#)
        #expect(amphora.text(Self.file) == new)
        #expect(amphora.mode(Self.file) == "600")
      }
      let message = try await second.next("with the second key, there")
      #expect((message.sequence ?? 0) > 0, "the process goes on counting")
      #expect(second.receiver.counters.rejected == [:])
      try await first.expectSilence()

      // An interval of an hour: one at once, then nothing.
      try await amphora.client.updateConfiguration(
        new.replacing("heartbeat_interval = 1\n", with: "heartbeat_interval = 3600\n"))
      try? await poll("the one at once", within: .milliseconds(500)) { false }
      try await second.expectSilence()
      try await amphora.client.updateConfiguration(old)
      _ = try await first.next("back with the first key")
      #expect(first.receiver.counters.rejected == [:])
      #expect(
        !amphora.agentLog.contains("heartbeat key") && !amphora.agentLog.contains("another &"), "secrets in the log")
    }
    for watch in [first, second] { try await watch.receiver.close() }
  }

  @Test func `the topology counts from the next request on`() async throws {
    try await withAmphora { amphora in
      let id = freshID()
      let script = "/var/lib/octavia/vrrp/check_scripts/haproxy_check_script.sh"
      try await amphora.client.uploadHAProxy(HAProxyUploadTests.idle(id), loadBalancer: id)
      try await amphora.client.control(ServiceObjectID(unchecked: id.text), .start)
      #expect(!amphora.exists(script))
      let old = amphora.machine.configuration
      try await amphora.client.updateConfiguration(
        old.replacing("loadbalancer_topology = SINGLE", with: "loadbalancer_topology = ACTIVE_STANDBY"))
      try await amphora.client.control(ServiceObjectID(unchecked: id.text), .reload)
      #expect(amphora.text(script) == "haproxy-vrrp-check /var/lib/octavia/\(id).sock; exit $?")
      #expect(amphora.agentLog.contains("ACTIVE_STANDBY"), "a warning about the flip")
    }
  }

  @Test func `debug changes the log's level`() async throws {
    try await withAmphora { amphora in
      let old = amphora.machine.configuration
      // A refused handshake is worth a line at level DEBUG only.
      func debugLines() -> Int { amphora.agentLog.split(separator: "\n").count { $0.contains("connection ended") } }
      try await amphora.client.updateConfiguration(old.replacing("debug = True", with: "debug = False"))
      let quiet = debugLines()
      let connection = try amphora.connect(anonymous: true)
      try? connection.send("x")
      _ = try await connection.readToEnd()
      #expect(try await amphora.client.discover() == "1.0")
      #expect(debugLines() == quiet)
      try await amphora.client.updateConfiguration(old)
      let other = try amphora.connect(anonymous: true)
      try? other.send("x")
      _ = try await other.readToEnd()
      try await poll("a line at level debug") { debugLines() > quiet }
    }
  }

  @Test func `what is wrong is a 500 that names it, and file and behaviour stay`() async throws {
    let watch = try await HeartbeatWatch()
    try await withAmphora(settings(watch)) { amphora in
      let old = amphora.machine.configuration
      let bodies = [
        ("heartbeat_interval = ten", old.replacing("heartbeat_interval = 1\n", with: "heartbeat_interval = ten\n")),
        ("loadbalancer_topology = TRIPLE", old.replacing("= SINGLE", with: "= TRIPLE")),
        ("bind_port = 99999", old.replacing("bind_port = 9443", with: "bind_port = 99999")),
        ("[DEFAULT", old.replacing("[DEFAULT]", with: "[DEFAULT")),
        ("debug = perhaps", old.replacing("debug = True", with: "debug = perhaps")),
        ("", "no assignment\n"), ("", String(decoding: [0, 1, 2], as: UTF8.self)),
      ]
      for (named, body) in bodies {
        let answer = try await amphora.send("PUT", "/1.0/config", body)
        #expect(answer.status == 500, "\(named)")
        #expect(try answer.json.keys == ["message", "details"])
        #expect(try answer.json.string("message") == "Unable to update amphora-agent configuration.")
        let details = try answer.json.string("details")
        #expect(details.hasPrefix("\(Self.file):"), "\(details)")
        if let value = named.split(separator: "= ").last, named.contains("=") { #expect(details.contains(value)) }
        #expect(!details.contains("lab heartbeat key"))
        #expect(amphora.text(Self.file) == old)
      }
      let binary = try await amphora.send("PUT", "/1.0/config", bytes: [0xFF, 0xFE])
      #expect(binary.status == 500)
      #expect(amphora.text(Self.file) == old)
      #expect(amphora.names(in: "/etc/octavia").filter { $0.hasPrefix("amphora-agent") } == ["amphora-agent.conf"])
      _ = try await watch.next("with the old key")
      #expect(watch.receiver.counters.rejected == [:])
      #expect(try await amphora.stopAgent() == 0)
      try await amphora.startAgent()
    }
    try await watch.receiver.close()
  }
}

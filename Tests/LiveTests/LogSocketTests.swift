// What arrives at rsyslog's socket: the agent's access log and haproxy's own lines (contract heartbeat-and-config §6,
// services §1.1).

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing

@Suite(.live, .timeLimit(.minutes(2))) struct LogSocketTests {
  /// The number before a line: facility × 8 + severity (RFC 3164 §4.1.1); local0 is facility 16.
  private func priority(local number: Int, severity: Int) -> String { "<\((16 + number) * 8 + severity)>" }

  @Test(arguments: [1, 5]) func `each request is a line in the administrators' facility`(number: Int) async throws {
    try await withAmphora(starts: false) { amphora in
      try await amphora.configure(
        (of: "use_syslog = False", with: "use_syslog = True"),
        (of: "administrative_log_facility = 1", with: "administrative_log_facility = \(number)"))
      // Without the socket the agent starts and answers all the same.
      try await amphora.startAgent()
      for round in 1...2 {
        let rsyslog = try SyslogWatch(amphora)
        let secret = "no body in the log"
        let id = freshID()
        let path = "/1.0/loadbalancer/\(id)/certificates/a.pem"
        #expect(try await amphora.send("PUT", path, secret).status == 200)
        let line = try await rsyslog.line(with: "PUT \(path) 200")
        #expect(line.hasPrefix("\(priority(local: number, severity: 6))amphora-agent["), "\(round): \(line)")
        for text in [" peer=192.168.0.1 ", " ms=", " request=r"] { #expect(line.contains(text), "\(line)") }
        #expect(try await amphora.send("GET", "/1.0/nothing").status == 404)
        _ = try await rsyslog.line(with: priority(local: number, severity: 6), "GET /1.0/nothing 404")
        #expect(!rsyslog.lines.contains { $0.contains(secret) })
        // rsyslog is restarted during boot, and its socket made anew.
        rsyslog.remove()
        #expect(try await amphora.client.discover() == "1.0")
      }
    }
  }

  @Test func `haproxy's flow and events arrive in the facilities of its configuration`() async throws {
    try await withStage { stage in
      let rsyslog = try SyslogWatch(stage.amphora)
      try await stage.deploy()
      try await stage.waitForTraffic()
      let (id, listener) = (stage.balancer.id, stage.balancer.listener)
      let flow = try await rsyslog.line(with: priority(local: 0, severity: 6), " \(id) \(listener) 203.0.113.100 ")
      #expect(flow.contains("\"GET / HTTP/1.1\" 200 "), "\(flow)")
      stage.members[0].stop()
      // A lost server is an alert.
      let event = try await rsyslog.line(with: priority(local: 1, severity: 1), stage.balancer.members[0].id)
      #expect(event.contains(" is DOWN"), "\(event)")
      // haproxy goes on without anybody who listens.
      rsyslog.remove()
      #expect(try await stage.get().status == 200)
    }
  }
}

// Metrics as a tenant scrapes them: through the VIP, a real haproxy and its exporter, and the proxy (contract services §7).

import Addresses
import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Netlink
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(2))) struct PrometheusTests {
  private static let port: UInt16 = 8088

  /// A load balancer with a PROMETHEUS listener, and the proxy.
  private func withMetrics(_ body: (LiveStage) async throws -> Void) async throws {
    try await withStage { stage in
      stage.balancer.prometheusPort = Int(Self.port)
      try await stage.deploy()
      try await stage.waitForTraffic()
      try await startProxy(stage)
      try await poll("the first metrics") { try await scrape(stage).status == 200 }
      try await body(stage)
    }
  }

  private func startProxy(_ stage: LiveStage) async throws {
    _ = try await stage.amphora.vm.run(["/bin/sh", "-c", "/run/bin/prometheus-proxy > /run/proxy.log 2>&1 &"])
  }

  private func scrape(_ stage: LiveStage) async throws -> ProbeResult {
    try await HTTPProbe.get(#require(IPAddress(LiveStage.vip)), port: Self.port, from: stage.client, path: "/metrics")
  }

  /// The body without its frame: haproxy passes it on in chunks.
  private func lines(_ result: ProbeResult) -> [String] {
    result.body.split(whereSeparator: \.isNewline).map(String.init)
  }

  @Test func `a scrape has every metric of the contract with its type, and nothing of the exporter's own`() async throws
  {
    try await withMetrics { stage in
      let result = try await scrape(stage)
      let lines = lines(result)
      var types: [String: String] = [:]
      for line in lines where line.hasPrefix("# TYPE ") {
        let words = line.split(separator: " ")
        types[String(words[2])] = String(words[3])
      }
      // haproxy 2.6 has all of them.
      let families = types.keys.filter { $0.hasPrefix("octavia_") }
      #expect(families.count == 144, "\(families.sorted())")
      for (name, type) in types where name.hasPrefix("octavia_") {
        #expect(type == (name.hasSuffix("_total") ? "counter" : "gauge"), "\(name)")
      }
      for (prefix, count) in [("octavia_listener_", 27), ("octavia_pool_", 44), ("octavia_member_", 40)] {
        #expect(families.count { $0.hasPrefix(prefix) } == count, "\(prefix)")
      }
      let (pool, listener) = (stage.balancer.pool, stage.balancer.listener)
      for member in stage.balancer.members {
        let labels = #"{pool="\#(pool):\#(listener)",member="\#(member.id)""#
        #expect(lines.contains("octavia_member_status\(labels),state=\"UP\"} 1"))
        #expect(lines.contains { $0.hasPrefix("octavia_member_http_responses_total\(labels),code=\"2xx\"} ") })
      }
      #expect(lines.contains("octavia_listener_status{listener=\"\(listener)\",state=\"UP\"} 1"))
      #expect(
        lines.contains("octavia_listener_status{listener=\"\(stage.balancer.prometheusListener)\",state=\"UP\"} 1"))
      #expect(lines.contains("octavia_pool_active_members{pool=\"\(pool):\(listener)\"} 2"))
      #expect(!result.body.contains("prometheus-exporter") && !result.body.contains("haproxy_"))
    }
  }

  @Test func `the agent's own metrics are there while it lives, and a scrape does not need it`() async throws {
    try await withMetrics { stage in
      #expect(stage.amphora.mode("/run/amphora-agent/control.sock") == "600")
      var seen = lines(try await scrape(stage))
      for line in [
        "amphora_agent_up 1", "amphora_agent_build_info{version=\"\(AgentVersion.current)\"} 1",
        #"amphora_agent_requests_total{method="POST",route="/1.0/plug/vip/*",status="202"} 1"#,
        #"amphora_agent_requests_total{method="POST",route="/1.0/plug/network",status="202"} 1"#,
        #"amphora_agent_reloads_total{outcome="failed"} 0"#,
      ] { #expect(seen.contains(line), "\(line)") }
      #expect(seen.contains { $0.hasPrefix("amphora_agent_certificate_expiry_seconds{certificate=\"agent\"} ") })
      // A start is no reload; this is one.
      try await stage.deploy()
      seen = lines(try await scrape(stage))
      #expect(seen.contains(#"amphora_agent_reloads_total{outcome="succeeded"} 1"#))
      try await stage.amphora.crashAgent()
      seen = lines(try await scrape(stage))
      #expect(seen.contains("amphora_agent_up 0"))
      #expect(seen.contains { $0.hasPrefix("octavia_listener_status{") })
      try await stage.amphora.startAgent()
      try await poll("the agent's metrics") { try await lines(scrape(stage)).contains("amphora_agent_up 1") }
    }
  }

  @Test func `without haproxy it answers 502, and goes on with the next one`() async throws {
    try await withMetrics { stage in
      func ask() async throws -> String {
        try await stage.amphora.run(
          "/sbin/ip netns exec amphora-haproxy /usr/bin/curl -s -o /dev/null -w %{http_code} http://127.0.0.1:9102/"
        ).output
      }
      #expect(try await ask() == "200")
      try await stage.amphora.client.control(stage.object, .stop)
      #expect(try await ask() == "502")
      try await stage.amphora.client.control(stage.object, .start)
      try await poll("metrics again") { try await ask() == "200" }
    }
  }

  @Test func `SIGTERM ends it with its pid file`() async throws {
    try await withAmphora { amphora in
      // No namespace yet: it waits for one.
      _ = try await amphora.vm.run([
        "/bin/sh", "-c", "(/run/bin/prometheus-proxy > /run/proxy.log 2>&1; echo $? > /run/proxy.status) &",
      ])
      let pid: Int32 = try await poll("the pid file") {
        amphora.text("/run/prometheus-proxy.pid").flatMap { Int32($0.filter(\.isNumber)) }
      }
      try await amphora.kill(pid, "TERM")
      try await poll("its end") { amphora.text("/run/proxy.status") == "0\n" }
      #expect(!amphora.exists("/run/prometheus-proxy.pid"))
    }
  }
}

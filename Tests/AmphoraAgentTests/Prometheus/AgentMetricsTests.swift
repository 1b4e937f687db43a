// What the agent tells of itself.

import AmphoraProtocol
import Testing

@testable import AmphoraAgent

@Suite struct AgentMetricsTests {
  private func lines(_ metrics: AgentMetrics, _ status: HeartbeatStatus = HeartbeatStatus()) -> [String] {
    metrics.text(heartbeats: status, expiries: [("agent", UnixTime.now + 1000)]).split(separator: "\n").map(String.init)
  }

  @Test func `requests are counted by route, not by object`() {
    let metrics = AgentMetrics()
    let id = "aaaaaaaa-0000-4000-8000-000000000001"
    metrics.noteRequest(method: "PUT", path: "/1.0/loadbalancer/\(id)/reload", status: 202, took: .milliseconds(500))
    metrics.noteRequest(
      method: "PUT", path: "/1.0/loadbalancer/\(id.replacing("a", with: "b"))/stop", status: 500, took: .milliseconds(5)
    )
    for path in ["/x", "/y"] { metrics.noteRequest(method: "GET", path: path, status: 404, took: .zero) }
    let lines = lines(metrics)
    let labels = #"method="PUT",route="/1.0/loadbalancer/*/*""#
    for line in [
      #"amphora_agent_requests_total{\#(labels),status="202"} 1"#,
      #"amphora_agent_requests_total{\#(labels),status="500"} 1"#,
      #"amphora_agent_requests_total{method="other",route="other",status="404"} 2"#,
      #"amphora_agent_request_duration_seconds_bucket{\#(labels),le="0.01"} 1"#,
      #"amphora_agent_request_duration_seconds_bucket{\#(labels),le="1"} 2"#,
      #"amphora_agent_request_duration_seconds_bucket{\#(labels),le="+Inf"} 2"#,
      #"amphora_agent_request_duration_seconds_sum{\#(labels)} 0.505"#,
      #"amphora_agent_request_duration_seconds_count{\#(labels)} 2"#,
    ] { #expect(lines.contains(line), "\(line)") }
  }

  @Test func `reloads are told by how they ended, heartbeats by what became of them`() {
    let metrics = AgentMetrics()
    let id = LoadBalancerID(unchecked: "aaaaaaaa-0000-4000-8000-000000000001")
    metrics.noteReload(.succeeded, of: id, took: .milliseconds(250))
    metrics.noteReload(.restored, of: id, took: .seconds(2))
    var status = HeartbeatStatus()
    status.sent = 7
    status.skipped = [.vrrpDown: 3]
    (status.sendErrors, status.fragmented, status.nearLimit, status.withoutPools) = (2, 4, 1, 1)
    let lines = lines(metrics, status)
    for line in [
      #"amphora_agent_reloads_total{outcome="succeeded"} 1"#, #"amphora_agent_reloads_total{outcome="restored"} 1"#,
      #"amphora_agent_reloads_total{outcome="failed"} 0"#,
      #"amphora_agent_reload_duration_seconds_total{outcome="restored"} 2"#, "amphora_agent_heartbeats_sent_total 7",
      #"amphora_agent_heartbeats_skipped_total{reason="vrrp_down"} 3"#,
      #"amphora_agent_heartbeats_skipped_total{reason="too_large"} 0"#,
      #"amphora_agent_heartbeats_skipped_total{reason="send_failed"} 2"#,
      #"amphora_agent_heartbeats_oversize_total{reason="without_pools"} 1"#,
      #"amphora_agent_build_info{version="\#(AgentVersion.current)"} 1"#,
      #"amphora_agent_certificate_expiry_seconds{certificate="agent"} 1000"#,
    ] { #expect(lines.contains(line), "\(line)") }
    #expect(lines.contains { $0.hasPrefix("amphora_agent_resident_memory_bytes ") && !$0.hasSuffix(" 0") })
    #expect(lines.contains { $0.hasPrefix("amphora_agent_uptime_seconds ") })
  }

  @Test func `each metric has its help and type before its samples, once`() {
    var name = ""
    var seen: Set<String> = []
    for line in lines(AgentMetrics()) {
      let words = line.split(separator: " ")
      if line.hasPrefix("# HELP ") {
        name = String(words[2])
        #expect(seen.insert(name).inserted)
      } else if line.hasPrefix("# TYPE ") {
        #expect(words[2] == name)
      } else {
        #expect(line.hasPrefix(name))
      }
    }
    #expect(seen.count == 11)
  }
}

// Exposition text of the agent's own metrics (Prometheus text format 0.0.4).

/// Text that grows by metrics and their samples.
struct MetricText {
  enum Kind: String { case counter, gauge, histogram }

  private(set) var text = ""
  private var name = ""

  /// Begins a metric; samples follow.
  mutating func family(_ name: String, _ kind: Kind, _ help: String) {
    self.name = name
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
  }

  /// Adds a sample; `suffix` is that of a histogram's parts.
  mutating func sample(_ value: Double, _ labels: KeyValuePairs<String, String> = [:], suffix: String = "") {
    let inside = labels.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
    text += "\(name)\(suffix)\(inside.isEmpty ? "" : "{\(inside)}") \(Self.number(value))\n"
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() && value.magnitude < 1e15 ? String(Int(value)) : "\(value)"
  }

  private static func escaped(_ value: String) -> String {
    value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }
}

extension MetricText {
  mutating func requests(_ counts: AgentMetrics.Counts) {
    family("amphora_agent_requests_total", .counter, "Requests answered.")
    let requests = counts.requests.sorted {
      ($0.key.route, $0.key.method, $0.key.status) < ($1.key.route, $1.key.method, $1.key.status)
    }
    for (request, count) in requests {
      sample(
        Double(count), ["method": request.method, "route": request.route, "status": String(request.status)])
    }
    family("amphora_agent_request_duration_seconds", .histogram, "Time from a request's head to its answer.")
    for (key, tally) in counts.durations.sorted(by: { $0.key < $1.key }) {
      let words = key.split(separator: " ").map(String.init)
      let (method, route) = (words.first ?? "", words.last ?? "")
      for (bound, count) in zip(AgentMetrics.bounds, tally.within) {
        sample(Double(count), ["method": method, "route": route, "le": Self.number(bound)], suffix: "_bucket")
      }
      sample(Double(tally.count), ["method": method, "route": route, "le": "+Inf"], suffix: "_bucket")
      sample(tally.seconds, ["method": method, "route": route], suffix: "_sum")
      sample(Double(tally.count), ["method": method, "route": route], suffix: "_count")
    }
  }

  /// All outcomes are there from the start, so that the first failure is an increase.
  mutating func reloads(_ counts: AgentMetrics.Counts) {
    family("amphora_agent_reloads_total", .counter, "Reloads of haproxy by how they ended.")
    for outcome in AgentMetrics.ReloadOutcome.allCases {
      sample(Double(counts.reloads[outcome]?.count ?? 0), ["outcome": outcome.rawValue])
    }
    family("amphora_agent_reload_duration_seconds_total", .counter, "Time that reloads of haproxy took.")
    for outcome in AgentMetrics.ReloadOutcome.allCases {
      sample(counts.reloads[outcome]?.seconds ?? 0, ["outcome": outcome.rawValue])
    }
  }

  mutating func heartbeats(_ status: HeartbeatStatus) {
    family("amphora_agent_heartbeats_sent_total", .counter, "Heartbeats that left.")
    sample(Double(status.sent))
    family("amphora_agent_heartbeats_skipped_total", .counter, "Heartbeats that were not sent.")
    for reason in HeartbeatStatus.SkipReason.allCases {
      sample(Double(status.skipped[reason] ?? 0), ["reason": reason.label])
    }
    sample(Double(status.sendErrors), ["reason": "send_failed"])
    family("amphora_agent_heartbeats_oversize_total", .counter, "Heartbeats that were large, by what came of it.")
    sample(Double(status.fragmented), ["reason": "fragmented"])
    sample(Double(status.nearLimit), ["reason": "near_limit"])
    sample(Double(status.withoutPools), ["reason": "without_pools"])
  }
}

extension HeartbeatStatus.SkipReason {
  /// The reason as a label's value.
  fileprivate var label: String {
    switch self {
    case .vrrpDown: "vrrp_down"
    case .notConfigured: "not_configured"
    case .noDestination: "no_destination"
    case .resolving: "resolving"
    case .unresolvable: "unresolvable"
    case .overrun: "overrun"
    case .tooLarge: "too_large"
    case .buildFailed: "build_failed"
    }
  }
}

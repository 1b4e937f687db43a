// Which of haproxy's metrics tenants see, and under which names (contract services §7.4).

/// A metric of haproxy's exporter as tenants see it.
struct Metric: Sendable {
  /// What the metric is about; it decides which labels are renamed.
  enum Subject: Sendable {
    case loadBalancer, listener, pool, member
  }

  /// The name tenants see.
  let name: String
  let subject: Subject
  /// The text that says "listener", "pool" or "member" where haproxy's has its own words; nil keeps haproxy's.
  let help: String?
}

/// The metrics by haproxy's names.
enum MetricTable {
  static let metrics: [String: Metric] = {
    var metrics: [String: Metric] = [:]
    func add(_ name: String, _ subject: Metric.Subject, _ own: String) {
      metrics[name] = Metric(name: own, subject: subject, help: MetricHelp.texts[own])
    }
    for suffix in loadBalancer.split(whereSeparator: \.isWhitespace) {
      let kind = suffix.hasPrefix("pool_") ? "memory" : "loadbalancer"
      add("haproxy_process_\(suffix)", .loadBalancer, "octavia_\(kind)_\(suffix)")
    }
    for line in objects.split(separator: "\n") {
      let words = line.split(separator: " ")
      for suffix in words.dropFirst() {
        if words[0].contains("L") { add("haproxy_frontend_\(suffix)", .listener, "octavia_listener_\(suffix)") }
        if words[0].contains("P") {
          add("haproxy_backend_\(suffix)", .pool, "octavia_pool_\(pools[String(suffix)] ?? String(suffix))")
        }
        if words[0].contains("M") { add("haproxy_server_\(suffix)", .member, "octavia_member_\(suffix)") }
      }
    }
    return metrics
  }()

  /// What is known of the whole process.
  private static let loadBalancer = """
    pool_allocated_bytes pool_used_bytes pool_failures_total max_connections current_connections connections_total
    requests_total max_ssl_connections current_ssl_connections ssl_connections_total current_connection_rate
    limit_connection_rate max_connection_rate current_session_rate limit_session_rate max_session_rate current_ssl_rate
    limit_ssl_rate max_ssl_rate current_frontend_ssl_key_rate max_frontend_ssl_key_rate current_backend_ssl_key_rate
    max_backend_ssl_key_rate frontend_ssl_reuse ssl_cache_lookups_total ssl_cache_misses_total http_comp_bytes_in_total
    http_comp_bytes_out_total limit_http_comp listeners dropped_logs_total
    """

  /// What is known of listeners (L), pools (P) and members (M).
  private static let objects = """
    LPM status current_sessions max_sessions limit_sessions max_session_rate
    LPM sessions_total bytes_in_total bytes_out_total responses_denied_total http_responses_total
    LPM failed_header_rewriting_total
    LP requests_denied_total http_requests_total http_cache_lookups_total http_cache_hits_total
    LP http_comp_bytes_in_total http_comp_bytes_out_total http_comp_bytes_bypassed_total http_comp_responses_total
    L limit_session_rate connections_rate_max http_requests_rate_max
    L connections_total request_errors_total intercepted_requests_total denied_connections_total denied_sessions_total
    PM last_session_seconds max_response_time_seconds current_queue max_queue
    PM queue_time_average_seconds connect_time_average_seconds response_time_average_seconds total_time_average_seconds
    PM max_queue_time_seconds max_connect_time_seconds max_total_time_seconds check_last_change_seconds
    PM connection_attempts_total connection_reuses_total connection_errors_total response_errors_total
    PM retry_warnings_total redispatch_warnings_total client_aborts_total check_up_down_total
    PM server_aborts_total downtime_seconds_total loadbalanced_total
    P active_servers backup_servers
    M queue_limit weight current_throttle check_failures_total idle_connections_current idle_connections_limit
    """

  /// Pools' metrics whose names say "server".
  private static let pools = [
    "server_aborts_total": "member_aborts_total", "active_servers": "active_members",
    "backup_servers": "backup_members",
  ]
}

/// Texts of our own, by the names tenants see.
enum MetricHelp {
  static let texts = [
    "octavia_memory_pool_allocated_bytes": "Bytes reserved by the load balancer's memory pools.",
    "octavia_memory_pool_used_bytes": "Bytes in use in the load balancer's memory pools.",
    "octavia_memory_pool_failures_total": "Allocations from memory pools that failed.",
    "octavia_loadbalancer_current_ssl_connections": "TLS connections open now.",
    "octavia_listener_status": "State of the listener.",
    "octavia_pool_status": "State of the pool.",
    "octavia_member_status": "State of the member.",
    "octavia_listener_failed_header_rewriting_total": "Header rewrites of the listener that failed.",
    "octavia_listener_denied_connections_total": "Connections to the listener refused by connection rules.",
    "octavia_listener_denied_sessions_total": "Sessions of the listener refused by session rules.",
    "octavia_pool_last_session_seconds": "Seconds since a member of the pool last got a session.",
    "octavia_member_last_session_seconds": "Seconds since the member last got a session.",
    "octavia_pool_max_response_time_seconds": "Longest wait for an answer of one of the pool's members.",
    "octavia_member_max_response_time_seconds": "Longest wait for an answer of the member.",
    "octavia_pool_member_aborts_total": "Transfers that members of the pool broke off.",
    "octavia_pool_active_members": "Members of the pool that are in use.",
    "octavia_pool_backup_members": "Members of the pool that stand by as backups.",
    "octavia_pool_downtime_seconds_total": "Seconds in which the pool had no member in service.",
    "octavia_member_downtime_seconds_total": "Seconds in which the member was out of service.",
    "octavia_pool_loadbalanced_total": "Times that load balancing chose a member of the pool.",
    "octavia_member_loadbalanced_total": "Times that load balancing chose the member.",
    "octavia_member_queue_limit": "Longest queue allowed for the member, 0 for no limit.",
    "octavia_member_weight": "Weight of the member.",
    "octavia_member_current_throttle": "Percentage of its weight that a member gets while it starts slowly.",
    "octavia_member_check_failures_total": "Health checks of the member that failed while it was up.",
  ]
}

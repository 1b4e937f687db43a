// From haproxy's metrics to tenants' (contract services §7.4).

import Testing

@testable import AmphoraAgent

@Suite struct MetricTranslationTests {
  /// The translation of a text that arrives in pieces of some size, and the lines that were dropped.
  private func translate(_ text: String, pieces: Int = 1 << 20) -> (text: String, rejected: [String]) {
    var rejected: [String] = []
    var output: [UInt8] = []
    withoutActuallyEscaping({ rejected.append($0) }) { note in
      var translation = MetricTranslation(onRejected: note)
      var rest = Array(text.utf8)[...]
      while !rest.isEmpty {
        rest.prefix(pieces).withUnsafeBytes { translation.take($0) }
        rest = rest.dropFirst(pieces)
        output += translation.output
        translation.discardOutput()
      }
      translation.finish()
      output += translation.output
    }
    return (String(decoding: output, as: UTF8.self), rejected)
  }

  private static let input = """
    # HELP haproxy_process_nbthread Number of started threads (global.nbthread)
    # TYPE haproxy_process_nbthread gauge
    haproxy_process_nbthread 2
    # HELP haproxy_process_pool_used_bytes Amount of memory currently used in the pools (in bytes)
    # TYPE haproxy_process_pool_used_bytes gauge
    haproxy_process_pool_used_bytes 81248
    # HELP haproxy_process_requests_total Total number of requests on this worker process since started
    # TYPE haproxy_process_requests_total counter
    haproxy_process_requests_total 17 1700000000000
    # HELP haproxy_frontend_status Current status of the service, per state label value.
    # TYPE haproxy_frontend_status gauge
    haproxy_frontend_status{proxy="prometheus-exporter-internal-endpoint",state="UP"} 1
    haproxy_frontend_status{proxy="L1",state="DOWN"} 0
    haproxy_frontend_status{proxy="L1",state="UP"} 1
    # HELP haproxy_backend_server_aborts_total Total number of requests or connections aborted by the server since the worker process started
    # TYPE haproxy_backend_server_aborts_total counter
    haproxy_backend_server_aborts_total{proxy="prometheus-exporter-internal"} 0
    haproxy_backend_server_aborts_total{proxy="P1:L1"} 3
    # HELP haproxy_backend_uweight Server's user weight
    # TYPE haproxy_backend_uweight gauge
    haproxy_backend_uweight{proxy="P1:L1"} 1
    # HELP haproxy_server_http_responses_total Total number of HTTP responses with status 100-199 returned by this object since the worker process started
    # TYPE haproxy_server_http_responses_total counter
    haproxy_server_http_responses_total{proxy="P1:L1",server="M1",code="2xx"} 9
    haproxy_server_http_responses_total{proxy="P1:L1",server="M2",code="other"} NaN
    # HELP haproxy_server_server_aborts_total Total number of requests or connections aborted by the server
    # TYPE haproxy_server_server_aborts_total counter
    haproxy_server_server_aborts_total{proxy="P1:L1",server="M1"} 4
    # HELP haproxy_sticktable_size Stick table size.
    # TYPE haproxy_sticktable_size gauge
    haproxy_sticktable_size{name="P1:L1",type="ip"} 10240

    """

  private static let output = """
    # HELP octavia_memory_pool_used_bytes Bytes in use in the load balancer's memory pools.
    # TYPE octavia_memory_pool_used_bytes gauge
    octavia_memory_pool_used_bytes 81248
    # HELP octavia_loadbalancer_requests_total Total number of requests on this worker process since started
    # TYPE octavia_loadbalancer_requests_total counter
    octavia_loadbalancer_requests_total 17 1700000000000
    # HELP octavia_listener_status State of the listener.
    # TYPE octavia_listener_status gauge
    octavia_listener_status{listener="L1",state="DOWN"} 0
    octavia_listener_status{listener="L1",state="UP"} 1
    # HELP octavia_pool_member_aborts_total Transfers that members of the pool broke off.
    # TYPE octavia_pool_member_aborts_total counter
    octavia_pool_member_aborts_total{pool="P1:L1"} 3
    # HELP octavia_member_http_responses_total Total number of HTTP responses with status 100-199 returned by this object since the worker process started
    # TYPE octavia_member_http_responses_total counter
    octavia_member_http_responses_total{pool="P1:L1",member="M1",code="2xx"} 9
    octavia_member_http_responses_total{pool="P1:L1",member="M2",code="other"} NaN
    # HELP octavia_member_server_aborts_total Total number of requests or connections aborted by the server
    # TYPE octavia_member_server_aborts_total counter
    octavia_member_server_aborts_total{pool="P1:L1",member="M1"} 4

    """

  @Test(arguments: [1, 2, 3, 7, 64, 1 << 20]) func `names and labels change, values do not, wherever the text is cut`(
    pieces: Int
  ) {
    let (text, rejected) = translate(Self.input, pieces: pieces)
    #expect(text == Self.output)
    #expect(
      rejected.filter { !$0.hasPrefix("#") } == [
        "haproxy_process_nbthread 2",
        #"haproxy_frontend_status{proxy="prometheus-exporter-internal-endpoint",state="UP"} 1"#,
        #"haproxy_backend_server_aborts_total{proxy="prometheus-exporter-internal"} 0"#,
        #"haproxy_backend_uweight{proxy="P1:L1"} 1"#, #"haproxy_sticktable_size{name="P1:L1",type="ip"} 10240"#,
      ])
  }

  @Test func `a text without line end at its end is whole`() {
    #expect(translate("haproxy_process_listeners 3").text == "octavia_loadbalancer_listeners 3\n")
    #expect(translate("").text.isEmpty)
  }

  @Test func `the contract's metrics are there, each under a name of its own`() {
    let metrics = MetricTable.metrics
    for (prefix, count) in [
      ("haproxy_process_", 31), ("haproxy_frontend_", 27), ("haproxy_backend_", 44), ("haproxy_server_", 40),
    ] {
      #expect(metrics.keys.count { $0.hasPrefix(prefix) } == count, "\(prefix)")
    }
    #expect(metrics.count == 142)
    #expect(Set(metrics.values.map(\.name)).count == 142)
    // A text of our own belongs to a metric there is.
    #expect(Set(MetricHelp.texts.keys).isSubset(of: Set(metrics.values.map(\.name))))
    #expect(metrics.values.count { $0.help != nil } == 25)
    for (theirs, ours) in [
      ("haproxy_process_pool_failures_total", "octavia_memory_pool_failures_total"),
      ("haproxy_process_frontend_ssl_reuse", "octavia_loadbalancer_frontend_ssl_reuse"),
      ("haproxy_backend_active_servers", "octavia_pool_active_members"),
      ("haproxy_backend_backup_servers", "octavia_pool_backup_members"),
      ("haproxy_server_check_failures_total", "octavia_member_check_failures_total"),
    ] {
      #expect(metrics[theirs]?.name == ours)
    }
    for dropped in [
      "haproxy_process_build_info", "haproxy_backend_weight", "haproxy_backend_agg_check_status",
      "haproxy_frontend_internal_errors_total", "haproxy_server_check_status", "haproxy_server_uweight",
    ] { #expect(metrics[dropped] == nil) }
  }

  @Test func `only names are looked at, not what stands in texts and values`() {
    let text = #"""
      # HELP haproxy_server_weight Like haproxy_backend_status{proxy="x"} of proxy and server.
      haproxy_server_weight{proxy="a\"b}\\",server="haproxy_server_weight",note="proxy=\"x\",server=\"y\""} 1
      haproxy_server_weight{server="prometheus-exporter-1",proxy="L"} 2

      """#
    let wanted = #"""
      # HELP octavia_member_weight Weight of the member.
      octavia_member_weight{pool="a\"b}\\",member="haproxy_server_weight",note="proxy=\"x\",server=\"y\""} 1
      octavia_member_weight{member="prometheus-exporter-1",pool="L"} 2

      """#
    #expect(translate(text).text == wanted)
  }

  @Test(arguments: [
    "haproxy_server_weight", "haproxy_server_weight{", "haproxy_server_weight{} 1", #"haproxy_server_weight{proxy="a"#,
    #"haproxy_server_weight{proxy="a" 1"#, #"haproxy_server_weight{proxy=a} 1"#, #"haproxy_server_weight{proxy} 1"#,
    #"haproxy_server_weight{proxy="a"x} 1"#, "# HELP", "# HELP ", "# TYPE x gauge", "#", " ", "# EOF", "\u{0}",
    #"xhaproxy_server_weight{proxy="a"} 1"#,
  ]) func `what is no metric is dropped, and the next line is read`(line: String) {
    let (text, rejected) = translate(line + "\nhaproxy_process_listeners 3\n")
    #expect(text == "octavia_loadbalancer_listeners 3\n")
    #expect(rejected == [line])
  }

  @Test func `a line without end costs no memory, and only itself`() {
    let text =
      "haproxy_process_listeners 3\n" + String(repeating: "x", count: 1 << 20) + "\nhaproxy_process_listeners 4\n"
    let (output, rejected) = translate(text, pieces: 1000)
    #expect(output == "octavia_loadbalancer_listeners 3\noctavia_loadbalancer_listeners 4\n")
    #expect(rejected == ["a line of more than 65536 bytes"])
  }

  @Test func `beginning and end of a line that is too long are not joined`() {
    let long = "haproxy_server_weight{proxy=\"" + String(repeating: "a", count: 70_000) + "\",server=\"b\"} 1\n"
    #expect(translate(long + "haproxy_process_listeners 4\n", pieces: 100).text == "octavia_loadbalancer_listeners 4\n")
  }

  @Test func `load and memory come first, with one decimal`() {
    let memory = "MemTotal:        1000 kB\nMemFree: 1 kB\nMemAvailable:   333 kB\n"
    #expect(
      HostMetrics.text(load: "0.33 0.1 0.0 1/99 7\n", memory: memory, processors: 2) == """
        # HELP octavia_loadbalancer_cpu Load of the load balancer's CPUs in percent, averaged over a minute.
        # TYPE octavia_loadbalancer_cpu gauge
        octavia_loadbalancer_cpu 16.5
        # HELP octavia_loadbalancer_memory Memory of the load balancer in use, in percent.
        # TYPE octavia_loadbalancer_memory gauge
        octavia_loadbalancer_memory 66.7

        """)
    #expect(HostMetrics.text(load: nil, memory: "", processors: 2).isEmpty)
    #expect(HostMetrics.text().contains("octavia_loadbalancer_memory "))
  }
}

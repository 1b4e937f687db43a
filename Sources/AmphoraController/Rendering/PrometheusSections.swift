// The sections of haproxy.cfg behind PROMETHEUS listeners (contract §3.4): the internal endpoint that haproxy's own
// exporter answers on, and the backend that leads to the amphora's proxy for it.

/// The internal parts of the exporter of metrics.
struct PrometheusSections {
  let input: HAProxyInput

  func write(to text: inout ConfigurationText) {
    guard input.hasPrometheusExporter, input.listeners.contains(where: { $0.listener.protocol == .prometheus }) else {
      return
    }
    text.line("frontend prometheus-exporter-internal-endpoint")
    text.entry("bind 127.0.0.1:9101")
    text.entry("mode http")
    text.entry("no log")
    text.entry("http-request use-service prometheus-exporter if { path /metrics }")
    text.entry("http-request reject")
    text.entry("timeout http-request 5s")
    text.entry("timeout client 5s")
    text.line("backend \(Self.backendName)")
    text.entry("mode http")
    text.entry("no log")
    text.entry("balance first")
    text.entry("timeout connect 5s")
    text.entry("timeout server 5s")
    text.entry("server prometheus-internal 127.0.0.1:9102")
  }

  /// The backend that PROMETHEUS listeners use.
  static let backendName = "prometheus-exporter-internal"
}

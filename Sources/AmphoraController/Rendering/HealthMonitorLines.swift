// How haproxy checks members (contract §4.8).

/// The lines of a backend about its enabled monitor.
struct HealthMonitorLines {
  let input: HAProxyInput
  let monitor: HealthMonitor

  func write(to text: inout ConfigurationText) throws {
    if input.version.isAtLeast(1, 6) { text.entry("load-server-state-from-file global") }
    text.entry("timeout check \(monitor.timeout)s")
    switch monitor.type {
    case .http, .https: try writeHTTP(to: &text)
    case .ping:
      text.entry("option external-check")
      // Fixed text: option base_path has no influence here.
      text.entry("external-check command /var/lib/octavia/ping-wrapper.sh")
    case .tcp, .tlsHello, .udpConnect, .sctp: break
    }
  }

  private func writeHTTP(to text: inout ConfigurationText) throws {
    let reason = "health monitor \(monitor.id)"
    let method = try required(monitor.httpMethod, "http_method", for: reason)
    let path = try required(monitor.urlPath, "url_path", for: reason)
    let version = monitor.httpVersion.map { " HTTP/\($0.rawValue)" } ?? ""
    text.entry("option httpchk \(method.rawValue) \(input.escaping.word(path.rawValue))\(version)")
    if monitor.httpVersion == .http11, let name = monitor.domainName { text.entry("http-check send hdr Host \(name)") }
    text.entry("http-check expect rstatus \(try monitor.expectedCodes.map(input.escaping.alternatives) ?? "None")")
  }
}

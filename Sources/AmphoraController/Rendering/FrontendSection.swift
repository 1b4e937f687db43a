// A `frontend` section of haproxy.cfg (contract §4.2): one per enabled listener.

/// What clients of a listener connect to.
struct FrontendSection {
  let input: HAProxyInput
  let listener: EffectiveListener

  func write(to text: inout ConfigurationText) throws {
    let isTerminated = listener.listener.protocol == .terminatedHTTPS
    text.line("frontend \(listener.listener.id)")
    text.entry("maxconn \(listener.connectionLimit)")
    if isTerminated { text.entry("redirect scheme https if !{ ssl_fc }") }
    if isTerminated, let strictTransportSecurity { text.entry(strictTransportSecurity) }
    let bind = try BindOptions(input: input, listener: listener.listener).words
    for vip in [input.loadBalancer.vipAddress] + input.loadBalancer.additionalVIPs.map(\.ipAddress) {
      text.entry((["bind \(vip):\(listener.listener.protocolPort)"] + bind).joined(separator: " "))
    }
    text.entry("mode \(listener.mode.rawValue)")
    for policy in listener.policies where policy.isUsable {
      try L7PolicyLines(input: input, listener: listener, policy: policy).write(to: &text)
    }
    if let pool = listener.defaultPool, pool.isUsable {
      text.entry("default_backend \(BackendSection.name(pool, listener))")
    }
    text.entry("timeout client \(listener.timeoutClientData)")
    if listener.timeoutTCPInspect != 0 { text.entry("tcp-request inspect-delay \(listener.timeoutTCPInspect)") }
    if listener.listener.protocol == .prometheus, input.hasPrometheusExporter {
      text.entry("default_backend \(PrometheusSections.backendName)")
    }
    if input.options.connectionLogging {
      text.entry("log-format \(LogFormatLine(input: input, listener: listener.listener).format)")
    }
  }

  private var strictTransportSecurity: String? {
    guard let maxAge = listener.listener.hstsMaxAge else { return nil }
    let subdomains = listener.listener.hstsIncludeSubdomains ? " includeSubDomains;" : ""
    let preload = listener.listener.hstsPreload ? " preload;" : ""
    return "http-response set-header Strict-Transport-Security \"max-age=\(maxAge);\(subdomains)\(preload)\""
  }
}

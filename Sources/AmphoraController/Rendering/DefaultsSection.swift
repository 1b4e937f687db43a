// The `defaults` section of haproxy.cfg (contract §3.2).

/// Settings for all proxies.
struct DefaultsSection {
  let input: HAProxyInput

  func write(to text: inout ConfigurationText) {
    text.line("defaults")
    text.entry(input.options.connectionLogging ? "log global" : "no log")
    text.entry("retries 3")
    text.entry("option redispatch")
    text.entry("option splice-request")
    text.entry("option splice-response")
    text.entry("option http-keep-alive")
  }
}

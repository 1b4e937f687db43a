// haproxy.cfg (contract §3 to §5).

/// The configuration of haproxy for a load balancer.
public enum HAProxyConfiguration {
  /// The name of the file.
  public static let fileName = "haproxy.cfg"

  /// Renders the text for all listeners that are not UDP or SCTP; fails with a ``DocumentError``.
  public static func render(_ document: LoadBalancerDocument) throws -> String {
    try document.check()
    return try render(checked: document)
  }

  static func render(checked document: LoadBalancerDocument) throws -> String {
    do {
      return try text(HAProxyInput(document, escaping: .upstream))
    } catch is Escaping.Refused {
      return try text(HAProxyInput(document, escaping: .literal))
    }
  }

  private static func text(_ input: HAProxyInput) throws -> String {
    var text = ConfigurationText()
    text.line("# Configuration for loadbalancer \(input.loadBalancer.id)")
    GlobalSection(input: input).write(to: &text)
    text.blank()
    DefaultsSection(input: input).write(to: &text)
    text.blank()
    try PeersSection(input: input).write(to: &text)
    text.blank(2)
    PrometheusSections(input: input).write(to: &text)
    text.blank()
    guard input.loadBalancer.adminStateUp else { return text.text }
    for listener in input.enabledListeners {
      try FrontendSection(input: input, listener: listener).write(to: &text)
      text.blank()
      for pool in listener.pools where pool.adminStateUp {
        try BackendSection(input: input, listener: listener, pool: pool).write(to: &text)
        text.blank()
      }
    }
    return text.text
  }
}

// A layer 7 policy in a frontend of haproxy.cfg (contract §5).

/// The lines of a frontend about a policy: one `acl` for each rule, then what is done.
struct L7PolicyLines {
  let input: HAProxyInput
  let listener: EffectiveListener
  let policy: L7Policy

  func write(to text: inout ConfigurationText) throws {
    for rule in policy.usableRules { text.line("acl \(rule.id) \(try criterion(of: rule))", indent: 8) }
    if let action = try action { text.entry("\(action) if \(condition)") }
  }

  private var condition: String {
    policy.usableRules.map { ($0.invert ? "!" : "") + $0.id.rawValue }.joined(separator: " ")
  }

  private var action: String? {
    get throws {
      let code = policy.redirectHTTPCode.map { " code \($0.rawValue)" } ?? ""
      let reason = "l7policy \(policy.id)"
      switch policy.action {
      case .reject: return "http-request deny"
      case .redirectToURL:
        return "redirect\(code) location \(target(try required(policy.redirectURL, "redirect_url", for: reason)))"
      case .redirectPrefix:
        return "redirect\(code) prefix \(target(try required(policy.redirectPrefix, "redirect_prefix", for: reason)))"
      case .redirectToPool:
        return listener.usableRedirectPool(of: policy).map { "use_backend \(BackendSection.name($0, listener))" }
      }
    }
  }

  /// A target with blanks or control characters is discarded (contract §2).
  private func target(_ target: RedirectTarget) -> String {
    let isBad = target.rawValue.unicodeScalars.contains { $0.value <= 0x20 || (0x7F...0x9F).contains($0.value) }
    return isBad ? "None" : input.escaping.word(target.rawValue)
  }

  private func criterion(of rule: L7Rule) throws -> String {
    let path = "l7policy \(policy.id), rule \(rule.id)"
    switch rule.type {
    case .hostName: return "req.hdr(host) -i \(try comparison(rule))"
    case .path: return "path \(try comparison(rule))"
    case .fileType: return "path_end \(try comparison(rule))"
    case .header: return "req.hdr(\(try argument(rule, path))) \(try comparison(rule))"
    case .cookie: return "req.cook(\(try argument(rule, path))) \(try comparison(rule))"
    case .tlsClientHasCertificate: return "ssl_c_used"
    case .tlsVerifyResult:
      try rule.checkVerifyResult(at: path)
      return "ssl_c_verify eq \(rule.value)"
    case .tlsDNField:
      return "ssl_c_s_dn(\(try rule.key(as: DNFieldNameGrammar.self, at: path))) \(try comparison(rule))"
    }
  }

  private func argument(_ rule: L7Rule, _ path: String) throws -> String {
    try input.escaping.argument(rule.key(as: HTTPTokenGrammar.self, at: path))
  }

  private func comparison(_ rule: L7Rule) throws -> String {
    "\(Self.method(rule)) \(try input.escaping.pattern(rule.value))"
  }

  private static func method(_ rule: L7Rule) -> String {
    switch rule.compareType {
    case .regex: "-m reg"
    case .startsWith: "-m beg"
    case .endsWith: "-m end"
    case .contains: "-m sub"
    // path_end already compares ends; upstream leaves the place of the method empty, and two spaces.
    case .equalTo: rule.type == .fileType ? "" : "-m str"
    }
  }
}

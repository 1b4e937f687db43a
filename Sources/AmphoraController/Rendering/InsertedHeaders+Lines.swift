// Headers that haproxy adds to requests (contract §4.9).

extension InsertedHeaders {
  /// The lines of a backend, in their fixed order.
  func lines(for listener: ListenerProtocol, pool: PoolProtocol) -> [String] {
    let isTerminated = listener == .terminatedHTTPS
    return Name.allCases.filter(wanted.contains).compactMap { name in
      switch name {
      case .forwardedFor: pool == .http ? "option forwardfor" : nil
      case .forwardedPort: pool == .http ? Self.setting(name, "%[dst_port]") : nil
      case .forwardedProto: listener.takesL7Policies ? Self.setting(name, isTerminated ? "https" : "http") : nil
      case .forwardedIP, .clientIP, .realIP: nil
      default: isTerminated ? Self.certificateSample(name).map { Self.setting(name, $0) } : nil
      }
    }
  }

  private static func setting(_ name: Name, _ value: String) -> String {
    "http-request set-header \(name.rawValue) \(value)"
  }

  private static func certificateSample(_ name: Name) -> String? {
    switch name {
    case .clientVerify: "%[ssl_c_verify]"
    case .clientHasCertificate: "%[ssl_c_used]"
    case .clientDN: "%{+Q}[ssl_c_s_dn]"
    case .clientCN: "%{+Q}[ssl_c_s_dn(cn)]"
    case .issuer: "%{+Q}[ssl_c_i_dn]"
    case .clientSHA1: "%{+Q}[ssl_c_sha1,hex]"
    case .clientNotBefore: "%{+Q}[ssl_c_notbefore]"
    case .clientNotAfter: "%{+Q}[ssl_c_notafter]"
    case .forwardedFor, .forwardedPort, .forwardedProto, .forwardedIP, .clientIP, .realIP: nil
    }
  }
}

// The options of `bind` lines (contract §4.3).

/// How a listener's sockets handle TLS.
struct BindOptions {
  let input: HAProxyInput
  let listener: Listener

  /// The options, word by word.
  var words: [String] {
    get throws {
      // The files depend on the references alone; ciphers, versions and protocols also on the listener's protocol.
      try certificateWords + (speaksTLS ? handshakeWords : [])
    }
  }

  private var speaksTLS: Bool { listener.protocol == .terminatedHTTPS || listener.protocol == .prometheus }

  private var certificateWords: [String] {
    get throws {
      var words: [String] = []
      if listener.defaultTLSContainerRef != nil {
        words.append("ssl crt-list \(input.certificateListPath(listener))")
      }
      guard let clientCA = listener.clientCATLSContainerRef else { return words }
      words.append("ca-file \(try input.certificatePath(clientCA)) verify \(verification)")
      if let revoked = listener.clientCRLContainerRef {
        words.append("crl-file \(try input.certificatePath(revoked))")
      }
      return words
    }
  }

  private var handshakeWords: [String] {
    let ciphers = CipherLists(
      ciphers: listener.tlsCiphers, versions: listener.tlsVersions, fallback: input.options.defaultListenerCiphers,
      options: input.options)
    var words = ciphers.words + TLSProtocolVersion.disablingWords(allExcept: listener.tlsVersions)
    if let protocols = ALPNProtocol.list(listener.alpnProtocols) { words.append("alpn \(protocols)") }
    return words
  }

  private var verification: String {
    switch listener.clientAuthentication {
    case .none: "none"
    case .optional: "optional"
    case .mandatory: "required"
    }
  }
}

extension ALPNProtocol {
  /// Protocols in the given order, as haproxy takes them; nil when there are none.
  static func list(_ protocols: [ALPNProtocol]?) -> String? {
    guard let protocols, !protocols.isEmpty else { return nil }
    return protocols.map(\.rawValue).joined(separator: ",")
  }
}

extension TLSProtocolVersion {
  /// A word for each version that is not spoken; none when the versions are left to haproxy.
  static func disablingWords(allExcept versions: [TLSProtocolVersion]?) -> [String] {
    guard let versions else { return [] }
    return allCases.filter { !versions.contains($0) }.map { version in
      switch version {
      case .ssl3: "no-sslv3"
      case .tls10: "no-tlsv10"
      case .tls11: "no-tlsv11"
      case .tls12: "no-tlsv12"
      case .tls13: "no-tlsv13"
      }
    }
  }
}

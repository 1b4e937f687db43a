// A `server` line of a backend (contract §4.10).

import Addresses

/// How a listener's traffic reaches the members of a pool.
struct ServerLine {
  let input: HAProxyInput
  let listener: Listener
  let pool: Pool

  /// The line for a member, with the words that are the same for the whole pool.
  func line(for member: Member, options: [String]) -> String {
    var words = ["server \(member.id) \(member.address):\(member.protocolPort) weight \(member.weight)"]
    if let monitor = pool.enabledMonitor { words += checkWords(monitor, member) }
    if pool.sessionPersistence?.type == .httpCookie { words.append("cookie \(member.id)") }
    if let proxyWord { words.append(proxyWord) }
    if member.backup { words.append("backup") }
    if !member.adminStateUp { words.append("disabled") }
    return (words + options).joined(separator: " ")
  }

  /// The words about TLS towards members.
  var poolWords: [String] {
    get throws {
      guard pool.tlsEnabled else { return [] }
      var words = ["ssl"]
      if let certificate = pool.tlsContainerRef { words.append("crt \(try input.certificatePath(certificate))") }
      if let authority = pool.caTLSContainerRef {
        words.append("ca-file \(try input.certificatePath(authority))")
        if let revoked = pool.crlContainerRef {
          words.append("crl-file \(try input.certificatePath(revoked)) verify required")
        }
      } else {
        words.append("verify none")
      }
      words.append("sni ssl_fc_sni")
      let ciphers = CipherLists(
        ciphers: pool.tlsCiphers, versions: pool.tlsVersions, fallback: input.options.defaultPoolCiphers,
        options: input.options)
      words += ciphers.words + TLSProtocolVersion.disablingWords(allExcept: pool.tlsVersions)
      if let alpn { words.append("alpn \(alpn)") }
      return words
    }
  }

  private func checkWords(_ monitor: HealthMonitor, _ member: Member) -> [String] {
    var words = ["check"]
    if monitor.type == .https { words.append("check-ssl verify none") }
    if let alpn { words.append("check-alpn \(alpn)") }
    words.append("inter \(monitor.delay)s fall \(monitor.maxRetriesDown) rise \(monitor.maxRetries)")
    if let address = member.monitorAddress { words.append("addr \(Self.bracketed(address))") }
    if let port = member.monitorPort { words.append("port \(port)") }
    return words
  }

  /// An address after `addr`.
  ///
  /// haproxy takes what follows the last colon after `addr` as a port, also if an IPv6 address is incomplete without
  /// it, and then either refuses the line or checks another address. Upstream prints no brackets (vector 072).
  private static func bracketed(_ address: AddressText) -> String {
    address.family == .v6 ? "[\(address)]" : address.rawValue
  }

  private var alpn: String? {
    pool.tlsEnabled && input.version.isAtLeast(1, 9) ? ALPNProtocol.list(pool.alpnProtocols) : nil
  }

  private var proxyWord: String? {
    switch pool.protocol {
    case .proxy: "send-proxy"
    case .proxyV2:
      listener.protocol == .terminatedHTTPS || listener.protocol == .prometheus
        ? "send-proxy-v2-ssl-cn" : "send-proxy-v2"
    default: nil
    }
  }
}

// The cipher options of listeners and pools (contract §4.4). haproxy has one option for TLS 1.3 and one for older
// versions, the API has one list for both.

/// A list of ciphers, divided by generations of TLS.
struct CipherLists {
  /// Ciphers of TLS 1.2 and older; nil when nothing is to be printed.
  let older: String?
  /// Ciphers of TLS 1.3; nil when nothing is to be printed.
  let tls13: String?

  init(ciphers: String?, versions: [TLSProtocolVersion]?, fallback: CipherListText?, options: RenderingOptions) {
    guard let ciphers else {
      (older, tls13) = (nil, nil)
      return
    }
    let usable = CipherListText(ciphers)?.rawValue ?? fallback?.rawValue ?? DefaultOptions.ciphers
    let known = Self.split(options.tls13SupportedCiphers?.rawValue ?? DefaultOptions.tls13SupportedCiphers)
    let wanted = Self.split(usable)
    let speaksOlder = versions.map { $0.contains { $0 != .tls13 } } ?? true
    let speaksTLS13 = versions?.contains(.tls13) ?? true
    older = speaksOlder ? Self.joined(wanted.subtracting(known)) : nil
    tls13 = speaksTLS13 ? Self.joined(wanted.intersection(known)) : nil
  }

  /// The options, ready for a `bind` or `server` line.
  var words: [String] { [older.map { "ciphers \($0)" }, tls13.map { "ciphersuites \($0)" }].compactMap(\.self) }

  private static func split(_ list: String) -> Set<String> {
    Set(list.split(separator: ":", omittingEmptySubsequences: false).map(String.init))
  }

  private static func joined(_ ciphers: Set<String>) -> String? {
    let list = ciphers.sorted().joined(separator: ":")
    return list.isEmpty ? nil : list
  }
}

// What the agent reads out of an uploaded haproxy.cfg, and the one thing it changes in it. The agent does not interpret
// the rest: haproxy itself judges a configuration.

package import Addresses

/// A configuration's text that the agent cannot make sense of.
package struct HAProxyConfigurationError: Error, CustomStringConvertible, Sendable {
  package let description: String
}

/// The facts in a haproxy.cfg that the API reports (contract agent-api §3.0 PARSE, services §2.4).
package struct HAProxyConfiguration: Sendable, Equatable {
  /// A frontend: one per listener, named by the listener's id.
  package struct Frontend: Sendable, Equatable {
    package var name: String
    /// `HTTP`, `TCP` or `TERMINATED_HTTPS`.
    package var type: String
  }

  /// The frontends in the file's order, without haproxy's internal ones (contract services §8 item 22).
  package var frontends: [Frontend]
  /// The path of the stats socket.
  package var statsSocket: String
  /// The addresses of the `bind` lines, without repetition, loopback left out.
  package var boundAddresses: [IPAddress]

  /// Reads a configuration.
  package init(parsing text: String) throws(HAProxyConfigurationError) {
    var frontends: [(name: String, mode: String?, terminatesTLS: Bool)] = []
    var isInFrontend = false
    var statsSocket: String?
    var addresses: [IPAddress] = []
    for line in text.split(omittingEmptySubsequences: true, whereSeparator: \.isNewline) {
      let words = line.split(whereSeparator: \.isWhitespace)
      guard let first = words.first, let start = line.first else { continue }
      if first.hasPrefix("#") { continue }
      if first == "stats", words.count >= 3, words[1] == "socket" { statsSocket = statsSocket ?? String(words[2]) }
      if !start.isWhitespace {
        isInFrontend = first == "frontend" && words.count == 2
        if isInFrontend { frontends.append((String(words[1]), nil, false)) }
        continue
      }
      if first == "bind" { addresses += Self.addresses(of: words.dropFirst()) }
      guard isInFrontend, let index = frontends.indices.last else { continue }
      switch first {
      case "mode" where words.count >= 2 && frontends[index].mode == nil: frontends[index].mode = words[1].uppercased()
      case "bind" where words.count >= 5 && words[2] == "ssl" && words[3] == "crt-list":
        frontends[index].terminatesTLS = true
      default: break
      }
    }
    guard let statsSocket else {
      throw HAProxyConfigurationError(description: "haproxy.cfg has no 'stats socket PATH'")
    }
    self.statsSocket = statsSocket
    var result: [Frontend] = []
    for frontend in frontends where !frontend.name.hasPrefix("prometheus-exporter") {
      guard let mode = frontend.mode else {
        throw HAProxyConfigurationError(description: "frontend \(frontend.name) in haproxy.cfg has no 'mode'")
      }
      result.append(Frontend(name: frontend.name, type: frontend.terminatesTLS ? "TERMINATED_HTTPS" : mode))
    }
    self.frontends = result
    var seen: Set<IPAddress> = []
    boundAddresses = addresses.filter { !$0.isLoopback && seen.insert($0).inserted }
  }

  /// The addresses of a `bind` line: tokens with a colon are address and port, cut at the last colon (IPv6 stands without
  /// brackets); a comma at the end announces another one.
  private static func addresses(of tokens: ArraySlice<Substring>) -> [IPAddress] {
    var addresses: [IPAddress] = []
    for token in tokens {
      let continues = token.hasSuffix(",")
      let token = continues ? token.dropLast() : token
      guard let colon = token.lastIndex(of: ":") else { break }
      if let address = IPAddress(token[..<colon]) { addresses.append(address) }
      guard continues else { break }
    }
    return addresses
  }

  /// The text without the `group` setting of its `global` section.
  ///
  /// Old controllers send one; the image's fragment has the distribution's, and two make haproxy fail. Only lines of that
  /// section whose first word is `group` go, because a header or a log format may hold the word elsewhere (contract
  /// services §8 item 21).
  package static func removingGroup(_ text: String) -> String {
    var isGlobal = false
    var kept: [Substring] = []
    // By bytes: in Swift a carriage return and a line feed are one character, which is not "\n".
    for bytes in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      let line = Substring(bytes)
      let words = line.split(whereSeparator: \.isWhitespace)
      if let start = line.first, !start.isWhitespace, let first = words.first {
        isGlobal = isGlobal ? !Self.sections.contains(first) || first == "global" : first == "global"
      }
      if isGlobal, words.first == "group" { continue }
      kept.append(line)
    }
    return kept.joined(separator: "\n")
  }

  /// The words that begin a section (haproxy configuration manual, chapters 3 and 4).
  static let sections: Set<Substring> = [
    "global", "defaults", "frontend", "backend", "listen", "peers", "mailers", "userlist", "resolvers", "cache",
    "program",
    "http-errors", "ring", "log-forward", "fcgi-app", "crt-store", "traces",
  ]
}

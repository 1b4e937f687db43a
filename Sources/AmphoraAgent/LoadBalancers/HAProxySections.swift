// The sections of a haproxy.cfg with their lines, for those who have to say where something stands.

/// A configuration by sections; what the lines mean is haproxy's business.
package struct HAProxySections: Sendable {
  /// A line that is neither empty nor a comment.
  package struct Line: Hashable, Sendable {
    /// Counted from 1, as haproxy's messages do.
    package let number: Int
    package let words: [String]
  }

  /// A frontend, a backend, or settings.
  package struct Section: Hashable, Sendable {
    package let kind: String
    /// nil for `global`, and `defaults` without a name.
    package let name: String?
    package let number: Int
    package var lines: [Line] = []

    /// The words after the first one, of the first line that begins with it.
    package func values(of keyword: String) -> ArraySlice<String>? {
      lines.first { $0.words.first == keyword }?.words.dropFirst()
    }
  }

  package private(set) var sections: [Section] = []

  /// Reads a configuration; lines before the first section are passed over.
  package init(parsing bytes: [UInt8]) {
    for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      let words = String(decoding: line, as: UTF8.self).split(whereSeparator: \.isWhitespace).map(String.init)
      guard let first = words.first, !first.hasPrefix("#") else { continue }
      if HAProxyConfiguration.sections.contains(Substring(first)) {
        sections.append(Section(kind: first, name: words.count > 1 ? words[1] : nil, number: index + 1))
      } else if !sections.isEmpty {
        sections[sections.count - 1].lines.append(Line(number: index + 1, words: words))
      }
    }
  }

  /// The sections of a kind that are objects of Octavia's, thus not those of the metrics' internals.
  package func ofOctavia(_ kind: String) -> [Section] {
    sections.filter { $0.kind == kind && $0.name?.contains("prometheus") == false }
  }
}

extension HAProxySections.Section {
  /// A member of a pool.
  package struct Server: Hashable, Sendable {
    package let line: Int
    package let id: String
    /// `ADDRESS:PORT`, as it stands.
    package let address: String
    /// The words after the address.
    package let options: ArraySlice<String>

    /// The word after an option; nil when that is not there.
    package func value(of option: String) -> String? {
      options.firstIndex(of: option).flatMap { options.indices.contains($0 + 1) ? options[$0 + 1] : nil }
    }
  }

  /// The servers of a backend, in their order.
  package var servers: [Server] {
    lines.compactMap { line in
      guard line.words.first == "server", line.words.count >= 3 else { return nil }
      return Server(line: line.number, id: line.words[1], address: line.words[2], options: line.words[3...])
    }
  }
}

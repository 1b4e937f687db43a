// Grammars of texts about HTTP and TLS: what tenants write into rules, monitors and persistence.

/// The name of a header or cookie.
public typealias HTTPToken = CheckedText<HTTPTokenGrammar>
/// The name of a field of a certificate's subject, like `CN`.
public typealias DNFieldName = CheckedText<DNFieldNameGrammar>
/// What an L7 rule compares with.
public typealias RuleValue = CheckedText<RuleValueGrammar>
/// Where an L7 policy redirects to: a URL or a prefix of one.
public typealias RedirectTarget = CheckedText<RedirectTargetGrammar>
/// The path and query that a health monitor requests.
public typealias URLPath = CheckedText<URLPathGrammar>
/// The host name that a health monitor sends.
public typealias DomainName = CheckedText<DomainNameGrammar>
/// The HTTP status codes that mean a member is well.
public typealias ExpectedCodes = CheckedText<ExpectedCodesGrammar>
/// A list of cipher names joined by colons.
public typealias CipherListText = CheckedText<CipherListGrammar>

/// Tokens of RFC 9110 §5.6.2.
public enum HTTPTokenGrammar: TextGrammar {
  /// Letters, digits and 15 signs.
  public static let expectation = "a header or cookie name (RFC 9110 §5.6.2)"
  /// Neither blanks nor parentheses, double quotes or backslashes.
  public static func accepts(_ text: String) -> Bool { text.consists(ofLettersDigitsAnd: "!#$%&'*+-.^_`|~") }
}

/// Short names or object identifiers of attributes.
public enum DNFieldNameGrammar: TextGrammar {
  /// A name.
  public static let expectation = "a subject field like CN"
  /// Letters, digits, dots.
  public static func accepts(_ text: String) -> Bool { text.consists(ofLettersDigitsAnd: ".") }
}

/// Values of L7 rules: printed as one word, with spaces and backslashes escaped.
public enum RuleValueGrammar: TextGrammar {
  /// Anything that can be seen.
  public static let expectation = "a rule value without control characters"
  /// A tab is no longer escaped than any other control character, and would start another pattern.
  public static func accepts(_ text: String) -> Bool { text.isPrintable }
}

/// Targets of redirections.
public enum RedirectTargetGrammar: TextGrammar {
  /// Anything without backslash.
  public static let expectation = "a URL (it is empty or has a backslash)"
  /// A text without backslash.
  ///
  /// haproxy takes `\n` and `\x0d` as line ends within the Location header, and no URL needs a backslash. Blanks and
  /// control characters are for the renderer, which discards such a target (contract §2).
  public static func accepts(_ text: String) -> Bool { !text.isEmpty && !text.utf8.contains(UInt8(ascii: "\\")) }
}

/// Paths that monitors request.
public enum URLPathGrammar: TextGrammar {
  /// A path.
  public static let expectation = "an absolute path without blanks, backslashes and braces"
  /// keepalived reads braces as blocks, and repeats lines that have one of two functions.
  public static func accepts(_ text: String) -> Bool {
    text.hasPrefix("/") && text.isPrintable && !text.utf8.contains { " \\{}".utf8.contains($0) }
      && !text.contains("~SEQ(") && !text.contains("~LST(")
  }
}

/// Host names.
public enum DomainNameGrammar: TextGrammar {
  /// A host name.
  public static let expectation = "a host name"
  /// haproxy reads the place as a log format, where `%` has a meaning.
  public static func accepts(_ text: String) -> Bool { text.consists(ofLettersDigitsAnd: "-_.") }
}

/// Codes and ranges of codes, separated by commas.
public enum ExpectedCodesGrammar: TextGrammar {
  /// Codes and ranges.
  public static let expectation = "a list of status codes like 200,201 or 200-204"
  /// Spaces may stand around commas.
  public static func accepts(_ text: String) -> Bool { items(of: text) != nil }

  /// The codes for each item: a single code keeps the spaces behind it (contract §4.8), a range has none.
  static func items(of text: String) -> [[String]]? {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    var items: [[String]] = []
    for (index, part) in parts.enumerated() {
      var part = index > 0 ? part.drop { $0 == " " } : part
      let spaces = String(part.reversed().prefix { $0 == " " })
      part = part.dropLast(spaces.count)
      if index == parts.count - 1, !spaces.isEmpty { return nil }
      let bounds = part.split(separator: "-", omittingEmptySubsequences: false).compactMap(code)
      switch (bounds.count, part.utf8.count) {
      case (1, 3): items.append(["\(bounds[0])" + spaces])
      case (2, 7) where bounds[0] <= bounds[1]: items.append((bounds[0]...bounds[1]).map(String.init))
      default: return nil
      }
    }
    return items
  }

  private static func code(_ text: Substring) -> Int? {
    guard text.utf8.count == 3, String(text).isDecimal(upTo: 3), let code = Int(text), code >= 100 else { return nil }
    return code
  }
}

extension CheckedText<ExpectedCodesGrammar> {
  /// Every code once, ascending.
  var codes: [String] {
    let all = Set((ExpectedCodesGrammar.items(of: rawValue) ?? []).joined())
    return all.sorted { ($0.prefix(3), $0) < ($1.prefix(3), $1) }
  }
}

/// Cipher lists of options: unlike those of tenants they must be right, because nothing can stand in for them.
public enum CipherListGrammar: TextGrammar {
  /// Cipher names.
  public static let expectation = "a list of ciphers joined by colons"
  /// The characters of contract §4.4.
  public static func accepts(_ text: String) -> Bool { text.consists(ofLettersDigitsAnd: "-+!:@=_.", upTo: 4096) }
}

// How values from outside are written into configuration files.
//
// Upstream writes values as HTML (contract §2). haproxy takes that literally, and a `#` of it as the start of a
// comment. Mostly the result is still accepted, and then our text is the same, byte for byte. Where haproxy would
// refuse it, there is no working text to be equal to: the whole file is then written so that haproxy reads exactly
// what was asked for. That concerns
// - quotes and `#` in the names of headers and cookies, where the comment begins within parentheses (vectors 059, 095);
// - L7 rule values that begin with `-`, which haproxy takes as an option;
// - lists of expected codes with a space before a comma, which would be two arguments.
// Independent of this, IPv6 addresses after `addr` are in brackets, see ServerLine.

/// A way to write values from outside.
enum Escaping {
  /// As upstream does.
  case upstream
  /// So that haproxy reads exactly the value.
  case literal

  /// Upstream's text for a value is one that haproxy refuses.
  struct Refused: Error {}

  /// A value that is one word of a line.
  func word(_ text: String) -> String {
    switch self {
    case .upstream: Self.html(text)
    case .literal: Self.escaped(text, "\\ '\"#")
    }
  }

  /// The value of an L7 rule, as the patterns of an `acl` line.
  func pattern(_ value: RuleValue) throws -> String {
    let isLikeOption = value.rawValue.hasPrefix("-")
    switch self {
    case .upstream:
      if isLikeOption { throw Refused() }
      return Self.html(Self.escaped(value.rawValue, "\\ "))
    case .literal:
      return (isLikeOption ? "-- " : "") + word(value.rawValue)
    }
  }

  /// The name of a header or cookie, as the argument in the parentheses of a sample fetch.
  func argument(_ name: HTTPToken) throws -> String {
    switch self {
    case .upstream:
      let html = Self.html(name.rawValue)
      if html.utf8.contains(UInt8(ascii: "#")) { throw Refused() }
      return html
    case .literal:
      // Arguments are parsed again after the line has been split into words: quotes for the second parser must be
      // escaped for the first. A token has neither double quotes nor backslashes.
      return name.rawValue.utf8.contains { "'#".utf8.contains($0) } ? word("\"\(name.rawValue)\"") : name.rawValue
    }
  }

  /// Status codes, as a regular expression.
  func alternatives(_ codes: ExpectedCodes) throws -> String {
    let text = codes.codes.joined(separator: "|")
    guard text.contains(" ") else { return text }
    guard self == .literal else { throw Refused() }
    var seen: Set<String> = []
    return text.filter { $0 != " " }.split(separator: "|").map(String.init).filter { seen.insert($0).inserted }
      .joined(separator: "|")
  }

  /// A log format: one word in which spaces are escaped.
  func logFormat(_ text: String) -> String {
    switch self {
    case .upstream: Self.html(Self.escaped(text, " "))
    case .literal: word(text)
    }
  }

  /// The five replacements of contract §2.
  static func html(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "'": result += "&#39;"
      case "\"": result += "&#34;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The text with a backslash before certain characters.
  private static func escaped(_ text: String, _ special: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      if special.unicodeScalars.contains(scalar) { result += "\\" }
      result.unicodeScalars.append(scalar)
    }
    return result
  }
}

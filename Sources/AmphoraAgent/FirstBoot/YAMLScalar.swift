// Keys and values that stand on one line.

/// Reads scalars and flow sequences.
enum YAMLScalar {
  /// The key that a line begins with, and what follows its colon; nil when the line is no `key: value`.
  static func key(of line: YAMLLine) throws(YAMLRefusal) -> (key: String, rest: YAMLText)? {
    let text = line.content
    if text.first == "\"" || text.first == "'" {
      let (key, rest) = try quoted(text, of: line)
      let after = rest.drop { $0 == " " }
      guard after.first == ":", after.dropFirst().first.map({ $0 == " " }) ?? true else { return nil }
      return (key, after.dropFirst().drop { $0 == " " })
    }
    try refuseSigns(text, of: line)
    if text.first == "[" || text.first == "|" || text.first == ">" { return nil }
    let end = plainEnd(text)
    guard let colon = colon(in: text[..<end]) else { return nil }
    let key = trimmed(text[..<colon])
    guard !key.isEmpty else { throw line.refusal("has an empty key") }
    return (String(key), text[text.index(after: colon)...].drop { $0 == " " })
  }

  /// A scalar or flow sequence that fills the rest of a line but for a comment.
  static func inline(_ text: YAMLText, of line: YAMLLine) throws(YAMLRefusal) -> DriveValue {
    switch text.first {
    case "[": return try flowSequence(text, of: line)
    case "\"", "'":
      let (value, rest) = try quoted(text, of: line)
      try expectEnd(rest, of: line)
      return .text(value)
    default:
      try refuseSigns(text, of: line)
      let plain = text[..<plainEnd(text)]
      guard colon(in: plain) == nil else {
        throw line.refusal("has a second ': '; a value with one needs quotes")
      }
      return word(trimmed(plain))
    }
  }

  // MARK: Plain scalars

  private static func word(_ text: YAMLText) -> DriveValue {
    let text = String(text)
    return ["", "~", "null", "Null", "NULL"].contains(text) ? .null : .word(text)
  }

  /// Refuses what begins with a sign that means something else than a text.
  private static func refuseSigns(_ text: YAMLText, of line: YAMLLine) throws(YAMLRefusal) {
    let reason: String? =
      switch text.first {
      case "&": "has an anchor ('&'), which is not read"
      case "*": "has an alias ('*'), which is not read"
      case "!": "has a tag ('!'), which is not read"
      case "{": "has a mapping in braces, which is not read; write it in lines"
      case "?" where isAlone(text): "has a key of several parts ('?'), which is not read"
      case "-" where isAlone(text): "has the '-' of a list where a key or a text is wanted"
      case "\t": "is indented with a tab; YAML wants spaces"
      case "@", "`", "%", "]", "}", ",": "begins with \(Quoted.text(String(text.prefix(1)))), which needs quotes"
      default: nil
      }
    if let reason { throw line.refusal(reason) }
    let isMarker =
      line.indent == 0
      && (["---", "..."].contains(String(text.prefix(3))) && [nil, " ", "\t"].contains(text.dropFirst(3).first))
    guard !isMarker else { throw line.refusal("begins or ends a document; there may be one only") }
  }

  /// Whether a sign is followed by what makes it a sign.
  private static func isAlone(_ text: YAMLText) -> Bool { [nil, " ", "\t"].contains(text.dropFirst().first) }

  /// Where a plain scalar ends: at its line's end or at a comment, which a space or tab precedes.
  private static func plainEnd(_ text: YAMLText) -> YAMLText.Index {
    var previous: Unicode.Scalar = " "
    for index in text.indices {
      if text[index] == "#", previous == " " || previous == "\t" { return index }
      previous = text[index]
    }
    return text.endIndex
  }

  /// The first colon that ends a key: one before a space, a tab or the end.
  private static func colon(in text: YAMLText) -> YAMLText.Index? {
    text.indices.first { index in
      guard text[index] == ":" else { return false }
      let next = text.index(after: index)
      return next == text.endIndex || text[next] == " " || text[next] == "\t"
    }
  }

  private static func trimmed(_ text: YAMLText) -> YAMLText {
    var text = text
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return text
  }

  private static func expectEnd(_ rest: YAMLText, of line: YAMLLine) throws(YAMLRefusal) {
    let after = rest.drop { $0 == " " || $0 == "\t" }
    guard after.isEmpty || (after.first == "#" && after.startIndex != rest.startIndex) else {
      throw line.refusal("has text after the end of a value")
    }
  }

  // MARK: Flow sequences

  private static func flowSequence(_ text: YAMLText, of line: YAMLLine) throws(YAMLRefusal) -> DriveValue {
    var values: [DriveValue] = []
    var rest = text.dropFirst().drop { $0 == " " }
    while rest.first != "]" {
      if rest.first == "\"" || rest.first == "'" {
        let (value, after) = try quoted(rest, of: line)
        values.append(.text(value))
        rest = after.drop { $0 == " " }
      } else {
        guard let first = rest.first, first != "[" else {
          throw line.refusal(rest.isEmpty ? "has no ']'" : "has a list within a list in brackets, which is not read")
        }
        try refuseSigns(rest, of: line)
        guard first != "|", first != ">", first != ":" else {
          throw line.refusal("has \(Quoted.text(String(first))) within brackets, which needs quotes")
        }
        let end = rest.firstIndex { ",[]{}".unicodeScalars.contains($0) } ?? rest.endIndex
        let plain = rest[..<end]
        guard colon(in: plain) == nil, plainEnd(plain) == plain.endIndex, plain.first != "#" else {
          throw line.refusal("has a key or a comment within brackets, which is not read")
        }
        values.append(word(trimmed(plain)))
        rest = rest[end...]
      }
      guard rest.first == "," || rest.first == "]" else {
        throw line.refusal("has no ',' or ']' after an element in brackets")
      }
      if rest.first == "," { rest = rest.dropFirst().drop { $0 == " " } }
    }
    try expectEnd(rest.dropFirst(), of: line)
    return .sequence(values)
  }
}

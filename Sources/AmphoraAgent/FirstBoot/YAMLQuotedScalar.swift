// Scalars in single and double quotes (YAML 1.2 §7.3), which end on their line.

extension YAMLScalar {
  /// The text of a quoted scalar, and what follows it.
  static func quoted(_ text: YAMLText, of line: YAMLLine) throws(YAMLRefusal) -> (String, rest: YAMLText) {
    var rest = text
    let quote = rest.removeFirst()
    var result = String.UnicodeScalarView()
    while let scalar = rest.popFirst() {
      switch scalar {
      case quote where quote == "'" && rest.first == "'":
        rest.removeFirst()
        result.append("'")
      case quote: return (String(result), rest)
      case "\\" where quote == "\"": result.append(try escape(&rest, of: line))
      default: result.append(scalar)
      }
    }
    throw line.refusal("has a quote that does not end on its line")
  }

  private static func escape(
    _ rest: inout YAMLText, of line: YAMLLine
  ) throws(YAMLRefusal) -> Unicode.Scalar {
    let letter = rest.popFirst()
    switch letter {
    case "n": return "\n"
    case "t": return "\t"
    case "r": return "\r"
    case "a": return "\u{07}"
    case "b": return "\u{08}"
    case "f": return "\u{0C}"
    case "v": return "\u{0B}"
    case "e": return "\u{1B}"
    case "\\", "\"", "/", " ": return letter ?? " "
    case "x": return try number(&rest, digits: 2, of: line)
    case "u": return try number(&rest, digits: 4, of: line)
    case "U": return try number(&rest, digits: 8, of: line)
    default: throw line.refusal("has an unknown escape after '\\' in double quotes")
    }
  }

  private static func number(
    _ rest: inout YAMLText, digits: Int, of line: YAMLLine
  ) throws(YAMLRefusal) -> Unicode.Scalar {
    let text = String(String.UnicodeScalarView(rest.prefix(digits)))
    guard text.utf8.count == digits, text.allSatisfy(\.isHexDigit), let value = UInt32(text, radix: 16),
      let scalar = Unicode.Scalar(value)
    else { throw line.refusal("has an escape that is no character's number") }
    rest.removeFirst(digits)
    return scalar
  }
}

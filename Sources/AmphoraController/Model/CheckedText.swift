// Texts that end up in configuration files. Each place has its grammar; a text that does not match it never becomes a
// value, so that whoever renders need not check (no directive or argument can be added by a document).

/// What a text in a certain place must look like.
public protocol TextGrammar: Sendable {
  /// What is expected, to follow "is not": `a UUID`.
  static var expectation: String { get }
  /// Whether error messages must not show the text.
  static var isSecret: Bool { get }
  /// Whether the text is of this grammar.
  static func accepts(_ text: String) -> Bool
}

extension TextGrammar {
  /// Most texts may be shown.
  public static var isSecret: Bool { false }
}

/// A text of a certain grammar, exactly as it was given.
public struct CheckedText<Grammar: TextGrammar>: RawRepresentable, Codable, Hashable, Sendable, CustomStringConvertible
{
  /// The text as given.
  public let rawValue: String

  /// Takes a text; nil when it does not match the grammar.
  public init?(rawValue: String) {
    guard Grammar.accepts(rawValue) else { return nil }
    self.rawValue = rawValue
  }

  /// Takes a text; nil when it does not match the grammar.
  public init?(_ text: String) { self.init(rawValue: text) }

  /// The text as given; "(secret)" for a secret.
  public var description: String { Grammar.isSecret ? "(secret)" : rawValue }
}

extension CheckedText: DocumentReadable {
  init(reading value: DocumentValue, at path: String) throws {
    let text = try String(reading: value, at: path)
    guard let checked = CheckedText(text) else {
      throw DocumentError(path, "\(Grammar.isSecret ? "the value" : quoted(text)) is not \(Grammar.expectation)")
    }
    self = checked
  }
}

extension String {
  /// Whether all bytes are ASCII letters, digits or among `others`, and there are 1 to `limit` of them.
  func consists(ofLettersDigitsAnd others: StaticString, upTo limit: Int = 255) -> Bool {
    guard (1...limit).contains(utf8.count) else { return false }
    return others.withUTF8Buffer { others in
      utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
          UInt8(ascii: "A")...UInt8(ascii: "Z"):
          true
        default: others.contains(byte)
        }
      }
    }
  }

  /// Whether there are characters, none of them a control character (C0, DEL, C1) or a line or paragraph separator.
  var isPrintable: Bool {
    !isEmpty
      && unicodeScalars.allSatisfy { scalar in
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029: false
        default: true
        }
      }
  }

  /// Whether there are only ASCII digits, 1 to `limit` of them.
  func isDecimal(upTo limit: Int) -> Bool {
    (1...limit).contains(utf8.count) && utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }
}

// The lines of a cloud-config, with their indentation.

/// A part of a cloud-config that is not read.
package struct YAMLRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  /// From 1.
  package let line: Int
  package let reason: String

  /// Line and reason.
  package var description: String { "line \(line): \(reason)" }
}

/// Text by scalars: a combining character must not make one character with a sign of YAML, and hide it.
typealias YAMLText = Substring.UnicodeScalarView

/// A line without its end.
struct YAMLLine: Sendable {
  /// From 1.
  let number: Int
  /// Spaces at the beginning.
  var indent: Int
  /// What follows them; with its trailing spaces, which count in blocks.
  var content: YAMLText

  /// Whether the text ends with this line, without a line end.
  var isCut = false

  init(number: Int, text: String) {
    self.number = number
    let text = Substring(text).unicodeScalars
    content = text.drop { $0 == " " }
    indent = text.distance(from: text.startIndex, to: content.startIndex)
  }

  /// Whether there is nothing but white space.
  var isBlank: Bool { content.allSatisfy { $0 == " " || $0 == "\t" } }
  /// Whether there is nothing to read outside of blocks.
  var isEmpty: Bool { isBlank || content.first == "#" }
  /// Whether it begins an element of a sequence.
  var isElement: Bool { content.first == "-" && [nil, " "].contains(content.dropFirst().first) }

  func refusal(_ reason: String) -> YAMLRefusal { YAMLRefusal(line: number, reason: reason) }

  /// Splits a text; refuses bytes that are no UTF-8 and control characters.
  static func lines(of bytes: [UInt8]) throws(YAMLRefusal) -> [YAMLLine] {
    var lines: [YAMLLine] = []
    for raw in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      let number = lines.count + 1
      let line = raw.last == UInt8(ascii: "\r") ? raw.dropLast() : raw
      guard let text = String(validating: line, as: UTF8.self) else {
        throw YAMLRefusal(line: number, reason: "is no UTF-8")
      }
      guard line.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
        throw YAMLRefusal(line: number, reason: "has a control character")
      }
      // Other readers end a line at them.
      guard !text.unicodeScalars.contains(where: { ["\u{85}", "\u{2028}", "\u{2029}"].contains($0) }) else {
        throw YAMLRefusal(line: number, reason: "has a line break that is none of ASCII's")
      }
      lines.append(YAMLLine(number: number, text: text))
    }
    // What follows the last line end is a line only if there is something.
    if lines.last?.content.isEmpty == true, lines.last?.indent == 0 {
      lines.removeLast()
    } else if let last = lines.indices.last {
      lines[last].isCut = true
    }
    return lines
  }
}

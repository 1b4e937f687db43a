// The lines of a cloud-config, with their indentation.

/// A part of a cloud-config that is not read.
package struct YAMLRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  /// From 1.
  package let line: Int
  package let reason: String

  /// Line and reason.
  package var description: String { "line \(line): \(reason)" }
}

/// A line without its end.
struct YAMLLine: Sendable {
  /// From 1.
  let number: Int
  /// Spaces at the beginning.
  var indent: Int
  /// What follows them; with its trailing spaces, which count in blocks.
  var content: Substring

  init(number: Int, text: Substring) {
    self.number = number
    content = text.drop { $0 == " " }
    indent = text.utf8.count - content.utf8.count
  }

  /// Whether there is nothing but white space.
  var isBlank: Bool { content.utf8.allSatisfy { $0 == 0x20 || $0 == 0x09 } }
  /// Whether there is nothing to read outside of blocks.
  var isEmpty: Bool { isBlank || content.utf8.first == UInt8(ascii: "#") }
  /// Whether it begins an element of a sequence.
  var isElement: Bool { content == "-" || content.hasPrefix("- ") }
  /// The line as it stands in the text.
  var whole: String { String(repeating: " ", count: indent) + content }

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
      lines.append(YAMLLine(number: number, text: text[...]))
    }
    return lines
  }
}

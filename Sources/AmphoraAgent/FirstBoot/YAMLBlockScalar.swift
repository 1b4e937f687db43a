// Literal and folded blocks: `|` keeps line ends, `>` makes spaces of them (YAML 1.2 §8.1).

/// The header of a block.
struct YAMLBlockScalar {
  private enum End { case strip, clip, keep }

  private let isFolded: Bool
  private var end = End.clip
  /// The block's indentation below its parent, when the header says it.
  private var indicator: Int?

  /// Reads a header: `|` or `>`, then at most a digit and `+` or `-`, then at most a comment.
  init(header: Substring, of line: YAMLLine) throws(YAMLRefusal) {
    isFolded = header.first == ">"
    let words = header.dropFirst().split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    for letter in words[0] {
      switch letter {
      case "-" where end == .clip: end = .strip
      case "+" where end == .clip: end = .keep
      case "1"..."9" where indicator == nil && letter.utf8.count == 1: indicator = letter.wholeNumberValue
      default: throw line.refusal("has \(Quoted.text(String(words[0]))) after the sign of a block")
      }
    }
    let rest = words.count == 2 ? words[1].drop { $0 == " " } : ""
    guard rest.isEmpty || rest.hasPrefix("#") else { throw line.refusal("has text after the sign of a block") }
  }

  /// Takes the block's lines.
  ///
  /// - Parameter parent: the indentation of what the block is the value of.
  func read(_ lines: inout ArraySlice<YAMLLine>, parent: Int) throws(YAMLRefusal) -> String {
    let indent = indicator.map { parent + $0 } ?? lines.first { !$0.isBlank }?.indent ?? 0
    var texts: [String] = []
    // A block that is not deeper than its parent is empty.
    while let line = lines.first, line.isBlank || (line.indent >= indent && indent > parent) {
      lines.removeFirst()
      if line.isBlank, line.content.isEmpty {
        // Spaces beyond the indentation are text.
        texts.append(indent > parent && line.indent > indent ? String(repeating: " ", count: line.indent - indent) : "")
      } else {
        guard line.indent >= indent else { throw line.refusal("has a tab where the block's indentation is") }
        texts.append(String(line.whole.dropFirst(indent)))
      }
    }
    return join(texts)
  }

  private func join(_ lines: [String]) -> String {
    var lines = lines[...]
    var empty = 0
    while let last = lines.last, last.isEmpty {
      lines.removeLast()
      empty += 1
    }
    let text = isFolded ? fold(lines) : lines.joined(separator: "\n")
    switch end {
    case .strip: return text
    case .clip: return lines.isEmpty ? "" : text + "\n"
    case .keep: return text + String(repeating: "\n", count: lines.isEmpty ? empty : empty + 1)
    }
  }

  /// A line end between two lines of text becomes a space; empty lines, and those about indented lines, stay.
  private func fold(_ lines: ArraySlice<String>) -> String {
    var result = ""
    var previous: String?
    var empty = 0
    for line in lines {
      if line.isEmpty {
        empty += 1
        continue
      }
      if let previous {
        let isKept = line.first == " " || line.first == "\t" || previous.first == " " || previous.first == "\t"
        result +=
          isKept ? String(repeating: "\n", count: empty + 1) : empty == 0 ? " " : String(repeating: "\n", count: empty)
      } else {
        result += String(repeating: "\n", count: empty)
      }
      result += line
      (previous, empty) = (line, 0)
    }
    return result
  }
}

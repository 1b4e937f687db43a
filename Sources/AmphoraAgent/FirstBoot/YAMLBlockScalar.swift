// Literal and folded blocks: `|` keeps line ends, `>` makes spaces of them (YAML 1.2 §8.1).

/// The header of a block.
struct YAMLBlockScalar {
  private enum End { case strip, clip, keep }

  private let isFolded: Bool
  private var end = End.clip
  /// The block's indentation below its parent, when the header says it.
  private var indicator: Int?

  /// Reads a header: `|` or `>`, then at most a digit and `+` or `-`, then at most a comment.
  init(header: YAMLText, of line: YAMLLine) throws(YAMLRefusal) {
    isFolded = header.first == ">"
    let words = header.dropFirst().split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    for letter in words[0] {
      switch letter {
      case "-" where end == .clip: end = .strip
      case "+" where end == .clip: end = .keep
      case "1"..."9" where indicator == nil: indicator = Int(letter.value - 0x30)
      default: throw line.refusal("has more than a digit, + and - after the sign of a block")
      }
    }
    let rest = words.count == 2 ? words[1].drop { $0 == " " } : YAMLText()
    guard rest.isEmpty || rest.first == "#" else { throw line.refusal("has text after the sign of a block") }
  }

  /// Takes the block's lines.
  ///
  /// - Parameter parent: the indentation of what the block is the value of.
  func read(_ lines: inout ArraySlice<YAMLLine>, parent: Int) throws(YAMLRefusal) -> String {
    // Here a line of spaces is empty, and one with a tab is text.
    let found = lines.first { !$0.content.isEmpty }?.indent ?? 0
    let indent = indicator.map { parent + $0 } ?? found
    let isBelow = indent > parent
    if indicator == nil, isBelow, let line = lines.prefix(while: \.content.isEmpty).first(where: { $0.indent > indent })
    {
      throw line.refusal("is empty, and indented more than the first line of its block")
    }
    var texts: [String] = []
    var isCut = false
    // A block that is not deeper than its parent is empty.
    while let line = lines.first, line.content.isEmpty || (isBelow && line.indent >= indent) {
      lines.removeFirst()
      isCut = line.isCut
      // Spaces beyond the indentation are text.
      texts.append(String(repeating: " ", count: isBelow ? max(0, line.indent - indent) : 0) + String(line.content))
    }
    return join(texts, isCut: isCut)
  }

  private func join(_ lines: [String], isCut: Bool) -> String {
    var lines = lines[...]
    var empty = 0
    while let last = lines.last, last.isEmpty {
      lines.removeLast()
      empty += 1
    }
    let text = isFolded ? fold(lines) : lines.joined(separator: "\n")
    // The text may end without a line end, in the block's last line or in an empty one below it.
    let ends = (lines.isEmpty ? 0 : 1) + empty - (isCut ? 1 : 0)
    let kept =
      switch end {
      case .strip: 0
      case .clip: lines.isEmpty ? 0 : min(1, ends)
      case .keep: ends
      }
    return text + String(repeating: "\n", count: kept)
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
        let isKept = [line, previous].contains { $0.utf8.first == 0x20 || $0.utf8.first == 0x09 }
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

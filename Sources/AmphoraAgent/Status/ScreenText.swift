// Text for a terminal: pieces with a tone, put together to lines that fit the width.

/// How a piece of text stands out; without colour it does not.
enum Tone: Hashable, Sendable {
  case plain
  /// Headings.
  case strong
  /// Labels, and what is as usual.
  case dim
  case good
  case warning
  case bad

  /// The terminal's code (ECMA-48 SGR).
  fileprivate var code: String? {
    switch self {
    case .plain: nil
    case .strong: "1"
    case .dim: "2"
    case .good: "32"
    case .warning: "33"
    case .bad: "1;31"
    }
  }
}

/// A piece of text.
struct Span: Hashable, Sendable, ExpressibleByStringLiteral {
  private(set) var text: String
  var tone: Tone

  /// - Parameter text: may come from a member or a certificate: what could steer the terminal is replaced.
  init(_ text: String, _ tone: Tone = .plain) {
    self.text =
      text.unicodeScalars.allSatisfy(Self.isHarmless)
      ? text : String(String.UnicodeScalarView(text.unicodeScalars.map { Self.isHarmless($0) ? $0 : "?" }))
    self.tone = tone
  }

  init(stringLiteral value: String) { self.init(value) }

  /// C0, C1 and the characters that turn the direction of writing.
  private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: false
    default: true
    }
  }

  /// The same in not more than `width` characters: the middle makes room, because ends tell ids, paths and addresses apart.
  func shortened(to width: Int) -> Span {
    guard text.count > width else { return self }
    var span = self
    let kept = max(0, width - 1)
    span.text = width < 1 ? "" : "\(text.prefix((kept + 1) / 2))…\(text.suffix(kept / 2))"
    return span
  }

  func padded(to width: Int, alignsRight: Bool) -> Span {
    let blanks = String(repeating: " ", count: max(0, width - text.count))
    var span = self
    span.text = alignsRight ? blanks + text : text + blanks
    return span
  }
}

/// The lines of a screen.
struct ScreenText: Sendable {
  let width: Int
  private(set) var lines: [[Span]] = []

  init(width: Int) { self.width = width }

  mutating func add(_ line: [Span]) { lines.append(line) }

  mutating func blank() { lines.append([]) }

  /// A label with parts behind it, joined by commas; between parts a new line begins where the width ends.
  mutating func field(_ label: String, indent: Int = 0, labelWidth: Int = 8, _ parts: [Span]) {
    let start = indent + labelWidth + 1
    var head = Span(label, .dim).padded(to: labelWidth, alignsRight: false)
    var line: [Span] = [Span(String(repeating: " ", count: indent)), head, " "]
    var used = start
    for (index, part) in parts.enumerated() {
      let isLast = index == parts.count - 1
      let part = part.shortened(to: width - start - (isLast ? 0 : 1))
      if used > start, used + part.text.count + (isLast ? 1 : 2) > width {
        lines.append(line)
        head = Span("").padded(to: start, alignsRight: false)
        line = [head]
        used = start
      } else if used > start {
        line.append(" ")
        used += 1
      }
      line += isLast ? [part] : [part, ","]
      used += part.text.count + (isLast ? 0 : 1)
    }
    lines.append(line)
  }

  /// The text, a line end after each line.
  ///
  /// - Parameter height: the number of lines at most; the last one then says how many there are more.
  func render(isColoured: Bool, height: Int? = nil) -> String {
    var shown = lines
    if let height, lines.count > height, height > 1 {
      shown = Array(lines.prefix(height - 1))
      shown.append([Span("\(lines.count - height + 1) more lines: a taller window shows them", .warning)])
    }
    return shown.map { Self.text($0, width, isColoured) + "\n" }.joined()
  }

  private static func text(_ line: [Span], _ width: Int, _ isColoured: Bool) -> String {
    var left = width
    var text = ""
    for span in line where left > 0 {
      let piece = span.shortened(to: left)
      left -= piece.text.count
      if isColoured, let code = piece.tone.code {
        text += "\u{1B}[\(code)m\(piece.text)\u{1B}[0m"
      } else {
        text += piece.text
      }
    }
    while text.hasSuffix(" ") { text.removeLast() }
    return text
  }
}

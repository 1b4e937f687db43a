// The line-by-line parser behind INIDocument. It works on Unicode scalars: a combining mark after `=` or a carriage
// return before a newline would melt into one Character with it.

/// Parser state: the section, the assignment that continuation lines may still extend, and what was found so far.
struct INIParser {
  private typealias Line = Substring.UnicodeScalarView

  private struct Pending {
    var key: String
    var lines: [String]
    var line: Int
  }

  private let file: String
  private var section: String?
  private var pending: Pending?
  private var line = 0
  private(set) var assignments: [INIDocument.Assignment] = []
  private(set) var problems: [ConfigurationProblem] = []

  init(file: String) { self.file = file }

  mutating func parse(_ text: String) {
    for line in Self.lines(of: text) {
      self.line += 1
      parse(line: Self.trimmed(line, atStart: false))
    }
    flush()
  }

  private mutating func parse(line: Line) {
    guard let first = line.first else { return flush() }
    if first == " " || first == "\t" {
      let text = String(Substring(Self.trimmed(line)))
      guard pending != nil else { return report(.unexpectedContinuation) }
      pending?.lines.append(text)
      return
    }
    flush()
    switch first {
    case "[": parse(sectionHeader: line)
    case "#", ";": break
    default: parse(assignment: line)
    }
  }

  private mutating func parse(sectionHeader line: Line) {
    guard line.last == "]" else { return report(.unclosedSection) }
    let name = String(Substring(line.dropFirst().dropLast()))
    guard !name.isEmpty else { return report(.emptySectionName) }
    section = name.lowercased()
  }

  private mutating func parse(assignment line: Line) {
    guard let separator = line.firstIndex(where: { $0 == "=" || $0 == ":" }) else { return report(.noAssignment) }
    let key = Self.trimmed(line[..<separator])
    guard !key.isEmpty else { return report(.emptyKey) }
    let value = Self.unquoted(Self.trimmed(line[line.index(after: separator)...]))
    // Taken as pending even without a section, so that its continuation lines are no errors of their own.
    pending = Pending(key: String(Substring(key)), lines: [String(Substring(value))], line: self.line)
  }

  /// Ends the pending assignment.
  private mutating func flush() {
    guard let ended = pending else { return }
    pending = nil
    guard let section else {
      problems.append(ConfigurationProblem(.assignmentBeforeSection, file: file, line: ended.line))
      return
    }
    let value = ended.lines.joined(separator: "\n")
    assignments.append(INIDocument.Assignment(section: section, key: ended.key, value: value, line: ended.line))
  }

  /// Reports a grammar error on the current line.
  ///
  /// The line itself is never quoted: it may hold the heartbeat key.
  private mutating func report(_ kind: ConfigurationProblem.Kind) {
    problems.append(ConfigurationProblem(kind, file: file, line: line))
  }

  /// Splits at `\n`, `\r\n` and `\r`, as Python's universal newlines do.
  private static func lines(of text: String) -> [Line] {
    let scalars = text.unicodeScalars
    var lines: [Line] = []
    var start = scalars.startIndex
    var index = start
    while index < scalars.endIndex {
      let scalar = scalars[index]
      let next = scalars.index(after: index)
      guard scalar == "\n" || scalar == "\r" else {
        index = next
        continue
      }
      lines.append(scalars[start..<index])
      let isPair = scalar == "\r" && next < scalars.endIndex && scalars[next] == "\n"
      start = isPair ? scalars.index(after: next) : next
      index = start
    }
    lines.append(scalars[start...])
    return lines
  }

  /// Drops one pair of equal quotes around a value.
  ///
  /// A value of one lone quote becomes empty, as in oslo.config.
  private static func unquoted(_ value: Line) -> Line {
    guard let first = value.first, first == "\"" || first == "'", value.last == first else { return value }
    return value.dropFirst().dropLast()
  }

  private static func trimmed(_ line: Line, atStart: Bool = true) -> Line {
    var line = line
    while let last = line.last, isBlank(last) { line.removeLast() }
    while atStart, let first = line.first, isBlank(first) { line.removeFirst() }
    return line
  }

  /// What Python's `str.strip` removes: Unicode white space and the four ASCII separators.
  private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
  }
}

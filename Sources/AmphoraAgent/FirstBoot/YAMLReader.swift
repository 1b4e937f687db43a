// The part of YAML in which controllers write cloud-configs, and nothing more.

/// A reader of block mappings, block sequences, flow sequences of scalars, and scalars: plain, quoted, literal, folded.
///
/// The library that reads YAML on the controller's side needs the whole of Foundation, some 40 MB in the agent for a
/// document of twenty lines. What this reader does not know (anchors, tags, flow mappings, tabs, scalars over several
/// lines) it refuses with line and reason, so that nothing is ever read differently from what a full reader would make of
/// it.
struct YAMLReader {
  private var lines: ArraySlice<YAMLLine>
  private var depth = 0

  /// Reads a document, or a part of one that stands for itself.
  static func read(_ lines: ArraySlice<YAMLLine>) throws(YAMLRefusal) -> DriveValue {
    var reader = YAMLReader(lines: lines)
    guard let first = reader.next() else { return .null }
    let value = try reader.block(at: first.indent)
    if let rest = reader.next() { throw rest.refusal("stands at an indentation that nothing above has") }
    return value
  }

  private init(lines: ArraySlice<YAMLLine>) { self.lines = lines }

  /// The next line with something to read; what precedes it is dropped.
  private mutating func next() -> YAMLLine? {
    while let line = lines.first, line.isEmpty { lines.removeFirst() }
    return lines.first
  }

  private mutating func block(at indent: Int) throws(YAMLRefusal) -> DriveValue {
    guard let line = next() else { return .null }
    depth += 1
    defer { depth -= 1 }
    guard depth <= DriveValue.deepest else { throw line.refusal("nests deeper than \(DriveValue.deepest) levels") }
    return line.isElement ? try sequence(at: indent) : try mapping(at: indent)
  }

  // MARK: Sequences

  private mutating func sequence(at indent: Int) throws(YAMLRefusal) -> DriveValue {
    var values: [DriveValue] = []
    while let line = next(), line.indent == indent, line.isElement {
      values.append(try element(line))
    }
    if let line = next(), line.indent > indent { throw line.refusal("is indented more than the list it follows") }
    return .sequence(values)
  }

  private mutating func element(_ line: YAMLLine) throws(YAMLRefusal) -> DriveValue {
    let rest = line.content.dropFirst().drop { $0 == " " }
    if rest.isEmpty || rest.first == "#" { return try nested(under: line) }
    // A mapping or sequence that begins on the line of its dash stands where its first word stands.
    var inner = line
    inner.indent += line.content.distance(from: line.content.startIndex, to: rest.startIndex)
    inner.content = rest
    let isBlock = inner.isElement ? true : try YAMLScalar.key(of: inner) != nil
    if isBlock {
      lines[lines.startIndex] = inner
      return try block(at: inner.indent)
    }
    lines.removeFirst()
    return try value(rest, of: line, parent: line.indent)
  }

  // MARK: Mappings

  private static let mostEntries = 256

  private mutating func mapping(at indent: Int) throws(YAMLRefusal) -> DriveValue {
    var entries: [DriveValue.Entry] = []
    while let line = next(), line.indent == indent {
      guard let (key, rest) = try YAMLScalar.key(of: line) else {
        throw line.refusal("is neither 'key: value' nor '- element'")
      }
      // Each key is compared with those before it.
      guard entries.count < Self.mostEntries else {
        throw line.refusal("is past the \(Self.mostEntries) keys that a mapping may have")
      }
      guard !entries.contains(where: { $0.key == key }) else {
        throw line.refusal("has the key \(Quoted.text(key)) again")
      }
      let value: DriveValue
      if rest.isEmpty || rest.first == "#" {
        value = try nested(under: line, allowsElementsAtSameIndent: true)
      } else {
        lines.removeFirst()
        value = try self.value(rest, of: line, parent: indent)
      }
      entries.append(.init(key: key, value: value))
    }
    if let line = next(), line.indent > indent {
      throw line.refusal("goes on with the value above; values of several lines are only read as blocks ('|' or '>')")
    }
    return .mapping(entries)
  }

  /// The block below a line, if there is one.
  private mutating func nested(
    under line: YAMLLine, allowsElementsAtSameIndent: Bool = false
  ) throws(YAMLRefusal) -> DriveValue {
    lines.removeFirst()
    guard let below = next() else { return .null }
    let isBelow = below.indent > line.indent
    let isList = allowsElementsAtSameIndent && below.indent == line.indent && below.isElement
    return isBelow || isList ? try block(at: below.indent) : .null
  }

  /// A value that begins on a line whose own entry is read already.
  private mutating func value(_ text: YAMLText, of line: YAMLLine, parent: Int) throws(YAMLRefusal) -> DriveValue {
    guard text.first == "|" || text.first == ">" else {
      return try YAMLScalar.inline(text, of: line)
    }
    let block = try YAMLBlockScalar(header: text, of: line)
    return .text(try block.read(&lines, parent: parent))
  }
}

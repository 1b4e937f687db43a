// From YAML to the neutral tree. Yams builds a tree of nodes with their lines; what may be in it is decided here.

import Yams

/// A YAML text as neutral tree, with the lines of its values.
struct YAMLDocument {
  /// The largest text: 2,800 members, the limit of a heartbeat, take a seventh of it.
  static let maximumBytes = 4 << 20
  /// The most values after aliases have been replaced; a few aliases of aliases would make billions of them.
  static let maximumValues = 200_000
  /// The deepest nesting; a document has ten levels.
  static let maximumDepth = 64

  /// The document's value.
  let value: DocumentValue
  private let root: Node

  init(_ text: String) throws {
    guard text.utf8.count <= Self.maximumBytes else {
      throw DocumentError("", "is longer than \(Self.maximumBytes) bytes")
    }
    try YAMLPrecheck(text).check()
    do {
      // UTF-8 always: the default asks the environment.
      guard let node = try Parser(yaml: text, encoding: .utf8).singleRoot() else {
        throw DocumentError("", "is empty")
      }
      root = node
    } catch let error as YamlError {
      throw DocumentError(yaml: error)
    }
    var reader = NodeReader(remaining: Self.maximumValues)
    value = try reader.value(root, at: "", depth: 0)
  }

  /// Adds the line of the value that an error is about, or of the nearest object around it.
  func locating(_ error: DocumentError) -> DocumentError {
    var located = error
    located.line = line(of: error.path)
    return located
  }

  private func line(of path: String) -> Int? {
    var node = root
    var line = path.isEmpty ? nil : node.mark?.line
    for step in PathSteps(path) {
      switch (step, node) {
      case (.name(let name), .mapping(let mapping)):
        guard let pair = mapping.first(where: { $0.key.scalar?.string == name }) else { return line }
        // A value that begins on a later line is best found by its name.
        line = pair.key.mark?.line ?? line
        node = pair.value
      case (.index(let index), .sequence(let sequence)) where sequence.indices.contains(index):
        node = sequence[index]
        line = node.mark?.line ?? line
      default: return line
      }
    }
    return line
  }
}

/// The steps of an error's path: `a.b[0]["c"]`.
private struct PathSteps: Sequence, IteratorProtocol {
  enum Step {
    case name(String)
    case index(Int)
  }

  private var rest: Substring

  init(_ path: String) { rest = path[...] }

  mutating func next() -> Step? {
    if rest.first == "." { rest.removeFirst() }
    guard let first = rest.first else { return nil }
    if first == "[" {
      guard let end = rest.firstIndex(of: "]") else { return nil }
      let inner = rest[rest.index(after: rest.startIndex)..<end]
      rest = rest[rest.index(after: end)...]
      if let index = Int(inner) { return .index(index) }
      return .name(String(inner.drop { $0 == "\"" }.prefix { $0 != "\"" }))
    }
    let quoted = first == "\""
    let name = quoted ? rest.dropFirst().prefix { $0 != "\"" } : rest.prefix { $0 != "." && $0 != "[" }
    guard !name.isEmpty else { return nil }
    rest = rest[name.endIndex...]
    if quoted, rest.first == "\"" { rest.removeFirst() }
    return .name(String(name))
  }
}

/// Turns nodes into values, within bounds.
private struct NodeReader {
  var remaining: Int

  mutating func value(_ node: Node, at path: String, depth: Int) throws -> DocumentValue {
    remaining -= 1
    guard remaining >= 0 else {
      throw error("", "has more than \(YAMLDocument.maximumValues) values, aliases counted", nil)
    }
    guard depth < YAMLDocument.maximumDepth else {
      throw error(path, "is nested deeper than \(YAMLDocument.maximumDepth) levels", node)
    }
    switch node {
    case .scalar(let scalar): return try self.scalar(scalar, at: path)
    case .sequence(let sequence):
      try check(sequence.tag, [.implicit, .seq], at: path, node)
      return .array(
        try sequence.enumerated().map { try value($1, at: "\(path)[\($0)]", depth: depth + 1) })
    case .mapping(let mapping):
      try check(mapping.tag, [.implicit, .map], at: path, node)
      return try object(mapping, at: path, depth: depth)
    case .alias: throw error(path, "is an alias without an anchor", node)
    }
  }

  private mutating func object(_ mapping: Node.Mapping, at path: String, depth: Int) throws -> DocumentValue {
    var members: [String: DocumentValue] = [:]
    for (key, member) in mapping {
      guard case .scalar(let scalar) = key, [.implicit, .str].contains(Self.name(scalar.tag)) else {
        throw error(path, "has a key that is not a string", key)
      }
      let name = scalar.string
      let inner = path.isEmpty ? name : "\(path).\(name)"
      // Yams has made sure that no key is there twice.
      members[name] = try value(member, at: inner, depth: depth + 1)
    }
    return .object(members)
  }

  /// The plain scalars of JSON have their meaning; all others are strings.
  private func scalar(_ scalar: Node.Scalar, at path: String) throws -> DocumentValue {
    try check(scalar.tag, [.implicit, .str], at: path, .scalar(scalar))
    let text = scalar.string
    guard scalar.style == .plain, Self.name(scalar.tag) == .implicit else { return .string(text) }
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    default: return number(text) ?? .string(text)
    }
  }

  /// A decimal number as JSON writes it (RFC 8259 §6).
  private func number(_ text: String) -> DocumentValue? {
    guard text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/) != nil else { return nil }
    return Int(text).map(DocumentValue.integer) ?? Double(text).map(DocumentValue.number)
  }

  private func check(_ tag: Tag, _ allowed: [Tag.Name], at path: String, _ node: Node) throws {
    guard !allowed.contains(Self.name(tag)) else { return }
    throw error(path, "has the tag \(quoted(tag.description)), which means nothing here", node)
  }

  private static func name(_ tag: Tag) -> Tag.Name { Tag.Name(rawValue: tag.description) }

  private func error(_ path: String, _ reason: String, _ node: Node?) -> DocumentError {
    var error = DocumentError(path, reason)
    error.line = node?.mark?.line
    return error
  }
}

extension DocumentError {
  /// What the parser says.
  fileprivate init(yaml error: YamlError) {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _):
      self.init("", "is not YAML: \(problem)")
      line = mark.line
    case .composer(_, let problem, let mark, _):
      self.init("", problem.contains("another document") ? "is followed by another one" : "is not YAML: \(problem)")
      line = mark.line
    case .duplicatedKeysInMapping(let duplicates, let context):
      self.init("", "has the key \(quoted(duplicates.first ?? "")) twice in one object")
      line = context.mark.line
    case .reader(let problem, _, _, _): self.init("", "is not YAML: \(problem)")
    default: self.init("", "is not YAML: \(error)")
    }
  }
}

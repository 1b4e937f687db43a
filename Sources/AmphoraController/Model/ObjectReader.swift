// Reading of model types from the neutral tree. Each read knows its path, so that each error can name it.

/// A type that can be read from a value of a document.
protocol DocumentReadable {
  init(reading value: DocumentValue, at path: String) throws
}

/// A type that is an object with named fields in a document.
protocol DocumentObject: Encodable, DocumentReadable {
  /// The fields, by their names in the document.
  associatedtype CodingKeys: CodingKey & CaseIterable
  /// Fields that a document may have but that are of no interest here; nil means any other field.
  static var ignoredKeys: Set<String>? { get }
  init(reading object: ObjectReader<CodingKeys>) throws
}

extension DocumentObject {
  init(reading value: DocumentValue, at path: String) throws {
    try self.init(reading: ObjectReader(value, at: path, ignoring: Self.ignoredKeys))
  }

  /// For `init(from:)` of the public types: through the tree, because a plain decoder knows neither unknown fields nor
  /// our style of error.
  init(decoding decoder: any Decoder) throws {
    try self.init(reading: DocumentValue(from: decoder), at: "")
  }
}

/// Fields of the Octavia API that every object has and that never reach a configuration file (contract §10).
let commonIgnoredKeys: Set<String> = [
  "name", "description", "tags", "created_at", "updated_at", "operating_status", "project_id", "tenant_id",
]

/// An object of a document whose field names have been checked.
struct ObjectReader<Key: CodingKey & CaseIterable> {
  let path: String
  private let members: [String: DocumentValue]

  init(_ value: DocumentValue, at path: String, ignoring ignored: Set<String>?) throws {
    guard case .object(let members) = value else { throw DocumentError(path, "is \(value.kind), not an object") }
    self.path = path
    self.members = members
    guard let ignored else { return }
    let known = Set(Key.allCases.map(\.stringValue))
    // The first by name, so that the same document always gives the same error.
    if let unknown = members.keys.filter({ !known.contains($0) && !ignored.contains($0) }).min() {
      throw DocumentError(path.isEmpty ? quoted(unknown) : "\(path).\(clipped(unknown))", "is not a known field")
    }
  }

  /// The path of a field.
  func path(of key: Key) -> String { path.isEmpty ? key.stringValue : "\(path).\(key.stringValue)" }

  /// A field; nil when it is missing or null.
  func optional<Value: DocumentReadable>(_ key: Key) throws -> Value? {
    guard let value = members[key.stringValue], value != .null else { return nil }
    return try Value(reading: value, at: path(of: key))
  }

  /// A field that must be there.
  func required<Value: DocumentReadable>(_ key: Key) throws -> Value {
    guard let value: Value = try optional(key) else { throw DocumentError(path(of: key), "is required") }
    return value
  }

  /// A list; empty when it is missing or null.
  func list<Value: DocumentReadable>(_ key: Key) throws -> [Value] { try optional(key) ?? [] }

  /// An integer within bounds; nil when it is missing or null.
  func integer(_ key: Key, in bounds: ClosedRange<Int>) throws -> Int? {
    guard let value = members[key.stringValue], value != .null else { return nil }
    guard case .integer(let number) = value else {
      throw DocumentError(path(of: key), "is \(value.kind), not an integer")
    }
    guard bounds.contains(number) else {
      throw DocumentError(path(of: key), "\(number) is outside \(bounds.lowerBound)...\(bounds.upperBound)")
    }
    return number
  }

  /// An integer within bounds that must be there.
  func requiredInteger(_ key: Key, in bounds: ClosedRange<Int>) throws -> Int {
    guard let value = try integer(key, in: bounds) else { throw DocumentError(path(of: key), "is required") }
    return value
  }
}

extension Bool: DocumentReadable {
  init(reading value: DocumentValue, at path: String) throws {
    guard case .bool(let bool) = value else { throw DocumentError(path, "is \(value.kind), not true or false") }
    self = bool
  }
}

extension String: DocumentReadable {
  init(reading value: DocumentValue, at path: String) throws {
    guard case .string(let text) = value else { throw DocumentError(path, "is \(value.kind), not a string") }
    self = text
  }
}

extension Array: DocumentReadable where Element: DocumentReadable {
  init(reading value: DocumentValue, at path: String) throws {
    guard case .array(let elements) = value else { throw DocumentError(path, "is \(value.kind), not a list") }
    self = try elements.enumerated().map { try Element(reading: $1, at: "\(path)[\($0)]") }
  }
}

extension Dictionary: DocumentReadable where Key == String, Value: DocumentReadable {
  init(reading value: DocumentValue, at path: String) throws {
    guard case .object(let members) = value else { throw DocumentError(path, "is \(value.kind), not an object") }
    self = [:]
    // In the order of the names, so that the same document always gives the same error.
    for (name, member) in members.sorted(by: { $0.key < $1.key }) {
      self[name] = try Value(reading: member, at: "\(path)[\(quoted(name))]")
    }
  }
}

/// A text from a document as an error message shows it: escaped and not too long.
func quoted(_ text: String) -> String { "\"\(clipped(text))\"" }

private func clipped(_ text: String) -> String {
  let shown = text.unicodeScalars.prefix(60).map { $0.escaped(asASCII: false) }.joined()
  return text.unicodeScalars.count > 60 ? shown + "..." : shown
}

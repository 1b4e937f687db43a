// What is wrong with a document, and where.

/// A value in a document that cannot be used.
public struct DocumentError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Where: `loadbalancer.listeners[0].default_pool.members[2].weight`; empty for the document as a whole.
  public let path: String
  /// What is wrong there: `300 is outside 0...256`.
  public let reason: String
  /// The line of the text, counted from 1, where that is known: in YAML.
  public internal(set) var line: Int?

  /// Makes an error.
  public init(_ path: String, _ reason: String) {
    self.path = path
    self.reason = reason
  }

  /// `PATH: REASON (line LINE)`.
  public var description: String {
    (path.isEmpty ? "the document \(reason)" : "\(path): \(reason)") + (line.map { " (line \($0))" } ?? "")
  }
}

/// Passes on a value that another field makes necessary.
func required<Value>(_ value: Value?, _ path: String, for reason: String) throws -> Value {
  guard let value else { throw DocumentError(path, "is required for \(reason)") }
  return value
}

// Documents in YAML: the same fields, the same checks, and the line of the culprit.

import Yams

extension LoadBalancerDocument {
  /// Reads a document in YAML; fails with a ``DocumentError`` that names the first wrong field and its line.
  ///
  /// Values are those of JSON: `true` and `false`, decimal numbers, `null`, and strings; what YAML 1.1 would also take for a
  /// boolean or a number (`yes`, `0x10`, `1_000`, `12:30`) is a string here. One document of 4 MiB at most; no key twice; no
  /// tags but `!!str`; anchors and aliases within bounds.
  public init(yaml: String) throws {
    let document = try YAMLDocument(yaml)
    do {
      try self.init(document.value)
    } catch let error as DocumentError {
      throw document.locating(error)
    }
  }
}

extension DocumentValue {
  /// Reads a value in YAML, as ``LoadBalancerDocument/init(yaml:)`` does.
  public init(yaml: String) throws { self = try YAMLDocument(yaml).value }
}

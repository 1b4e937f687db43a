// A value with its place in its document, so that whatever is wrong with it is told by name.

/// Something on the drive that is not what it should be.
package struct FieldError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Document and place, such as `meta_data.json: files[2].path`.
  package let field: String
  package let reason: String

  /// Field and reason, as one line.
  package var description: String { "\(field) \(reason)" }
}

/// A value and where it stands.
package struct DriveField: Sendable {
  /// Document and place, such as `network_data.json: links[0].mtu`.
  package let name: String
  package let value: DriveValue

  package func error(_ reason: String) -> FieldError { FieldError(field: name, reason: reason) }

  /// A value of a mapping; nil when it is missing or null.
  package func optional(_ key: String) throws(FieldError) -> DriveField? {
    guard let entry = try entries().last(where: { $0.key == key }), entry.value != .null else { return nil }
    return DriveField(name: name.hasSuffix(":") ? "\(name) \(key)" : "\(name).\(key)", value: entry.value)
  }

  /// A value of a mapping that must be there.
  package func required(_ key: String) throws(FieldError) -> DriveField {
    guard let field = try optional(key) else { throw error("has no '\(key)'") }
    return field
  }

  /// The entries of a mapping.
  package func entries() throws(FieldError) -> [DriveValue.Entry] {
    guard case .mapping(let entries) = value else { throw error("is no mapping") }
    return entries
  }

  /// The elements of a sequence, of at most `limit`.
  package func elements(limit: Int = 256) throws(FieldError) -> [DriveField] {
    guard case .sequence(let values) = value else { throw error("is no list") }
    guard values.count <= limit else { throw error("has \(values.count) elements; \(limit) are the most") }
    return values.enumerated().map { DriveField(name: "\(name)[\($0.offset)]", value: $0.element) }
  }

  /// A text, or a word as written.
  package func text() throws(FieldError) -> String {
    switch value {
    case .text(let text), .word(let text): return text
    case .null, .sequence, .mapping: throw error("is no text")
    }
  }

  /// A whole number in a range.
  package func number(in range: ClosedRange<Int>) throws(FieldError) -> Int {
    let text = try text()
    guard text.utf8.count <= 10, text.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(text),
      range.contains(number)
    else { throw error("is \(Quoted.text(text)), no number from \(range.lowerBound) to \(range.upperBound)") }
    return number
  }
}

/// Foreign text in messages: short, and without what could forge a line of the journal or steer a terminal.
enum Quoted {
  static func text(_ text: String) -> String {
    var shown = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(100) {
      let isPlain = scalar.properties.generalCategory != .control && scalar.properties.generalCategory != .format
      shown.append(isPlain && scalar != "\u{2028}" && scalar != "\u{2029}" ? scalar : "?")
    }
    return "'\(String(shown))\(text.unicodeScalars.count > 100 ? "…" : "")'"
  }
}

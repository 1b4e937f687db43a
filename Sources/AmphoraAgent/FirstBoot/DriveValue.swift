// What the documents of a config drive hold, JSON and cloud-config alike, before it is known to be what it should be.

import FoundationEssentials

/// A value of a document on the drive.
package indirect enum DriveValue: Hashable, Sendable {
  /// Nothing: JSON's null, YAML's `~`, or a key without a value.
  case null
  /// A text: a JSON string, or a YAML scalar in quotes or in a block.
  case text(String)
  /// A word whose kind its reader knows: a JSON number or boolean, or a YAML scalar without quotes.
  case word(String)
  case sequence([DriveValue])
  case mapping([Entry])

  /// A key and its value, in the order of the document.
  package struct Entry: Hashable, Sendable {
    package let key: String
    package let value: DriveValue
  }

  /// How deep documents may nest; the deepest that controllers send has 5 levels.
  static let deepest = 16
}

extension DriveValue: Decodable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Decodes any JSON value that is not too deep.
  package init(from decoder: any Decoder) throws {
    guard decoder.codingPath.count <= Self.deepest else {
      throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "it nests too deep"))
    }
    if let container = try? decoder.container(keyedBy: Key.self) {
      self = .mapping(
        // Sorted, because JSON's order is lost here, and keys of ssh are written in it.
        try container.allKeys.sorted { $0.stringValue < $1.stringValue }.map {
          Entry(key: $0.stringValue, value: try container.decode(DriveValue.self, forKey: $0))
        })
      return
    }
    if var container = try? decoder.unkeyedContainer() {
      var values: [DriveValue] = []
      while !container.isAtEnd { values.append(try container.decode(DriveValue.self)) }
      self = .sequence(values)
      return
    }
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let text = try? container.decode(String.self) {
      self = .text(text)
    } else if let flag = try? container.decode(Bool.self) {
      self = .word(flag ? "true" : "false")
    } else if let number = try? container.decode(Int.self) {
      self = .word("\(number)")
    } else {
      self = .word("\(try container.decode(Double.self))")
    }
  }

  /// Reads a JSON document.
  ///
  /// - Parameter name: the document's, for errors.
  package static func json(_ bytes: [UInt8], name: String) throws(FieldError) -> DriveField {
    do {
      return DriveField(name: "\(name):", value: try JSONDecoder().decode(DriveValue.self, from: Data(bytes)))
    } catch DecodingError.dataCorrupted(let context) where context.debugDescription == "it nests too deep" {
      throw FieldError(field: "\(name):", reason: "nests deeper than \(deepest) levels")
    } catch {
      throw FieldError(field: "\(name):", reason: "is no JSON")
    }
  }
}

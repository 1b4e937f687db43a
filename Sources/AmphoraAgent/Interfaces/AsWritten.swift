// Addresses and networks of interface files keep the spelling they came with: controllers' tools and upstream's agent
// compare and print the text, the kernel gets the value.

package import Addresses

/// A type whose values are written as texts in interface files.
package protocol TextValue: Hashable, Sendable {
  /// What the value is called in an error, such as `IP address`.
  static var noun: String { get }
  /// Parses a text; nil when it is not of the type.
  init?(fileText: String)
  /// The canonical text.
  var canonicalText: String { get }
}

extension IPAddress: TextValue {
  package static var noun: String { "IP address" }
  package init?(fileText: String) { self.init(fileText) }
  package var canonicalText: String { description }
}

extension CIDR: TextValue {
  package static var noun: String { "network" }
  package init?(fileText: String) { self.init(fileText) }
  package var canonicalText: String { description }
}

/// A parsed value together with the text it was, or is to be, written as.
///
/// Two are equal when their texts are; to compare what they mean, compare ``value``.
package struct AsWritten<Value: TextValue>: Hashable, Sendable, Codable, CustomStringConvertible {
  /// What the text means.
  package let value: Value
  /// The text in the file.
  package let text: String

  /// Wraps a value that is written in its canonical form.
  package init(_ value: Value) {
    self.value = value
    text = value.canonicalText
  }

  /// Parses a text, which is kept; nil when it is not of the type.
  package init?(text: String) {
    guard let value = Value(fileText: text) else { return nil }
    self.value = value
    self.text = text
  }

  init(value: Value, text: String) {
    self.value = value
    self.text = text
  }

  /// Decodes from a JSON string.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let parsed = AsWritten(text: text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no \(Value.noun)")
    }
    self = parsed
  }

  /// Encodes the text.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }

  /// The text in the file.
  package var description: String { text }
}

extension AsWritten<IPAddress> {
  /// Wraps an address that is written in upstream's long form.
  package init(exploded address: IPAddress) { self.init(value: address, text: address.exploded) }
}

extension AsWritten<CIDR> {
  /// Wraps a network that is written in upstream's long form.
  package init(exploded network: CIDR) { self.init(value: network, text: network.exploded) }
}

// Writing and changing documents in tests.

@testable import AmphoraController

/// A step into a document: a member of an object or an element of a list.
enum Step: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, Sendable {
  case member(String)
  case element(Int)
  init(stringLiteral name: String) { self = .member(name) }
  init(integerLiteral index: Int) { self = .element(index) }
}

extension DocumentValue {
  /// The value at the end of a path; null where there is nothing.
  subscript(path: Step...) -> DocumentValue {
    get { value(at: path[...]) }
    set { set(newValue, at: path[...]) }
  }

  func replacing(_ path: [Step], with value: DocumentValue) -> DocumentValue {
    var copy = self
    copy.set(value, at: path[...])
    return copy
  }

  private func value(at path: ArraySlice<Step>) -> DocumentValue {
    guard let first = path.first else { return self }
    switch (self, first) {
    case (.object(let members), .member(let name)): return (members[name] ?? .null).value(at: path.dropFirst())
    case (.array(let elements), .element(let index)) where elements.indices.contains(index):
      return elements[index].value(at: path.dropFirst())
    default: return .null
    }
  }

  private mutating func set(_ value: DocumentValue, at path: ArraySlice<Step>) {
    switch (self, path.first) {
    case (_, nil): self = value
    case (.object(var members), .member(let name)):
      members[name, default: .object([:])].set(value, at: path.dropFirst())
      self = .object(members)
    case (.array(var elements), .element(let index)) where elements.indices.contains(index):
      elements[index].set(value, at: path.dropFirst())
      self = .array(elements)
    default: preconditionFailure("no \(path) in \(self)")
    }
  }
}

extension DocumentValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  init(stringLiteral text: String) { self = .string(text) }
  init(integerLiteral number: Int) { self = .integer(number) }
  init(booleanLiteral bool: Bool) { self = .bool(bool) }
  init(arrayLiteral elements: DocumentValue...) { self = .array(elements) }
  init(dictionaryLiteral members: (String, DocumentValue)...) {
    self = .object(Dictionary(uniqueKeysWithValues: members))
  }
}

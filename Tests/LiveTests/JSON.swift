// JSON values to compare answers with, whatever the order of keys.

import AmphoraController
import Foundation
import Testing

enum JSON: Hashable, Decodable {
  case null
  case flag(Bool)
  case integer(Int)
  case fraction(Double)
  case text(String)
  case list([JSON])
  case object([String: JSON])

  init(_ text: String) throws { self = try JSONDecoder().decode(JSON.self, from: Data(text.utf8)) }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .flag(value)
    } else if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .fraction(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode([JSON].self) {
      self = .list(value)
    } else {
      self = .object(try container.decode([String: JSON].self))
    }
  }

  subscript(key: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members[key]
  }

  /// The text of a member, empty when there is none.
  func string(_ key: String) -> String {
    guard case .text(let text)? = self[key] else { return "" }
    return text
  }

  var keys: Set<String> {
    guard case .object(let members) = self else { return [] }
    return Set(members.keys)
  }
}

extension AgentAnswer {
  var json: JSON { get throws { try JSON(text) } }
}

/// Expects a status and exactly this JSON body.
func expect(
  _ answer: AgentAnswer, _ status: Int, _ body: String, eTag: String? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  #expect(answer.status == status, "\(answer.text)", sourceLocation: sourceLocation)
  #expect(answer.header("Content-Type") == "application/json", sourceLocation: sourceLocation)
  #expect(answer.header("ETag") == eTag, sourceLocation: sourceLocation)
  let (actual, expected) = (try answer.json, try JSON(body))
  #expect(actual == expected, "\(answer.text)", sourceLocation: sourceLocation)
}

/// Expects the framework's shape of an error: `{"error":"<code> <reason>: …","http_code":<code>}`.
func expectFramework(
  _ answer: AgentAnswer, _ status: Int, _ reason: String, containing text: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  #expect(answer.status == status, "\(answer.text)", sourceLocation: sourceLocation)
  #expect(answer.header("Content-Type") == "application/json", sourceLocation: sourceLocation)
  let json = try answer.json
  #expect(json["http_code"] == .integer(status), sourceLocation: sourceLocation)
  #expect(json.string("error").hasPrefix("\(status) \(reason): "), "\(answer.text)", sourceLocation: sourceLocation)
  #expect(text.isEmpty || json.string("error").contains(text), "\(answer.text)", sourceLocation: sourceLocation)
}

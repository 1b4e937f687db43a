// Reading JSON bodies: whatever is wrong with one gives the same answer (contract agent-api §1.3).

import FoundationEssentials

/// A JSON body that is not of the expected shape.
struct JSONBodyError: Error {
  /// What the contract calls the body of a route.
  enum Subject: String {
    case subnet = "Invalid subnet information"
    case port = "Invalid port information"
    case rules = "Invalid rules information"
  }

  let subject: Subject
  let reason: String
}

/// Decodes JSON bodies.
enum JSONBody {
  static func decode<Body: Decodable>(_ bytes: [UInt8], _ contentType: String?, as subject: JSONBodyError.Subject)
    throws -> Body
  {
    let mediaType = (contentType ?? "").prefix { $0 != ";" }.filter { !$0.isWhitespace }.lowercased()
    guard mediaType == "application/json" || mediaType.hasSuffix("+json") else {
      throw JSONBodyError(subject: subject, reason: "Content-Type is '\(contentType ?? "")', not application/json")
    }
    do {
      return try JSONDecoder().decode(Body.self, from: Data(bytes))
    } catch let error as DecodingError {
      throw JSONBodyError(subject: subject, reason: describe(error))
    }
  }

  private static func describe(_ error: DecodingError) -> String {
    func at(_ context: DecodingError.Context, _ key: (any CodingKey)? = nil) -> String {
      (context.codingPath + (key.map { [$0] } ?? [])).map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(
        separator: ".")
    }
    return switch error {
    case .keyNotFound(let key, let context): "'\(at(context, key))' is missing"
    case .typeMismatch(let type, let context):
      context.codingPath.isEmpty ? "the body is no \(noun(type))" : "'\(at(context))' is no \(noun(type))"
    case .valueNotFound(_, let context): "'\(at(context))' is null"
    case .dataCorrupted(let context):
      context.codingPath.isEmpty ? "the body is not JSON" : "'\(at(context))': \(context.debugDescription)"
    @unknown default: "the body is not of the expected shape"
    }
  }
  /// What JSON calls a Swift type.
  private static func noun(_ type: Any.Type) -> String {
    switch type {
    case is String.Type: "string"
    case is Bool.Type: "boolean"
    case is any BinaryInteger.Type: "integer"
    case is [String: Any].Type: "object"
    case is [Any].Type: "array"
    default: "\(type)"
    }
  }
}

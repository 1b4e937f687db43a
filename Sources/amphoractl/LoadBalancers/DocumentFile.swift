// The document of a load balancer, as operators write it.

import AmphoraController
import FoundationEssentials

enum DocumentFile {
  /// Reads a document in JSON (it begins with a brace) or YAML; what amphorae and drivers know need not be in it.
  static func read(_ path: String) throws -> LoadBalancerDocument {
    let bytes = try InputFile.bytes(path)
    do {
      return try LoadBalancerDocument(completed(tree(bytes)))
    } catch let error as DocumentError {
      throw CommandFailure(.usage, "\(path == "-" ? "standard input" : path): \(error)")
    }
  }

  private static func tree(_ bytes: [UInt8]) throws -> DocumentValue {
    let first = bytes.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
    guard first == UInt8(ascii: "{") else { return try DocumentValue(yaml: String(decoding: bytes, as: UTF8.self)) }
    do {
      return try JSONDecoder().decode(DocumentValue.self, from: Data(bytes))
    } catch {
      throw DocumentError("", "is not JSON: \(error)")
    }
  }

  /// With a context: SINGLE unless told, and a version of haproxy, which is replaced by what the amphora reports.
  private static func completed(_ value: DocumentValue) -> DocumentValue {
    guard case .object(var document) = value else { return value }
    guard case .object(var context) = document["context"] ?? .object([:]) else { return value }
    if context["topology"] == nil { context["topology"] = .string("SINGLE") }
    if context["haproxy_version"] == nil { context["haproxy_version"] = .string("2.6") }
    document["context"] = .object(context)
    return .object(document)
  }
}

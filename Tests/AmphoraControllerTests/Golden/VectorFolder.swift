// Where the configuration vectors are: documents and the texts that belong to them, rendered by upstream.

import FoundationEssentials
import Glibc
import Testing

@testable import AmphoraController

/// One vector: a folder with `input.json` and `expected/`.
struct Vector: CustomTestStringConvertible, Sendable {
  let name: String
  let folder: String

  var testDescription: String { name }

  func document() throws -> LoadBalancerDocument {
    try LoadBalancerDocument(json: Data(contentsOf: URL(filePath: "\(folder)/input.json")))
  }

  func expected() throws -> [String: String] {
    var files: [String: String] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: "\(folder)/expected") {
      files[name] = String(decoding: try Data(contentsOf: URL(filePath: "\(folder)/expected/\(name)")), as: UTF8.self)
    }
    return files
  }
}

enum VectorFolder {
  /// `AMPHORA_VECTORS`, or `../shared/vectors` beside the checkout.
  static let path: String = {
    if let path = getenv("AMPHORA_VECTORS") { return "\(String(cString: path))/config" }
    let checkout = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
    return "/\(checkout)/../shared/vectors/config"
  }()

  /// All vectors by name; empty when they are absent.
  static let all: [Vector] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.sorted().compactMap { name in
      let folder = "\(path)/\(name)"
      return FileManager.default.fileExists(atPath: "\(folder)/input.json") ? Vector(name: name, folder: folder) : nil
    }
  }()
}

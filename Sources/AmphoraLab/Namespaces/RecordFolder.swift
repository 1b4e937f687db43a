// What a driver must find again after its process has ended: one JSON file per thing.

import Files
import FoundationEssentials

/// A folder of JSON files, each a value of one type.
struct RecordFolder<Value: Codable> {
  let path: String

  func read(_ name: String) throws -> Value? {
    do {
      return try JSONDecoder().decode(Value.self, from: Data(FileRead.bytes("\(path)/\(name).json")))
    } catch let failure as DurableFile.Failure where failure.isMissing {
      return nil
    } catch {
      throw LabError.failed(what: "\(path)/\(name).json", reason: "\(error)")
    }
  }

  func write(_ value: Value, _ name: String) throws {
    try DurableFile.createDirectory(path, mode: 0o700)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try DurableFile.write(Array(encoder.encode(value)), to: "\(path)/\(name).json", mode: 0o600)
  }

  func remove(_ name: String) throws { try DurableFile.remove("\(path)/\(name).json") }

  func all() throws -> [Value] {
    try FileRead.names(in: path).filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.sorted()
      .compactMap { try read(String($0.dropLast(".json".count))) }
  }
}

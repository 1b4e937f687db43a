// The heartbeat vectors that upstream's code made; they lie beside the checkout, not in it.

import FoundationEssentials

/// The folder of the heartbeat vectors; nil where they are not at hand.
let heartbeatVectorFolder: URL? = {
  let base: URL
  if let path = ProcessInfo.processInfo.environment["AMPHORA_VECTORS"] {
    base = URL(filePath: path)
  } else {
    // <checkout>/Tests/AmphoraProtocolTests/Heartbeat/<this file>, and <checkout>/../shared/vectors.
    var folder = URL(filePath: #filePath)
    for _ in 0..<5 { folder.deleteLastPathComponent() }
    base = folder.appending(path: "shared/vectors")
  }
  let folder = base.appending(path: "heartbeat")
  return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
}()

/// One case of the vectors.
struct HeartbeatVector: Decodable, Sendable, CustomStringConvertible {
  struct Envelope: Decodable, Sendable {
    let file: String
    let length: Int
  }

  let name: String
  let key: String
  let verdict: String
  let message: ExpectedMessage?
  let jsonText: String?
  let payloadLength: Int?
  let digest: String?
  let hexEnvelope: Envelope?
  let legacyEnvelope: Envelope?
  let envelope: Envelope?

  var description: String { name }

  private enum CodingKeys: String, CodingKey {
    case name, key, verdict, message, envelope
    case jsonText = "json_text"
    case payloadLength = "payload_length"
    case digest = "hmac_sha256"
    case hexEnvelope = "hex_envelope"
    case legacyEnvelope = "legacy_envelope"
  }

  /// Every case whose name has the text; empty without vectors.
  static func all(where included: (String) -> Bool) -> [HeartbeatVector] {
    guard let folder = heartbeatVectorFolder,
      let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
    else { return [] }
    return names.filter { $0.hasSuffix(".json") && included($0) }.sorted().compactMap { name in
      (try? Data(contentsOf: folder.appending(path: name))).flatMap {
        try? JSONDecoder().decode(HeartbeatVector.self, from: $0)
      }
    }
  }

  static func bytes(_ envelope: Envelope) throws -> [UInt8] {
    guard let folder = heartbeatVectorFolder else { return [] }
    return Array(try Data(contentsOf: folder.appending(path: envelope.file)))
  }
}

/// The message as Foundation's reader sees it: an independent judge of the package's own reader.
struct ExpectedMessage: Decodable, Sendable {
  struct Listener: Decodable {
    let status: String
    let stats: [String: Int]
    let pools: [String: Pool]?
  }
  struct Pool: Decodable {
    let status: String
    let members: [String: String]
  }
  let id: String
  let seq: Int?
  let ver: Int?
  let listeners: [String: Listener]
  let pools: [String: Pool]?
}

import AmphoraProtocol
import FoundationEssentials
import Testing

@testable import AmphoraController

/// Upstream's datagrams over a real socket: what it sent is heard, what is damaged is refused for its own reason.
@Suite(.enabled(if: !VectorDatagram.all.isEmpty, "the vectors are not beside this checkout; set AMPHORA_VECTORS"))
struct HeartbeatVectorSocketTests {
  @Test(arguments: VectorDatagram.all.filter { $0.reason == nil })
  func `what upstream sends is heard, in both digest forms`(vector: VectorDatagram) async throws {
    let receiver = try await HeartbeatReceiver.bind(
      address: "127.0.0.1", port: 0, keys: [HeartbeatKey("another key"), HeartbeatKey(vector.key)],
      socketBufferBytes: 1 << 20)
    let sender = try DatagramSender(port: receiver.port)
    var iterator = receiver.heartbeats.makeAsyncIterator()
    for file in vector.files {
      try sender.send(VectorDatagram.bytes(file))
      let message = try #require(await iterator.next()).message
      if let id = vector.id { #expect(message.id == id) }
    }
    #expect(receiver.counters.rejected.isEmpty)
    try await receiver.close()
  }

  @Test(arguments: VectorDatagram.all.filter { $0.reason != nil })
  func `what is damaged is refused for its reason, and the next is heard`(vector: VectorDatagram) async throws {
    let receiver = try await HeartbeatReceiver.bind(
      address: "127.0.0.1", port: 0, keys: [HeartbeatKey(vector.key)], socketBufferBytes: 1 << 20)
    let sender = try DatagramSender(port: receiver.port)
    for file in vector.files { try sender.send(VectorDatagram.bytes(file)) }
    let good = HeartbeatMessage(id: "good", sequence: 1)
    try sender.send(HeartbeatEnvelope.seal(good, key: HeartbeatKey(vector.key)))
    var iterator = receiver.heartbeats.makeAsyncIterator()
    #expect(await iterator.next()?.message == good)
    #expect(receiver.counters.rejected == [try #require(vector.reason): 1])
    try await receiver.close()
  }
}

/// One case of the heartbeat vectors that fits a datagram.
struct VectorDatagram: CustomTestStringConvertible, Sendable {
  let name: String
  let key: String
  /// The id in the message.
  let id: String?
  let files: [String]
  /// The kind of the rejection; nil for a good one.
  let reason: String?

  var testDescription: String { name }

  private static let folder = VectorFolder.path.replacing("vectors/config", with: "vectors/heartbeat")

  /// What the README of the vectors says of each, by its number.
  private static let reasons = [
    "17": "digest-mismatch", "18": "digest-mismatch", "19": "digest-mismatch", "20": "digest-mismatch",
    "21": "digest-mismatch", "22": "digest-mismatch", "23": "digest-mismatch", "24": "digest-mismatch",
    "25": "too-short", "26": "too-short", "27": "digest-mismatch", "28": "truncated-stream", "29": "not-zlib",
    "30": "not-zlib", "31": "truncated-stream", "32": "corrupt-stream", "33": "not-json", "34": "not-utf8",
    "35": "not-an-object", "36": "not-an-object", "38": "inflated-too-large",
  ]

  static func bytes(_ file: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: "\(folder)/\(file)")))
  }

  static let all: [VectorDatagram] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".json") }.sorted().compactMap { name in
      guard let data = try? Data(contentsOf: URL(filePath: "\(folder)/\(name)")),
        let value = try? JSONDecoder().decode(Case.self, from: data)
      else { return nil }
      let envelopes = [value.hexEnvelope, value.legacyEnvelope, value.envelope].compactMap(\.self)
      // No UDP datagram can be as long as number 37.
      guard envelopes.allSatisfy({ $0.length <= HeartbeatEnvelope.maximumPayloadIPv4 }) else { return nil }
      return VectorDatagram(
        name: name, key: value.key, id: value.message?.id, files: envelopes.map(\.file),
        reason: reasons[String(name.prefix(2))])
    }
  }()

  private struct Case: Decodable {
    struct Envelope: Decodable {
      let file: String
      let length: Int
    }
    struct Message: Decodable { let id: String? }

    let key: String
    let message: Message?
    let hexEnvelope: Envelope?
    let legacyEnvelope: Envelope?
    let envelope: Envelope?

    private enum CodingKeys: String, CodingKey {
      case key, message, envelope
      case hexEnvelope = "hex_envelope"
      case legacyEnvelope = "legacy_envelope"
    }
  }
}

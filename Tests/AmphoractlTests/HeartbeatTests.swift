import AmphoraProtocol
import Foundation
import Testing

@Suite struct HeartbeatTests {
  /// What a vector's JSON file says.
  struct Vector: CustomTestStringConvertible, Sendable {
    let name: String
    let key: String
    /// The names of the files with datagrams.
    let envelopes: [String]
    /// The message's text; nil where the datagram is no good.
    let text: String?

    var testDescription: String { name }

    static let all: [Vector] = VectorFiles.names("heartbeat").filter { $0.hasSuffix(".json") }.compactMap { file in
      guard let data = FileManager.default.contents(atPath: "\(VectorFiles.path)/heartbeat/\(file)"),
        let json = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any], let key = json["key"] as? String
      else { return nil }
      let envelopes = ["hex_envelope", "legacy_envelope", "envelope"].compactMap {
        (json[$0] as? [String: Any])?["file"] as? String
      }
      return Vector(name: file, key: key, envelopes: envelopes, text: json["json_text"] as? String)
    }
    static let good = all.filter { $0.text != nil }
    static let bad = all.filter { $0.name.contains("-bad-") }
  }

  @Test(.enabled(if: VectorFiles.areThere, VectorFiles.absence))
  func `the vectors were all read`() {
    #expect(Vector.good.count == 16)
    #expect(Vector.good.allSatisfy { $0.envelopes.count == 2 })
    #expect(Vector.bad.count == 21)
    #expect(Vector.bad.allSatisfy { $0.envelopes.count == 1 })
  }

  @Test(.enabled(if: VectorFiles.areThere, VectorFiles.absence), arguments: Vector.good)
  func `upstream's datagram is printed as upstream's message`(vector: Vector) throws {
    let program = try ControlProgram()
    try program.write(vector.key + "\n", "key")
    for name in vector.envelopes {
      let file = "\(VectorFiles.path)/heartbeat/\(name)"
      let bytes = try Array(Data(contentsOf: URL(filePath: file)))
      var results = [try program.run("heartbeat", "decode", "--key", vector.key, file)]
      // An empty file or variable is taken for a mistake, so upstream's empty key can only be typed.
      if !vector.key.isEmpty {
        results += [
          try program.run("heartbeat", "decode", "--key-file", "key", "-", input: bytes),
          try program.run("heartbeat", "decode", file, environment: ["AMPHORA_HEARTBEAT_KEY": vector.key]),
          try program.run("heartbeat", "decode", "--json", "--set", "heartbeat_key_file=key", file),
        ]
      }
      for result in results {
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output == (vector.text ?? "") + "\n")
        #expect(result.errors == "")
      }
      let refused = try program.run("heartbeat", "decode", "--key", vector.key + "x", file)
      #expect(refused.status == 1)
      #expect(refused.output == "")
      #expect(refused.errors.contains("digest-mismatch"))
    }
  }

  @Test(.enabled(if: VectorFiles.areThere, VectorFiles.absence), arguments: Vector.bad)
  func `a damaged datagram is refused with status 1 and its reason`(vector: Vector) throws {
    let program = try ControlProgram()
    let file = "\(VectorFiles.path)/heartbeat/\(vector.envelopes[0])"
    let reason = #expect(throws: HeartbeatRejection.self) {
      try HeartbeatEnvelope.openMessage(
        Array(Data(contentsOf: URL(filePath: file))), keys: [HeartbeatKey(vector.key)])
    }
    let result = try program.run("heartbeat", "decode", "--key", vector.key, file)
    #expect(result.status == 1)
    #expect(result.output == "")
    #expect(result.errors == "error: \(file): refused: \(reason?.description ?? "") (\(reason?.kind ?? ""))\n")
  }

  @Test func `a message cannot send control characters to the terminal`() throws {
    let program = try ControlProgram()
    let text = #"{"id":"a\#u{9B}2J\#u{202E}","listeners":{},"pools":{},"ver":3,"seq":0}"#
    let datagram = try HeartbeatEnvelope.seal(Array(text.utf8), key: HeartbeatKey("k"))
    let result = try program.run("heartbeat", "decode", "--key", "k", "-", input: datagram)
    #expect(result.output == #"{"id":"a\u009b2J\u202e","listeners":{},"pools":{},"ver":3,"seq":0}"# + "\n")
  }

  @Test func `without a key nothing is guessed`() throws {
    let program = try ControlProgram()
    let result = try program.run("heartbeat", "decode", "-")
    #expect(result.status == 2)
    #expect(result.errors.contains("no heartbeat key") && result.errors.contains("AMPHORA_HEARTBEAT_KEY"))
  }
}

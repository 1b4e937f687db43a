import AmphoraCrypto
import AmphoraProtocol
import Testing

/// Damaged input of many kinds must end in a message or in a rejection, never in a crash.
@Suite struct HeartbeatMutationTests {
  static let key = HeartbeatKey("k")
  static let text =
    Array(
      #"{"id":"a\u00e9","seq":1,"listeners":{"l":{"status":"OPEN","stats":{"tx":1,"rx":2,"conns":3,"totconns":4,"ereq":5}}},"#
        .utf8)
    + #""pools":{"p:l":{"status":"UP","members":{"m":"no check","n":"\"\\"}}},"x":[1.5e3,null,true],"ver":3}"#.utf8

  /// SplitMix64, so that a failure repeats.
  struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }

  /// Changes, inserts, removes or repeats a few bytes.
  static func mutated(_ bytes: [UInt8], _ generator: inout Generator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
      let position = Int.random(in: 0..<bytes.count, using: &generator)
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: bytes[position] = UInt8.random(in: .min ... .max, using: &generator)
      case 1: bytes.insert("{}[]\",:\\0-e".utf8.randomElement(using: &generator) ?? 0, at: position)
      case 2: bytes.removeSubrange(position..<min(bytes.count, position + 3))
      default: bytes.insert(contentsOf: bytes[position...].prefix(20), at: position)
      }
    }
    return bytes
  }

  @Test(arguments: 1...4)
  func `damaged texts are read or refused`(seed: UInt64) throws {
    var generator = Generator(state: seed)
    var accepted = 0
    for _ in 0..<5000 {
      let damaged = Self.mutated(Self.text, &generator)
      guard let message = try? HeartbeatMessage(json: damaged) else { continue }
      accepted += 1
      // What was read can be written and read again with the same result.
      var again = try HeartbeatMessage(json: message.encoded())
      again.defects = message.defects
      again.listeners = zip(again.listeners, message.listeners).map { $1.stats == nil ? $1 : $0 }
      again.version = message.version
      #expect(again == message, "\(String(decoding: damaged, as: UTF8.self))")
    }
    // Both outcomes must occur, or the mutations prove nothing.
    #expect(accepted > 50 && accepted < 4950, "\(accepted)")
  }

  @Test(arguments: 1...4)
  func `damaged streams with a right digest are inflated or refused`(seed: UInt64) throws {
    var generator = Generator(state: seed)
    let stream = Array(try HeartbeatEnvelope.seal(Self.text, key: Self.key).dropLast(64))
    var refused: Set<String> = []
    for _ in 0..<2000 {
      let damaged = Self.mutated(stream, &generator)
      do {
        _ = try HeartbeatEnvelope.openMessage(damaged + digest(of: damaged), keys: [Self.key])
      } catch {
        refused.insert(error.kind)
      }
    }
    #expect(refused.isSuperset(of: ["corrupt-stream", "not-zlib", "truncated-stream"]), "\(refused)")
  }

  private func digest(of stream: [UInt8]) -> [UInt8] {
    Array(Digest.hex(Digest.hmacSHA256(key: "k".utf8, stream)).utf8)
  }
}

import AmphoraCrypto
import AmphoraProtocol
import Testing

/// The examples of contract heartbeat-and-config §2.7, which a lone clone has too.
@Suite struct HeartbeatEnvelopeTests {
  static let payload = bytes("78daab562a492d2ec94ead54b252500a710d0e51aa050041b50624")
  static let digest = "5806e5c1971e79951818394ea6e71ad989ff950945f9573f4ab6f83e25db8ed7"
  static let key = HeartbeatKey("TEST")
  static let emptyAmphora = bytes(
    "78da3d8a410a80201000bf227b4e5014d37e93ee068264697411ffde9ebacd0c33"
      + "20236c021cf9034d74522515a5b5d1cba077942b6ab2680943f2b008e874f3ae984aee0f9dd43afb981cae5acb2f2f3546333f07281b4b"
  )
  static let emptyAmphoraDigest = "0c3df916cba0f6fcda0c679c0a991d8d9f64f98e333164ffd99365a59b7bfdfc"

  @Test func `both digest forms of the first example open`() throws {
    let hexForm = Self.payload + Self.digest.utf8
    let rawForm = Self.payload + bytes(Self.digest)
    #expect(hexForm.count == 91)
    #expect(rawForm.count == 59)
    for datagram in [hexForm, rawForm] {
      let text = try HeartbeatEnvelope.open(datagram, keys: [Self.key])
      #expect(String(decoding: text, as: UTF8.self) == "{\"testkey\": \"TEST\"}")
    }
  }

  @Test func `a sealed text ends in 64 lower-case digits over the stream`() throws {
    let sealed = try HeartbeatEnvelope.seal(Array("{\"testkey\": \"TEST\"}".utf8), key: Self.key, effort: .best)
    #expect(sealed == Self.payload + Self.digest.utf8)
  }

  @Test func `a freshly booted amphora's heartbeat opens to an empty message`() throws {
    let message = try HeartbeatEnvelope.openMessage(
      Self.emptyAmphora + Self.emptyAmphoraDigest.utf8, keys: [HeartbeatKey("insecure")])
    #expect(message == HeartbeatMessage(id: "6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8", sequence: 0))
  }

  @Test func `every single bit that flips is noticed`() throws {
    let datagram = Self.payload + Self.digest.utf8
    for bit in 0..<datagram.count * 8 {
      var damaged = datagram
      damaged[bit / 8] ^= 1 << (bit % 8)
      #expect(throws: HeartbeatRejection.digestMismatch) { try HeartbeatEnvelope.open(damaged, keys: [Self.key]) }
    }
  }

  @Test func `every shorter prefix is refused`() throws {
    let datagram = Self.payload + Self.digest.utf8
    for length in 0..<datagram.count {
      #expect(throws: HeartbeatRejection.self) {
        try HeartbeatEnvelope.open(Array(datagram.prefix(length)), keys: [Self.key])
      }
    }
  }

  @Test func `a digest in upper case is refused`() {
    #expect(throws: HeartbeatRejection.digestMismatch) {
      try HeartbeatEnvelope.open(Self.payload + Self.digest.uppercased().utf8, keys: [Self.key])
    }
  }

  @Test func `no key opens nothing`() {
    #expect(throws: HeartbeatRejection.digestMismatch) {
      try HeartbeatEnvelope.open(Self.payload + Self.digest.utf8, keys: [])
    }
  }

  @Test func `a bomb stops at the limit`() throws {
    let datagram = try HeartbeatEnvelope.seal([UInt8](repeating: 0x20, count: 5 << 20), key: Self.key)
    #expect(datagram.count < 65536)
    #expect(throws: HeartbeatRejection.inflatedTooLarge(limit: 4 << 20)) {
      try HeartbeatEnvelope.open(datagram, keys: [Self.key])
    }
  }

  @Test(arguments: [0, 1, 4095, 4096, 4097, 100_000])
  func `texts of any length survive`(length: Int) throws {
    let text = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
    for effort in [HeartbeatEnvelope.Effort.standard, .best] {
      let datagram = try HeartbeatEnvelope.seal(text, key: Self.key, effort: effort)
      guard datagram.count <= HeartbeatEnvelope.maximumDatagramBytes else { continue }
      #expect(try HeartbeatEnvelope.open(datagram, keys: [Self.key], maximumInflatedBytes: max(length, 1)) == text)
    }
  }

  @Test func `a key never prints`() {
    #expect("\(HeartbeatKey("secret"))".contains("secret") == false)
  }
}

/// The bytes that hexadecimal digits spell.
private func bytes(_ digits: String) -> [UInt8] {
  var rest = digits[...]
  var bytes: [UInt8] = []
  while rest.count >= 2 {
    bytes.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
    rest = rest.dropFirst(2)
  }
  return bytes
}

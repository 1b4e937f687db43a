import AmphoraCrypto
import AmphoraProtocol
import Testing

/// Every vector, against the reader, the writer and the envelope.
@Suite(.enabled(if: heartbeatVectorFolder != nil, "the vectors are not beside this checkout; set AMPHORA_VECTORS"))
struct HeartbeatVectorTests {
  static let good = HeartbeatVector.all { !$0.contains("-bad-") && !$0.contains("-edge-") }
  static let bad = HeartbeatVector.all { $0.contains("-bad-") }

  @Test func `the vectors were all read`() {
    #expect(Self.good.count == 16)
    #expect(Self.bad.count == 21)
  }

  @Test(arguments: good)
  func `both digest forms open to the message`(vector: HeartbeatVector) throws {
    let expected = try #require(vector.message)
    for envelope in [try #require(vector.hexEnvelope), try #require(vector.legacyEnvelope)] {
      let datagram = try HeartbeatVector.bytes(envelope)
      #expect(datagram.count == envelope.length)
      let keys = [HeartbeatKey("another key"), HeartbeatKey(vector.key)]
      let text = try HeartbeatEnvelope.open(datagram, keys: keys)
      #expect(String(decoding: text, as: UTF8.self) == vector.jsonText)
      let message = try HeartbeatEnvelope.openMessage(datagram, keys: keys)
      expectEqual(message, expected)
      #expect(throws: HeartbeatRejection.digestMismatch) {
        try HeartbeatEnvelope.open(datagram, keys: [HeartbeatKey(vector.key + "x")])
      }
    }
  }

  @Test(arguments: good)
  func `sealing upstream's text at its effort gives upstream's bytes`(vector: HeartbeatVector) throws {
    let text = Array(try #require(vector.jsonText).utf8)
    let sealed = try HeartbeatEnvelope.seal(text, key: HeartbeatKey(vector.key), effort: .best)
    #expect(sealed == (try HeartbeatVector.bytes(try #require(vector.hexEnvelope))))
    let quick = try HeartbeatEnvelope.seal(text, key: HeartbeatKey(vector.key), effort: .standard)
    #expect(try HeartbeatEnvelope.open(quick, keys: [HeartbeatKey(vector.key)]) == text)
  }

  @Test(arguments: good)
  func `a message survives writing and reading`(vector: HeartbeatVector) throws {
    let text = Array(try #require(vector.jsonText).utf8)
    let message = try HeartbeatMessage(json: text)
    let written = message.encoded()
    #expect(written.count < text.count)
    var again = try HeartbeatMessage(json: written)
    if message.version != nil {
      #expect(again == message)
    } else {
      // What came without a version is written as the current one.
      #expect(again.version == HeartbeatMessage.currentVersion)
      again.version = nil
      #expect(again == message)
    }
  }

  static let reasons: [String: @Sendable (HeartbeatRejection) -> Bool] = [
    "17": { $0 == .digestMismatch },
    "18": { $0 == .digestMismatch },
    "19": { $0 == .digestMismatch },
    "20": { $0 == .digestMismatch },
    "21": { $0 == .digestMismatch },
    "22": { $0 == .digestMismatch },
    "23": { $0 == .digestMismatch },
    "24": { $0 == .digestMismatch },
    "25": { $0 == .tooShort(bytes: 0) },
    "26": { $0 == .tooShort(bytes: 1) },
    "27": { $0 == .digestMismatch },
    "28": { $0 == .truncatedStream },
    "29": { $0.kind == "not-zlib" },
    "30": { $0.kind == "not-zlib" },
    "31": { $0 == .truncatedStream },
    "32": { $0.kind == "corrupt-stream" },
    "33": { $0.kind == "not-json" },
    "34": { $0 == .notUTF8 },
    "35": { $0 == .notAnObject },
    "36": { $0 == .notAnObject },
    "37": { $0 == .tooLong(bytes: 114614) },
  ]

  @Test(arguments: bad)
  func `a damaged envelope is refused for its own reason`(vector: HeartbeatVector) throws {
    let datagram = try HeartbeatVector.bytes(try #require(vector.envelope))
    let isExpected = try #require(Self.reasons[String(vector.name.prefix(2))])
    let rejection = #expect(throws: HeartbeatRejection.self) {
      try HeartbeatEnvelope.openMessage(datagram, keys: [HeartbeatKey(vector.key)])
    }
    if let rejection { #expect(isExpected(rejection), "\(vector.name): \(rejection)") }
  }

  @Test func `what a receiver sees of an oversized datagram does not verify`() throws {
    let vector = try #require(Self.bad.first { $0.name.hasPrefix("37") })
    let datagram = try HeartbeatVector.bytes(try #require(vector.envelope))
    #expect(throws: HeartbeatRejection.digestMismatch) {
      try HeartbeatEnvelope.open(Array(datagram.prefix(65536)), keys: [HeartbeatKey(vector.key)])
    }
  }

  @Test func `inflating stops at the limit`() throws {
    let vector = try #require(HeartbeatVector.all { $0.hasPrefix("38-edge") }.first)
    let datagram = try HeartbeatVector.bytes(try #require(vector.envelope))
    let keys = [HeartbeatKey(vector.key)]
    #expect(throws: HeartbeatRejection.inflatedTooLarge(limit: 4 << 20)) {
      try HeartbeatEnvelope.open(datagram, keys: keys)
    }
    let whole = try HeartbeatEnvelope.open(datagram, keys: keys, maximumInflatedBytes: 16 << 20)
    #expect(whole.count >= 8 << 20)
    #expect(try HeartbeatEnvelope.open(datagram, keys: keys, maximumInflatedBytes: whole.count) == whole)
    #expect(throws: HeartbeatRejection.inflatedTooLarge(limit: whole.count - 1)) {
      try HeartbeatEnvelope.open(datagram, keys: keys, maximumInflatedBytes: whole.count - 1)
    }
  }

  @Test func `bytes behind the stream that the digest covers are ignored`() throws {
    let vector = try #require(HeartbeatVector.all { $0.hasPrefix("39-edge") }.first)
    let datagram = try HeartbeatVector.bytes(try #require(vector.envelope))
    #expect(try HeartbeatEnvelope.openMessage(datagram, keys: [HeartbeatKey(vector.key)]).version == 3)
  }
}

/// Compares what this package read with what Foundation read.
private func expectEqual(_ message: HeartbeatMessage, _ expected: ExpectedMessage) {
  #expect(message.id == expected.id)
  #expect(message.sequence == expected.seq)
  #expect(message.version == expected.ver)
  #expect(message.defects == [])
  #expect(Set(message.listeners.map(\.id)) == Set(expected.listeners.keys))
  #expect(message.listeners.count == expected.listeners.count)
  for listener in message.listeners {
    let other = expected.listeners[listener.id]
    #expect(listener.status == other?.status)
    #expect(listener.stats?.bytesOut == other?.stats["tx"])
    #expect(listener.stats?.bytesIn == other?.stats["rx"])
    #expect(listener.stats?.connections == other?.stats["conns"])
    #expect(listener.stats?.totalConnections == other?.stats["totconns"])
    #expect(listener.stats?.requestErrors == other?.stats["ereq"])
  }
  let nested = expected.listeners.values.flatMap { ($0.pools ?? [:]).map { $0 } }
  let expectedPools = (expected.pools ?? [:]).map { $0 } + nested
  #expect(message.pools?.count == expectedPools.count)
  for (key, other) in expectedPools {
    let pool = message.pools?.first { $0.key == key }
    #expect(pool?.status == other.status)
    #expect(pool.map { Dictionary($0.members.map { ($0.id, $0.status) }, uniquingKeysWith: { $1 }) } == other.members)
  }
}

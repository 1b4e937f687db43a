import AmphoraCrypto
import Testing

@Suite struct DigestTests {
  @Test func `known digests`() {
    #expect(Digest.hex(Digest.md5([])) == "d41d8cd98f00b204e9800998ecf8427e")
    #expect(Digest.hex(Digest.sha1("abc".utf8)) == "a9993e364706816aba3e25717850c26c9cd0d89d")
    #expect(Digest.hex(Digest.sha256("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }

  // RFC 4231 §4.3, §4.7 (a key longer than the block), and the empty key.
  @Test func `known codes`() {
    #expect(
      Digest.hex(Digest.hmacSHA256(key: "Jefe".utf8, "what do ya want for nothing?".utf8))
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    #expect(
      Digest.hex(
        Digest.hmacSHA256(
          key: [UInt8](repeating: 0xAA, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First".utf8))
        == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    #expect(
      Digest.hex(Digest.hmacSHA256(key: [], [])) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
  }

  @Test func `comparison sees length and content`() {
    #expect(Digest.constantTimeEqual([1, 2], [1, 2]))
    #expect(Digest.constantTimeEqual([], []))
    #expect(!Digest.constantTimeEqual([1, 2], [1, 3]))
    #expect(!Digest.constantTimeEqual([1, 2], [1]))
  }

  // The value of contract agent-api §3.4.
  @Test func `the peer name of an amphora`() {
    #expect(PeerName.of(amphoraID: "amp-1") == "nb4_5hKf-EYlJ2pGnOD7IGY2jng")
  }

  @Test func `peer names never begin with a dash or hold foreign characters`() {
    for number in 0..<500 {
      let name = PeerName.of(amphoraID: "amphora-\(number)")
      #expect(name.utf8.count == 27)
      #expect(name.first != "-")
      #expect(name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") })
    }
  }
}

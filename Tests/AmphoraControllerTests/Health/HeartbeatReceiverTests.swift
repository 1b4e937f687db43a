import AmphoraController
import AmphoraProtocol
import Glibc
import Testing

@Suite struct HeartbeatReceiverTests {
  static let key = HeartbeatKey("insecure")

  private func heartbeat(_ sequence: Int, key: HeartbeatKey = key) throws -> [UInt8] {
    try HeartbeatEnvelope.seal(HeartbeatMessage(id: "amp", sequence: sequence), key: key)
  }

  /// Waits until the counters say what is expected, 60 s at most.
  private func wait(_ receiver: HeartbeatReceiver, until isDone: (HeartbeatReceiver.Counters) -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while !isDone(receiver.counters) {
      try #require(ContinuousClock.now < deadline, "\(receiver.counters)")
      await Task.yield()
    }
  }

  @Test(arguments: [("127.0.0.1", false, "127.0.0.1:"), ("::1", true, "[::1]:")])
  func `a heartbeat comes out with its source and time`(address: String, isIPv6: Bool, source: String) async throws {
    let receiver = try await HeartbeatReceiver.bind(address: address, port: 0, keys: [Self.key])
    let before = Double(time(nil))
    try DatagramSender(port: receiver.port, isIPv6: isIPv6).send(heartbeat(7))
    var iterator = receiver.heartbeats.makeAsyncIterator()
    let received = try #require(await iterator.next())
    #expect(received.message == HeartbeatMessage(id: "amp", sequence: 7))
    #expect(received.source.hasPrefix(source))
    // time(2) may be a tick behind the clock that packets are stamped with.
    #expect(received.receivedAt >= before && received.receivedAt <= Double(time(nil)) + 2)
    #expect(received.receivedInstant <= .now)
    try await receiver.close()
    #expect(await iterator.next() == nil)
    try await receiver.close()
  }

  @Test func `heartbeats keep the order of arrival`() async throws {
    let receiver = try await HeartbeatReceiver.bind(address: "127.0.0.1", port: 0, keys: [Self.key])
    let sender = try DatagramSender(port: receiver.port)
    for sequence in 0..<50 { try sender.send(heartbeat(sequence)) }
    var seen: [Int?] = []
    var instants: [ContinuousClock.Instant] = []
    for await received in receiver.heartbeats {
      seen.append(received.message.sequence)
      instants.append(received.receivedInstant)
      if seen.count == 50 { break }
    }
    #expect(seen == Array(0..<50))
    #expect(Set(instants).count == 50, "read together, but not come together")
    try await receiver.close()
  }

  @Test func `bad datagrams are counted by reason and do not stop the receiver`() async throws {
    let (reasons, continuation) = AsyncStream.makeStream(of: (HeartbeatRejection, String).self)
    let receiver = try await HeartbeatReceiver.bind(
      address: "127.0.0.1", port: 0, keys: [Self.key], onRejection: { continuation.yield(($0, $1)) })
    let sender = try DatagramSender(port: receiver.port)
    try sender.send([])
    try sender.send([1, 2, 3])
    try sender.send([UInt8](repeating: 0, count: 100))
    try sender.send(heartbeat(1, key: HeartbeatKey("wrong")))
    try sender.send(HeartbeatEnvelope.seal(Array("[]".utf8), key: Self.key))
    try sender.send(HeartbeatEnvelope.seal(Array("{}".utf8), key: Self.key))
    try sender.send(heartbeat(2))
    try await wait(receiver) { $0.accepted == 1 }
    #expect(
      receiver.counters.rejected == ["too-short": 2, "digest-mismatch": 2, "not-an-object": 1, "malformed": 1])
    #expect(receiver.counters.overrun == 0)
    var iterator = receiver.heartbeats.makeAsyncIterator()
    #expect(await iterator.next()?.message.sequence == 2)
    try await receiver.close()
    continuation.finish()
    var kinds: [String] = []
    for await (reason, source) in reasons {
      kinds.append(reason.kind)
      #expect(source.hasPrefix("127.0.0.1:"))
    }
    #expect(kinds == ["too-short", "too-short", "digest-mismatch", "digest-mismatch", "not-an-object", "malformed"])
  }

  @Test func `several keys are believed, and they can be replaced`() async throws {
    let (old, new) = (HeartbeatKey("old"), HeartbeatKey("new"))
    let receiver = try await HeartbeatReceiver.bind(address: "127.0.0.1", port: 0, keys: [new, old])
    let sender = try DatagramSender(port: receiver.port)
    try sender.send(heartbeat(1, key: old))
    try sender.send(heartbeat(2, key: new))
    try await wait(receiver) { $0.accepted == 2 }
    receiver.setKeys([new])
    try sender.send(heartbeat(3, key: old))
    try sender.send(heartbeat(4, key: new))
    try await wait(receiver) { $0.accepted == 3 }
    #expect(receiver.counters.rejected == ["digest-mismatch": 1])
    try await receiver.close()
  }

  @Test func `the largest datagram of IPv4 comes through whole`() async throws {
    let receiver = try await HeartbeatReceiver.bind(
      address: "127.0.0.1", port: 0, keys: [Self.key], socketBufferBytes: 1 << 20)
    var state: UInt64 = 1
    func id() -> String {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return String(state, radix: 16)
    }
    // Random ids hardly compress; grow until just below the limit.
    var message = HeartbeatMessage(id: "amp", sequence: 1, pools: [.init(key: "p", status: "UP", members: [])])
    var datagram: [UInt8] = []
    while true {
      var larger = message
      for _ in 0..<300 { larger.pools?[0].members.append(.init(id: id(), status: "UP")) }
      let sealed = try HeartbeatEnvelope.seal(larger, key: Self.key)
      guard sealed.count <= HeartbeatEnvelope.maximumPayloadIPv4 else { break }
      message = larger
      datagram = sealed
    }
    #expect(datagram.count > 55_000)
    try DatagramSender(port: receiver.port).send(datagram)
    var iterator = receiver.heartbeats.makeAsyncIterator()
    #expect(await iterator.next()?.message == message)
    try await receiver.close()
  }

  @Test func `a slow consumer loses the oldest, and that is counted`() async throws {
    let receiver = try await HeartbeatReceiver.bind(
      address: "127.0.0.1", port: 0, keys: [Self.key], maximumWaiting: 2)
    let sender = try DatagramSender(port: receiver.port)
    for sequence in 0..<5 {
      try sender.send(heartbeat(sequence))
      try await wait(receiver) { $0.accepted == sequence + 1 }
    }
    #expect(receiver.counters.overrun == 3)
    var iterator = receiver.heartbeats.makeAsyncIterator()
    #expect(await iterator.next()?.message.sequence == 3)
    #expect(await iterator.next()?.message.sequence == 4)
    try await receiver.close()
  }

  @Test func `a port that is taken is an error`() async throws {
    let receiver = try await HeartbeatReceiver.bind(address: "127.0.0.1", port: 0, keys: [])
    await #expect(throws: (any Error).self) {
      try await HeartbeatReceiver.bind(address: "127.0.0.1", port: receiver.port, keys: [])
    }
    try await receiver.close()
  }
}

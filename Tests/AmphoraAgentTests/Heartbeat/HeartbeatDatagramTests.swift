// The size policy of contract heartbeat-and-config §2.9.

import AmphoraProtocol
import Testing

@testable import AmphoraAgent

@Suite struct `Heartbeat datagram` {
  private let key = HeartbeatKey("insecure")

  /// Ids that do not compress.
  static func id(_ noise: inout ConfigurationNoise) -> String {
    let digits = (0..<2).map { _ in
      let text = String(noise.next(), radix: 16)
      return String(repeating: "0", count: 16 - text.count) + text
    }.joined()
    let d = Array(digits)
    return [d[0..<8], d[8..<12], d[12..<16], d[16..<20], d[20..<32]].map { String($0) }.joined(separator: "-")
  }

  /// A message of pools that are shared by the given number of listeners.
  static func message(pools: Int, members: Int, sharedBy listeners: Int = 1) -> HeartbeatMessage {
    var noise = ConfigurationNoise(state: 5)
    let listenerIDs = (0..<listeners).map { _ in id(&noise) }
    var message = HeartbeatMessage(id: id(&noise), sequence: 1)
    message.listeners = listenerIDs.map { HeartbeatMessage.Listener(id: $0, status: "OPEN", stats: .init()) }
    var entries: [HeartbeatMessage.Pool] = []
    for _ in 0..<pools {
      let pool = id(&noise)
      let ids = (0..<members).map { _ in id(&noise) }
      for listener in listenerIDs {
        entries.append(
          .init(key: "\(pool):\(listener)", status: "UP", members: ids.map { .init(id: $0, status: "UP") }))
      }
    }
    message.pools = entries
    return message
  }

  /// Off the cooperative pool: for large messages this takes its time.
  private func seal(_ message: @autoclosure @escaping @Sendable () -> HeartbeatMessage) async throws
    -> HeartbeatDatagram?
  {
    try await HeartbeatLab.offPool { [key] in try HeartbeatDatagram.seal(message(), key: key) }
  }

  private func open(_ datagram: HeartbeatDatagram) throws -> HeartbeatMessage {
    try HeartbeatEnvelope.openMessage(datagram.bytes, keys: [key])
  }

  @Test func `an ordinary message is sent whole`() async throws {
    let message = Self.message(pools: 5, members: 10)
    let datagram = try #require(try await seal(message))
    #expect(datagram.form == .complete)
    #expect(try open(datagram) == message)
  }

  @Test func `at no size does a message exceed a datagram, and each form is used in its turn`() async throws {
    var forms: [HeartbeatDatagram.Form] = []
    for members in stride(from: 2500, through: 3100, by: 100) {
      let datagram = try #require(try await seal(Self.message(pools: 1, members: members)))
      #expect(datagram.bytes.count <= 65_507)
      forms.append(datagram.form)
    }
    #expect(forms.first == .complete)
    #expect(forms.last == .withoutPools)
  }

  @Test func `pools shared by listeners are written once when that makes them fit`() async throws {
    let message = Self.message(pools: 1, members: 2000, sharedBy: 6)
    let datagram = try #require(try await seal(message))
    #expect(datagram.form == .sharedPoolsMerged)
    let opened = try open(datagram)
    #expect(opened.listeners == message.listeners)
    #expect(opened.pools?.count == 1)
    #expect(opened.pools?.first == message.pools?.first)
  }

  @Test func `beyond the limit the pools are left out and the listeners stay`() async throws {
    let message = Self.message(pools: 40, members: 100)
    let datagram = try #require(try await seal(message))
    #expect(datagram.form == .withoutPools)
    let opened = try open(datagram)
    #expect(opened.pools == nil)
    #expect(opened.listeners == message.listeners)
    #expect(opened.sequence == 1)
  }

  @Test func `when not even the listeners fit there is no datagram`() async throws {
    let datagram = try await seal(Self.message(pools: 0, members: 0, sharedBy: 4000))
    #expect(datagram == nil)
  }

  @Test func `where listeners see a shared pool differently the worse state counts`() {
    let merged = HeartbeatDatagram.merged([
      .init(
        key: "P:L1", status: "UP",
        members: [.init(id: "a", status: "UP"), .init(id: "b", status: "DOWN"), .init(id: "c", status: "no check")]),
      .init(key: "Q:L1", status: "UP", members: []),
      .init(
        key: "P:L2", status: "DOWN",
        members: [.init(id: "a", status: "DOWN 1/2"), .init(id: "b", status: "UP"), .init(id: "d", status: "MAINT")]),
      .init(key: "P:L3", status: "UP", members: [.init(id: "c", status: "UP"), .init(id: "d", status: "DRAIN")]),
    ])
    #expect(
      merged == [
        .init(
          key: "P:L1", status: "DOWN",
          members: [
            .init(id: "a", status: "DOWN 1/2"), .init(id: "b", status: "DOWN"), .init(id: "c", status: "no check"),
            .init(id: "d", status: "MAINT"),
          ]),
        .init(key: "Q:L1", status: "UP", members: []),
      ])
  }
}

// What a heartbeat costs the controller, and what it costs upstream's health manager.

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Files
import FoundationEssentials
import Glibc
import TestSupport

/// Rate, loss and memory of the health monitor.
struct ReceiverFigures {
  /// The python that has upstream's code.
  let python: String

  private static let key = HeartbeatKey("bench heartbeat key")
  private static let keyText = "bench heartbeat key"
  private static let amphorae = 100_000
  /// Heartbeats of each amphora.
  private static let rounds = 3
  /// Heartbeats a second: what one core must take (issue: ≥ 50,000).
  private static let rate = 50_000

  func measure(into table: inout FigureTable) async throws {
    Priority.raise()
    let datagrams = try (0..<Self.rounds).map { round in
      try (0..<Self.amphorae).map { try BenchAmphora(number: $0).datagram(sequence: round, key: Self.key) }
    }
    let before = Self.anonymousMegabytes()
    var configuration = AmphoraHealthMonitor.Configuration()
    // Everybody else's work on this machine must not cost heartbeats here.
    configuration.socketBufferBytes = 64 << 20
    let monitor = try await AmphoraHealthMonitor.listen(
      on: "127.0.0.1", port: 0, keys: [Self.key], configuration: configuration)
    for number in 0..<Self.amphorae {
      let amphora = BenchAmphora(number: number)
      if let id = AmphoraID(amphora.id) { monitor.expect(amphora.view, amphorae: [id]) }
    }
    let start = ContinuousClock.now
    for round in datagrams { try await PacedSender.send(round, to: monitor.port, perSecond: Self.rate) }
    let sent = Self.amphorae * Self.rounds
    // Where the kernel dropped the last ones nothing says so, and the figure of the lost does.
    try? await poll("all heartbeats", within: .seconds(10)) {
      let counters = monitor.counters
      return counters.accepted + counters.droppedByKernel + counters.rejected.values.reduce(0, +) >= sent
    }
    let seconds = (ContinuousClock.now - start).milliseconds / 1000
    let counters = monitor.counters
    let microseconds = counters.cpuTime.milliseconds * 1000 / Double(max(1, counters.accepted))
    let upstream = try await upstreamRate(datagrams[0][0])
    let opening = try openingRate(datagrams[0][0])

    table.add(
      "heartbeats opened per second, as unwrap_envelope", rate: opening, "", atLeast: upstream ?? Double(Self.rate),
      upstream: upstream)
    table.add(
      "… received and judged per second of one core", rate: 1_000_000 / microseconds, "", atLeast: Double(Self.rate))
    table.add("processor time per heartbeat", microseconds, "µs", budget: 20)
    let lost = monitor.amphorae.reduce(sent) { $0 - $1.heartbeats }
    table.add("lost of \(sent) at \(Int(Double(sent) / seconds / 1000)),000/s", Double(lost), "", budget: 0)
    table.add(
      "state of \(Self.amphorae) amphorae", Self.anonymousMegabytes() - before, "MB", budget: 400)
    await monitor.close()
    if upstream == nil { print("upstream's unwrap_envelope: not measured: run make interop once") }
  }

  /// How many datagrams a second are verified and decoded, as upstream's `unwrap_envelope` does it: the best of some
  /// repetitions, as there.
  private func openingRate(_ datagram: [UInt8]) throws -> Double {
    let opener = try HeartbeatOpener(keys: [Self.key])
    let count = 5000
    var best = Double.infinity
    for _ in 0..<20 {
      let start = ContinuousClock.now
      for _ in 0..<count { _ = try datagram.withUnsafeBytes { try opener.message(in: $0) } }
      best = min(best, (ContinuousClock.now - start).milliseconds / 1000)
    }
    return Double(count) / best
  }

  /// How many datagrams a second upstream's code verifies and decodes, in the same run on the same datagram.
  private func upstreamRate(_ datagram: [UInt8]) async throws -> Double? {
    guard access(python, X_OK) == 0 else { return nil }
    let program = """
      import sys, timeit
      from octavia.amphorae.backends.health_daemon import status_message
      data, key, count = bytes.fromhex(sys.argv[1]), sys.argv[2], 5000
      times = timeit.repeat(lambda: status_message.unwrap_envelope(data, key), number=count, repeat=5)
      print(count / min(times))
      """
    let hex = datagram.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    let result = try await Command.run(python, ["-c", program, hex, Self.keyText], timeout: .seconds(120))
    guard result.isSuccess, let line = result.output.split(separator: "\n").last else { return nil }
    return Double(line)
  }

  private static func anonymousMegabytes() -> Double {
    let text = FileRead.text("/proc/self/smaps_rollup") ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("Anonymous:") } ?? ""
    return (line.split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0) / 1000
  }
}

/// A small amphora: one listener, one pool, two members.
private struct BenchAmphora {
  let number: Int

  var id: String { uuid("aaaaaaaa") }

  private func uuid(_ kind: String) -> String {
    // Spread out, as random ids are: ids that differ in their end only compress too well.
    let mixed = UInt64(number + 1) &* 0x9E37_79B9_7F4A_7C15
    let digits = String(mixed, radix: 16)
    let text = String(repeating: "0", count: 16 - digits.count) + digits
    return
      "\(kind)-\(text.prefix(4))-4\(text.dropFirst(4).prefix(3))-8\(text.dropFirst(7).prefix(3))-\(text.suffix(12))"
  }

  var view: LoadBalancerView {
    LoadBalancerView(
      id: uuid("bbbbbbbb"), listeners: [.init(id: uuid("cccccccc"))],
      pools: [.init(id: uuid("dddddddd"), members: [.init(id: uuid("eeeeeee1")), .init(id: uuid("eeeeeee2"))])])
  }

  func datagram(sequence: Int, key: HeartbeatKey) throws -> [UInt8] {
    let stats = HeartbeatMessage.Stats(
      bytesOut: 48213 + sequence, bytesIn: 6120, connections: 3, totalConnections: 41, requestErrors: 1)
    let view = view
    let message = HeartbeatMessage(
      id: id, sequence: sequence, listeners: [.init(id: view.listeners[0].id, status: "OPEN", stats: stats)],
      pools: [
        .init(
          key: "\(view.pools[0].id):\(view.listeners[0].id)", status: "UP",
          members: [
            .init(id: view.pools[0].members[0].id, status: "UP"),
            .init(id: view.pools[0].members[1].id, status: sequence % 2 == 0 ? "UP" : "DOWN"),
          ])
      ])
    return try HeartbeatEnvelope.seal(message, key: key)
  }
}

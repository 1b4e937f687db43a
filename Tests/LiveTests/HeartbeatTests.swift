// Heartbeats of a real agent, as a controller's receiver hears them (contract heartbeat-and-config §2).

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(2))) struct HeartbeatTests {
  private func settings(_ watches: HeartbeatWatch...) -> LabAmphora.Settings {
    var settings = LabAmphora.Settings()
    settings.controllers = watches.map(\.destination).joined(separator: ", ")
    return settings
  }

  @Test func `the first heartbeat comes at once, and the sequence goes up by one`() async throws {
    let watch = try await HeartbeatWatch()
    try await withAmphora(settings(watch)) { amphora in
      try await poll("five heartbeats") { watch.received.count >= 5 }
      let messages = watch.received.map(\.message)
      #expect(messages.map(\.sequence) == (0..<messages.count).map { $0 })
      for message in messages {
        #expect(message.id == amphora.id.text)
        #expect(message.version == 3)
        #expect(message.listeners == [] && message.pools == [] && message.defects == [])
      }
      #expect(watch.receiver.counters.rejected == [:])
      #expect(watch.received.allSatisfy { $0.source.hasPrefix("\(amphora.vm.managementAddress):") })
    }
    try await watch.receiver.close()
  }

  @Test func `members, pools and listeners are told as they are`() async throws {
    let watch = try await HeartbeatWatch()
    try await withStage(settings(watch)) { stage in
      try await stage.deploy()
      let up = try await watch.next("both members up") { $0.memberStates == ["UP", "UP"] }
      #expect(up.listeners.map(\.id) == [stage.balancer.listener])
      #expect(up.listeners.map(\.status) == ["OPEN"])
      #expect(up.pools?.map(\.key) == ["\(stage.balancer.pool):\(stage.balancer.listener)"])
      #expect(up.pools?.map(\.status) == ["UP"])
      #expect(Set(up.pools?.flatMap(\.members).map(\.id) ?? []) == Set(stage.balancer.members.map(\.id)))
      stage.members[0].stop()
      let down = try await watch.next("a member down") { $0.memberStates.contains { $0.hasPrefix("DOWN") } }
      #expect(down.pools?.map(\.status) == ["UP"])
      stage.members[1].stop()
      let dead = try await watch.next("the pool down") { $0.pools?.map(\.status) == ["DOWN"] }
      #expect(dead.listeners.map(\.status) == ["OPEN"], "a listener without members still accepts")
      for member in stage.members { try member.start() }
      _ = try await watch.next("both members up again") { $0.memberStates == ["UP", "UP"] }
      try await stage.amphora.client.control(stage.object, .stop)
      _ = try await watch.next("no haproxy") { $0.listeners.isEmpty && $0.pools == [] }
    }
    try await watch.receiver.close()
  }

  @Test func `a listener for metrics is reported, the exporter behind it is not`() async throws {
    let watch = try await HeartbeatWatch()
    try await withStage(settings(watch)) { stage in
      stage.balancer.prometheusPort = 8088
      try await stage.deploy()
      let listeners = Set([stage.balancer.listener, stage.balancer.prometheusListener])
      let message = try await watch.next("both listeners") { $0.listeners.count >= 2 }
      #expect(Set(message.listeners.map(\.id)) == listeners && message.listeners.count == 2)
      #expect(message.listeners.map(\.status) == ["OPEN", "OPEN"])
      #expect(message.pools?.map(\.key) == ["\(stage.balancer.pool):\(stage.balancer.listener)"])
      #expect(Set(try await stage.amphora.client.listListeners().map(\.uuid)) == listeners)
      // haproxy itself has them.
      let exporter = try await stage.amphora.run(
        "/sbin/ip netns exec amphora-haproxy /usr/bin/curl -s http://127.0.0.1:9101/metrics")
      #expect(exporter.output.contains("prometheus-exporter-internal-endpoint"))
    }
    try await watch.receiver.close()
  }

  @Test func `counters are increments, and none is counted twice or lost over a restart of the agent`() async throws {
    let watch = try await HeartbeatWatch()
    try await withStage(settings(watch)) { stage in
      try await stage.deploy()
      try await stage.waitForTraffic()
      let settled = try await watch.next("settled")
      func total() -> Int {
        watch.received.map(\.message).flatMap(\.listeners).compactMap(\.stats).map(\.totalConnections).reduce(0, +)
      }
      _ = settled
      let before = try await poll("a total that stays") {
        let now = total()
        _ = try await watch.next("another")
        return total() == now ? now : nil
      }
      for _ in 1...7 { #expect(try await stage.get().status == 200) }
      try await poll("seven connections") { total() == before + 7 }
      try await stage.amphora.crashAgent()
      for _ in 1...5 { #expect(try await stage.get().status == 200) }
      try await stage.amphora.startAgent()
      try await poll("five more") { total() == before + 12 }
      _ = try await watch.next("another")
      #expect(total() == before + 12)
      let stats = watch.received.map(\.message).flatMap(\.listeners).compactMap(\.stats)
      #expect(stats.map(\.bytesOut).reduce(0, +) > 14 * 70, "some 80 bytes each, as haproxy counts")
      #expect(stats.allSatisfy { $0.bytesIn >= 0 && $0.bytesOut >= 0 && $0.connections >= 0 && $0.requestErrors >= 0 })
      #expect(stage.amphora.mode("/var/lib/octavia/stats_counters.json") == "640")
    }
    try await watch.receiver.close()
  }

  @Test func `controllers are served in turn, over IPv4 and IPv6`() async throws {
    let (first, second) = try await (HeartbeatWatch(), HeartbeatWatch("fd00::1"))
    try await withAmphora(settings(first, second)) { _ in
      try await poll("three heartbeats each") { first.received.count >= 3 && second.received.count >= 3 }
      let numbers = [first, second].map { $0.received.prefix(3).compactMap(\.message.sequence) }
      #expect(numbers.map { $0.map { $0 % 2 } }.map { Set($0).count } == [1, 1], "\(numbers)")
      #expect((numbers[0] + numbers[1]).sorted() == Array(0..<6), "\(numbers)")
    }
    for watch in [first, second] { try await watch.receiver.close() }
  }

  @Test func `a haproxy that does not answer delays no heartbeat and is left out`() async throws {
    let watch = try await HeartbeatWatch()
    try await withStage(settings(watch)) { stage in
      try await stage.deploy()
      _ = try await watch.next("listeners") { !$0.listeners.isEmpty }
      let workers = try await stage.amphora.processes("haproxy")
      for pid in workers { try await stage.amphora.kill(pid, "STOP") }
      _ = try await watch.next("without the listener") { $0.listeners.isEmpty }
      let start = watch.received.count
      try await poll("heartbeats while the socket is silent") { watch.received.count >= start + 4 }
      let times = watch.received.suffix(5).map(\.receivedInstant)
      for (earlier, later) in zip(times, times.dropFirst()) {
        #expect(later - earlier < .milliseconds(2000), "the interval is one second")
      }
      // The API does not wait for it either.
      let asked = ContinuousClock.now
      #expect(try await stage.amphora.client.discover() == "1.0")
      #expect(try await stage.amphora.client.details().haproxyCount == 1)
      #expect(ContinuousClock.now - asked < .seconds(5))
      for pid in workers { try await stage.amphora.kill(pid, "CONT") }
      _ = try await watch.next("listeners again") { !$0.listeners.isEmpty }
    }
    try await watch.receiver.close()
  }

  @Test func `with keepalived set up but dead there is silence`() async throws {
    let watch = try await HeartbeatWatch()
    var settings = settings(watch)
    settings.topology = "ACTIVE_STANDBY"
    try await withAmphora(settings) { amphora in
      try await VRRPTests.plug(amphora)
      _ = try await watch.next("one before VRRP")
      var balancer = LabLoadBalancer(amphora: amphora.id.text, vip: LiveStage.vip, members: [])
      balancer.pair = [.init(id: amphora.id.text, vrrpIP: "203.0.113.4", priority: 100)]
      try await amphora.client.uploadVRRP(balancer.keepalivedConfiguration())
      // One may have been on its way.
      try? await poll("the last one", within: .milliseconds(300)) { false }
      try await watch.expectSilence()
      try await amphora.client.controlVRRP(.start)
      _ = try await watch.next("with keepalived")
      try await amphora.client.controlVRRP(.stop)
      try? await poll("the last one", within: .milliseconds(300)) { false }
      try await watch.expectSilence()
    }
    try await watch.receiver.close()
  }
}

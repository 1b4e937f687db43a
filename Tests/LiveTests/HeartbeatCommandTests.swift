// `amphora-agent heartbeat` beside a real agent: what it shows is what the agent sends, and what it sends is taken.

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Glibc
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(2))) struct HeartbeatCommandTests {
  private static let state = "/var/lib/octavia/stats_counters.json"

  /// The file's content, inode and time of change.
  private func stamp(_ amphora: LiveAmphora) throws -> String {
    var status = stat()
    try #require(stat(amphora.vm.outside(Self.state), &status) == 0)
    let text = try #require(amphora.text(Self.state))
    return "\(text) \(status.st_ino) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
  }

  @Test func `the agent sends what was shown, and one heartbeat more changes nothing`() async throws {
    let watch = try await HeartbeatWatch()
    var settings = LabAmphora.Settings()
    settings.controllers = watch.destination
    try await withStage(settings) { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      try await stage.waitForTraffic()
      _ = try await watch.next("both members up") { $0.memberStates == ["UP", "UP"] }
      try await amphora.crashAgent()
      for _ in 1...5 { #expect(try await stage.get().status == 200) }
      let before = try stamp(amphora)

      let seen = watch.received.count
      let once = try await amphora.run("\(amphora.vm.agent) heartbeat --once")
      #expect(once.status == 0 && once.output.hasPrefix("\(watch.destination): sent, "), "\(once.output)")
      let single = try await poll("the one by hand") {
        watch.received.dropFirst(seen).map(\.message).first { $0.sequence == nil }
      }
      #expect(single.listeners.map(\.stats) == [HeartbeatMessage.Stats()])
      #expect(single.memberStates == ["UP", "UP"] && single.defects == [])

      let shown = try await amphora.run("\(amphora.vm.agent) heartbeat")
      #expect(shown.status == 0 && shown.output.contains("To        \(watch.destination)\n"), "\(shown.output)")
      let json = try #require(shown.output.firstRange(of: "\n{").map { shown.output[$0.lowerBound...] })
      let message = try HeartbeatMessage(json: Array(json.utf8))
      #expect(message.listeners.map(\.stats).map { $0?.totalConnections ?? 0 }.reduce(0, +) >= 5)
      #expect(!shown.output.contains("lab heartbeat key"))
      #expect(try stamp(amphora) == before)

      let count = watch.received.count
      try await amphora.startAgent()
      let first = try await poll("the agent's first") { watch.received.dropFirst(count).first }
      #expect(first.message == message)
      #expect(watch.receiver.counters.rejected == [:])
    }
    try await watch.receiver.close()
  }

  @Test func `config check and show tell what the file says`() async throws {
    try await withAmphora(starts: false) { amphora in
      let check = try await amphora.run("\(amphora.vm.agent) config check")
      #expect(
        check.status == 0 && check.output == "/etc/octavia/amphora-agent.conf: complete and valid\n", "\(check.output)")
      let show = try await amphora.run("\(amphora.vm.agent) config show")
      #expect(show.status == 0 && show.output.contains("\nline 18      heartbeat_key = (set)\n"), "\(show.output)")
      #expect(!show.output.contains("lab heartbeat key"))
      try await amphora.configure((of: "bind_port = 9443", with: "bind_port = 94430"))
      let bad = try await amphora.run("\(amphora.vm.agent) config check")
      #expect(
        bad.status == 2 && bad.output.contains("amphora-agent.conf:10: [haproxy_amphora] bind_port"), "\(bad.output)")
      #expect(try await amphora.run("\(amphora.vm.agent) config show").status == 2)
      #expect(try await amphora.run("\(amphora.vm.agent) heartbeat").status == 2)
    }
  }
}

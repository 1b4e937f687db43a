// Datagrams through a VIP, where the kernel has a load balancer: the machine that boots the image has, others may not.

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Files
import Glibc
import Netlink
import Testing
import TestSupport

@Suite(
  .live, .enabled(if: FileRead.exists("/proc/net/ip_vs"), "needs the kernel's load balancer (modprobe ip_vs)"),
  .timeLimit(.minutes(10)))
struct LVSTrafficTests {
  /// Checked over TCP, where the stage's members can be stopped.
  private func server(_ member: LabLoadBalancer.Member) -> String {
    """
        delay_loop 1
        delay_before_retry 1
        retry 1
        # Configuration for Member \(member.id)
        real_server \(member.address) 5300 {
            weight 1
            TCP_CHECK {
                connect_ip \(member.address)
                connect_port \(member.port)
                connect_timeout 1
            }
        }

    """
  }

  /// Sends a datagram to the VIP from a port of its own; what comes back.
  private func ask(_ stage: LiveStage) async throws -> String {
    let port = "/dev/udp/\(LiveStage.vip)/5353"
    // One read takes one datagram; bash's own reads byte by byte and loses the rest.
    let script = "exec 3<>\(port); echo hello >&3; timeout 15 dd bs=100 count=1 status=none <&3"
    return try await Command.run(
      "/sbin/ip", ["netns", "exec", stage.client.name, "/bin/bash", "-c", script]
    ).output
  }

  @Test func `datagrams reach both members, are counted once, and pass by a member whose check fails`() async throws {
    let watch = try await HeartbeatWatch()
    var settings = LabAmphora.Settings()
    settings.controllers = watch.destination
    try await withStage(settings) { stage in
      let answering = try (1...2).map { member in
        try ChildProcess(
          [
            "/sbin/ip", "netns", "exec", "member-\(stage.amphora.number)-\(member)", "/usr/bin/socat",
            "UDP4-RECVFROM:5300,fork", "SYSTEM:echo member-\(member)",
          ], output: "/dev/null")
      }
      defer { for process in answering { kill(-process.pid, SIGKILL) } }
      let listener = LVSListener(amphora: stage.amphora)
      let text = listener.configuration(servers: stage.balancer.members.map(server).joined())
      #expect(try await listener.upload(text).status == 200)
      #expect(try await listener.control("reload").status == 202)
      #expect(try await listener.listed() == "ACTIVE UDP")
      let up = try await watch.next("both members up") { $0.memberStates == ["MAINT", "MAINT", "UP", "UP"] }
      #expect(up.pools?.map(\.status) == ["UP"])

      let count = 12
      var answers: [String: Int] = [:]
      for _ in 1...count { answers[try await ask(stage), default: 0] += 1 }
      #expect(answers.keys.sorted() == ["member-1\n", "member-2\n"], "\(answers)")
      func total(_ part: (HeartbeatMessage.Stats) -> Int) -> Int {
        watch.received.flatMap(\.message.listeners).compactMap(\.stats).reduce(0) { $0 + part($1) }
      }
      try await poll("all of them in heartbeats") { total(\.totalConnections) == count }
      // A header of 20 and 8 bytes each, then `hello` and `member-1` with their newlines.
      #expect(total(\.bytesIn) == count * 34 && total(\.bytesOut) == count * 37)
      #expect(total(\.requestErrors) == 0)

      stage.members[0].stop()
      let down = try await watch.next("one member down") { $0.memberStates == ["DOWN", "MAINT", "MAINT", "UP"] }
      #expect(down.pools?.map(\.status) == ["UP"])
      for _ in 1...4 { #expect(try await ask(stage) == "member-2\n") }
      stage.members[1].stop()
      let dead = try await watch.next("no member up") { $0.memberStates == ["DOWN", "DOWN", "MAINT", "MAINT"] }
      #expect(dead.pools?.map(\.status) == ["DOWN"] && dead.listeners.map(\.status) == ["OPEN"])
      for member in stage.members { try member.start() }
      _ = try await watch.next("both members up again") { $0.memberStates == ["MAINT", "MAINT", "UP", "UP"] }

      // A restart empties the kernel's counters, and counts nothing twice; and nobody is told that the pool was down.
      let before = watch.received.count
      #expect(try await listener.control("reload").status == 202)
      _ = try await watch.next("both members up after the restart") {
        $0.memberStates == ["MAINT", "MAINT", "UP", "UP"]
      }
      let told = watch.received.dropFirst(before).flatMap { $0.message.pools ?? [] }.map(\.status)
      #expect(!told.contains("DOWN"))
      _ = try await ask(stage)
      try await poll("the last one in heartbeats") { total(\.totalConnections) == count + 5 }
      #expect(try await listener.control("stop").status == 202)
      _ = try await watch.next("silence about a listener that is stopped") { $0.listeners.isEmpty }
    }
    try await watch.receiver.close()
  }
}

// Heartbeats about a real haproxy: contract heartbeat-and-config §2.3, §2.5, §7 rows 2, 8, 12.

import AmphoraProtocol
import Files
import Glibc
import Logging
import Testing
import TestSupport

@testable import AmphoraAgent

@Suite(.enabled(if: LiveHAProxy.isInstalled, "needs /usr/sbin/haproxy"))
struct `Heartbeats of a live haproxy` {
  private static let listener = "a1b3f0c2-5d1e-4d57-8a0b-2f4f5a7c9d10"
  private static let other = "e0a4c6f8-1b2d-4e3f-8a5b-6c7d8e9f0a1b"
  private let folder: LabFolder
  private let receiver: HeartbeatReceiver
  private let log = LogRecord()

  init() throws {
    folder = try LabFolder()
    receiver = try HeartbeatReceiver()
  }

  private func sender(interval: Int = 1) throws -> HeartbeatSender {
    HeartbeatSender(
      configuration: try HeartbeatLab.configuration("127.0.0.1:\(receiver.port)", interval: interval),
      sources: [HAProxyHeartbeatSource(paths: folder.paths)], paths: folder.paths, watchPeriod: nil, random: { 0 },
      logger: log.logger)
  }

  /// The first message from now on that fits; reads those in the queue too.
  private func message(where fits: (HeartbeatMessage) -> Bool) async throws -> HeartbeatMessage {
    let deadline = ContinuousClock.now + .seconds(20)
    while ContinuousClock.now < deadline {
      let message = try await receiver.message()
      if fits(message) { return message }
    }
    throw LabFailure("no heartbeat fits", code: ETIMEDOUT)
  }

  private func connections(_ message: HeartbeatMessage) -> Int? {
    message.listeners.first { $0.id == Self.listener }?.stats?.totalConnections
  }

  @Test func `listeners, pools and members arrive`() async throws {
    let server = try UnixServer(folder.path + "/up.sock") { _ in Array("HTTP/1.0 200 OK\r\n\r\n".utf8) }
    let haproxy = LiveHAProxy(folder)
    let sections = `Statistics of a live haproxy`.sections(folder)
    try haproxy.configure(listeners: [Self.listener, Self.other], sections: sections)
    try await haproxy.start()
    try await HeartbeatLab.running(try sender()) {
      let message = try await message { message in
        message.pools?.first?.members.map(\.status) == ["UP", "DOWN", "MAINT", "DRAIN", "no check"]
      }
      #expect(message.listeners.map(\.id) == [Self.listener, Self.other])
      #expect(message.listeners.map(\.status) == ["OPEN", "OPEN"])
      #expect(message.pools?.map(\.key) == [`Statistics of a live haproxy`.pool, "empty-pool:\(Self.listener)"])
      #expect(message.version == 3)
      #expect(message.defects.isEmpty)
    }
    #expect(log.lines.filter { $0.level >= .error } == [])
    withExtendedLifetime(server) {}
  }

  /// The connections reported until there are `expected` of them, and by one more heartbeat: requests may fall on both
  /// sides of a heartbeat.
  private func reported(_ expected: Int) async throws -> Int {
    var sum = 0
    repeat { sum += connections(try await receiver.message()) ?? 0 } while sum < expected
    return sum + (connections(try await receiver.message()) ?? 0)
  }

  @Test(.timeLimit(.minutes(2)))
  func `every request is reported once, across reload, restart and kill of haproxy`() async throws {
    let haproxy = LiveHAProxy(folder)
    try haproxy.configure(listeners: [Self.listener])
    var master = try await haproxy.start()
    try await HeartbeatLab.running(try sender()) {
      try await haproxy.request(Self.listener, count: 2)
      let beforeReload = try await reported(2)
      #expect(beforeReload == 2)

      // The new process counts from 0; five is more than the two before, so only the process tells that it is new.
      try await haproxy.reload(master)
      try await haproxy.request(Self.listener, count: 5)
      let afterReload = try await reported(5)
      #expect(afterReload == 5)

      try await folder.stopOffPool(master)
      let silent = try await message { $0.listeners.isEmpty }
      #expect(silent.pools == [])
      master = try await haproxy.start()
      try await haproxy.request(Self.listener, count: 6)
      let afterRestart = try await reported(6)
      #expect(afterRestart == 6)

      kill(master, SIGKILL)
      try await folder.stopOffPool(master)
      _ = try await message { $0.listeners.isEmpty }
      master = try await haproxy.start()
      try await haproxy.request(Self.listener, count: 7)
      let afterKill = try await reported(7)
      #expect(afterKill == 7)
    }
  }

  @Test func `a restart of the agent reports nothing twice`() async throws {
    let haproxy = LiveHAProxy(folder)
    try haproxy.configure(listeners: [Self.listener])
    try await haproxy.start()
    try await haproxy.request(Self.listener, count: 3)
    try await HeartbeatLab.running(try sender(interval: 60)) {
      let message7 = try await receiver.message()
      #expect(connections(message7) == 3)
      let path = folder.path + "/stats_counters.json"
      try await poll("the file of counters", within: .seconds(10)) { FileRead.exists(path) }
    }
    try await haproxy.request(Self.listener, count: 4)
    try await HeartbeatLab.running(try sender(interval: 60)) {
      let message = try await receiver.message()
      #expect(connections(message) == 4)
      #expect(message.sequence == 0)
    }
  }

  @Test func `a removed listener leaves the counters' file`() async throws {
    let haproxy = LiveHAProxy(folder)
    try haproxy.configure(listeners: [Self.listener, Self.other])
    let master = try await haproxy.start()
    let path = folder.path + "/stats_counters.json"
    try await haproxy.request(Self.other, count: 1)
    try await HeartbeatLab.running(try sender()) {
      try await poll("the other listener's counters", within: .seconds(10)) {
        FileRead.text(path)?.contains(Self.other) == true
      }
      try haproxy.configure(listeners: [Self.listener])
      try await haproxy.reload(master)
      try await poll("the end of the other listener's counters", within: .seconds(10)) {
        FileRead.text(path)?.contains(Self.other) == false
      }
      #expect(FileRead.text(path)?.contains(Self.listener) == true)
    }
  }

  @Test func `a stats socket that never answers costs its listeners but not the heartbeat's time`() async throws {
    let haproxy = LiveHAProxy(folder, id: "bbbbbbbb-0000-4000-8000-000000000002")
    try haproxy.configure(listeners: [Self.listener])
    try await haproxy.start()
    // A second load balancer whose haproxy lives but does not answer; its id sorts first, so it is asked first.
    let stuck = "aaaaaaaa-0000-4000-8000-000000000001"
    folder.folder(stuck)
    try folder.write("\(stuck)/haproxy.cfg", "global\n stats socket \(folder.path)/\(stuck).sock\n")
    let pid = try folder.startSleeper(named: "haproxy")
    try folder.write("\(stuck)/\(stuck).pid", "\(pid)\n")
    let server = try UnixServer("\(folder.path)/\(stuck).sock")
    let sender = try sender()
    try await HeartbeatLab.running(sender) {
      var times: [ContinuousClock.Instant] = []
      for _ in 0..<7 {
        let (bytes, time) = try #require(try await receiver.receive())
        let message = try HeartbeatEnvelope.openMessage(bytes, keys: [HeartbeatKey("insecure")])
        #expect(message.listeners.map(\.id) == [Self.listener])
        times.append(time)
      }
      // Asking takes 0.4 s of each second; sleeping after work would make six intervals 8.4 s.
      let first = try #require(times.first)
      let last = try #require(times.last)
      #expect(last - first < .seconds(8.2))
    }
    #expect(sender.status.problems[stuck]?.contains("did not finish its answer") == true)
    #expect(sender.status.problems.count == 1)
    #expect(log.lines.count { $0.text.contains(stuck) && $0.level == .error } == 1)
    withExtendedLifetime(server) {}
  }

  @Test func `a pid file without a haproxy behind it is no running load balancer`() async throws {
    let haproxy = LiveHAProxy(folder)
    try haproxy.configure(listeners: [Self.listener])
    let source = HAProxyHeartbeatSource(paths: folder.paths)
    let impostor = try folder.startSleeper(named: "impostor")
    for text in ["", "\n", "\(impostor)\n", "4194304\n", "x\n"] {
      try folder.write("\(haproxy.id)/\(haproxy.id).pid", text)
      let report = try await HeartbeatLab.offPool { source.collect(within: .seconds(2)) }
      #expect(report.listeners.isEmpty && report.problems.isEmpty)
    }
    #expect(source.configuredListeners() == [Self.listener])
  }

  @Test func `a running haproxy without its socket is a problem and no listener`() async throws {
    let haproxy = LiveHAProxy(folder)
    try haproxy.configure(listeners: [Self.listener])
    try await haproxy.start()
    unlink("\(folder.path)/\(haproxy.id).sock")
    let source = HAProxyHeartbeatSource(paths: folder.paths)
    let report = try await HeartbeatLab.offPool { source.collect(within: .seconds(2)) }
    #expect(report.listeners.isEmpty)
    #expect(report.problems[haproxy.id]?.contains("No such file or directory") == true)
  }
}

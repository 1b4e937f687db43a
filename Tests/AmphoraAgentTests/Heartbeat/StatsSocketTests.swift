// The stats socket against servers that misbehave, and against a real haproxy.

import Files
import Glibc
import Testing
import TestSupport

@testable import AmphoraAgent

@Suite struct `Stats socket` {
  /// The error of a query and how long the query took, measured on its own thread.
  private func timedFailure(
    _ body: @escaping @Sendable () throws -> Void
  ) async throws -> (error: StatsSocketError?, took: Duration) {
    try await HeartbeatLab.offPool {
      let start = ContinuousClock.now
      do {
        try body()
        return (nil, .now - start)
      } catch let error as StatsSocketError { return (error, .now - start) }
    }
  }

  private func failure(_ body: @escaping @Sendable () throws -> Void) async throws -> StatsSocketError? {
    try await HeartbeatLab.offPool {
      do {
        try body()
        return nil
      } catch let error as StatsSocketError { return error }
    }
  }

  @Test func `an answer is read to its end and the command is one line`() async throws {
    let folder = try LabFolder()
    let server = try UnixServer(folder.path + "/s") { Array("[\($0)]".utf8) }
    let answer = try await HeartbeatLab.offPool { try StatsSocket(path: folder.path + "/s").query("show info") }
    #expect(String(decoding: answer, as: UTF8.self) == "[show info\n]")
    withExtendedLifetime(server) {}
  }

  @Test func `a server that never answers costs exactly the deadline`() async throws {
    let folder = try LabFolder()
    let server = try UnixServer(folder.path + "/s") { _ in nil }
    let (error, took) = try await timedFailure {
      _ = try StatsSocket(path: folder.path + "/s", timeout: .milliseconds(200)).showStat()
    }
    #expect(error == .timedOut(phase: "finish its answer", path: folder.path + "/s", after: .milliseconds(200)))
    #expect(took >= .milliseconds(200))
    #expect(took < .seconds(5))
    withExtendedLifetime(server) {}
  }

  @Test func `a server whose queue is full costs the deadline too`() async throws {
    let folder = try LabFolder()
    // Nobody accepts: with a backlog of 0 the kernel holds one connection and answers EAGAIN to the next.
    let server = try UnixServer(folder.path + "/s", backlog: 0)
    let path = folder.path + "/s"
    let errors = try await HeartbeatLab.offPool {
      (0..<3).map { _ -> StatsSocketError? in
        do throws(StatsSocketError) {
          _ = try StatsSocket(path: path, timeout: .milliseconds(100)).query("x")
          return nil
        } catch { return error }
      }
    }
    #expect(errors.allSatisfy { if case .timedOut = $0 { true } else { false } })
    withExtendedLifetime(server) {}
  }

  @Test func `a trickle of bytes does not outlive the deadline`() async throws {
    let folder = try LabFolder()
    let path = folder.path + "/s"
    // One byte each 20 ms, for ever: each read succeeds, the whole must not.
    let pid = try folder.start(
      "/usr/bin/socat", ["UNIX-LISTEN:\(path)", "SYSTEM:while true; do printf x; sleep 0.02; done"])
    try await poll("socat's socket", within: .seconds(10)) { FileRead.exists(path) }
    let (error, took) = try await timedFailure {
      _ = try StatsSocket(path: path, timeout: .milliseconds(300)).query("x")
    }
    if case .timedOut = error {} else { Issue.record("\(String(describing: error))") }
    #expect(took < .seconds(5))
    folder.stop(pid)
  }

  @Test func `errors say what failed`() async throws {
    let folder = try LabFolder()
    let none = folder.path + "/none"
    #expect(
      try await failure { _ = try StatsSocket(path: none).showInfo() }
        == .system(operation: "connect to", path: none, errno: ENOENT))
    try folder.write("file", "")
    let file = folder.path + "/file"
    #expect(
      try await failure { _ = try StatsSocket(path: file).showInfo() }
        == .system(operation: "connect to", path: file, errno: ECONNREFUSED))
    let long = "/" + String(repeating: "x", count: 107)
    #expect(try await failure { _ = try StatsSocket(path: long).showInfo() } == .pathTooLong(long))
    #expect(
      "\(StatsSocketError.system(operation: "connect to", path: "/p", errno: ENOENT))"
        == "cannot connect to stats socket /p: No such file or directory")
  }

  @Test func `an answer that is none of the command's is refused`() async throws {
    let folder = try LabFolder()
    let server = try UnixServer(folder.path + "/s") { _ in Array("Permission denied\n".utf8) }
    let socket = StatsSocket(path: folder.path + "/s")
    func isUnexpected(_ error: StatsSocketError?) -> Bool { if case .unexpectedAnswer = error { true } else { false } }
    #expect(isUnexpected(try await failure { _ = try socket.showStat() }))
    #expect(isUnexpected(try await failure { _ = try socket.showServersState() }))
    #expect(isUnexpected(try await failure { _ = try socket.showInfo() }))
    withExtendedLifetime(server) {}
  }

  @Test func `information is split at the first colon, blanks or not`() async throws {
    let folder = try LabFolder()
    let server = try UnixServer(folder.path + "/s") { _ in Array("Name: HAProxy\nPid:7\nNode:\nUrl: a:b \n\n".utf8) }
    let information = try await HeartbeatLab.offPool { try StatsSocket(path: folder.path + "/s").showInfo() }
    #expect(information == ["Name": "HAProxy", "Pid": "7", "Node": "", "Url": "a:b"])
    withExtendedLifetime(server) {}
  }
}

@Suite(.enabled(if: LiveHAProxy.isInstalled, "needs /usr/sbin/haproxy"))
struct `Statistics of a live haproxy` {
  static let listener = "a1b3f0c2-5d1e-4d57-8a0b-2f4f5a7c9d10"
  static let pool = "c7d1a6de-3b0e-4f0a-9f52-0c3f0d3b1a21:a1b3f0c2-5d1e-4d57-8a0b-2f4f5a7c9d10"

  static func sections(_ folder: LabFolder) -> String {
    """
    backend \(pool)
        balance roundrobin
        server up-member unix@\(folder.path)/up.sock weight 1 check inter 100ms
        server down-member unix@\(folder.path)/nobody.sock weight 1 check inter 100ms fall 1
        server disabled-member unix@\(folder.path)/up.sock weight 1 disabled
        server drained-member unix@\(folder.path)/up.sock weight 0 check inter 100ms
        server unchecked-member unix@\(folder.path)/up.sock weight 1
    backend empty-pool:\(listener)
        balance roundrobin
    frontend prometheus-exporter-internal-endpoint
        bind unix@\(folder.path)/prometheus.sock
        http-request use-service prometheus-exporter if TRUE
    """
  }

  @Test func `listeners, pools and members read as they are`() async throws {
    let folder = try LabFolder()
    let server = try UnixServer(folder.path + "/up.sock") { _ in Array("HTTP/1.0 200 OK\r\n\r\n".utf8) }
    let haproxy = LiveHAProxy(folder)
    try haproxy.configure(listeners: [Self.listener], sections: Self.sections(folder))
    try await haproxy.start()
    try await haproxy.request(Self.listener, count: 3)
    let socket = haproxy.socket
    // Checks need a moment to agree; a single one may fail under load (`UP 1/3`).
    let expected: [StatsTable.Member] = [
      .init(id: "up-member", status: "UP"), .init(id: "down-member", status: "DOWN"),
      .init(id: "disabled-member", status: "MAINT"), .init(id: "drained-member", status: "DRAIN"),
      .init(id: "unchecked-member", status: "no check"),
    ]
    try await poll("the states of all members", within: .seconds(10)) {
      (try? socket.showStat())?.pools.first?.members == expected
    }
    let table = try await HeartbeatLab.offPool { try socket.showStat() }
    let listener = try #require(table.listeners.first)
    #expect(table.listeners.count == 1)
    #expect(listener.id == Self.listener)
    #expect(listener.status == "OPEN")
    #expect(listener.totalConnections == 3)
    #expect(listener.requestErrors == 0)
    #expect((listener.bytesOut ?? 0) > 0 && (listener.bytesIn ?? 0) > 0)
    #expect(table.pools.map(\.key) == [Self.pool, "empty-pool:\(Self.listener)"])
    #expect(table.pools.first?.status == "UP")
    #expect(table.pools.last?.members.isEmpty == true)
    let information = try await HeartbeatLab.offPool { try socket.showInfo() }
    #expect(information["Name"] == "HAProxy")
    #expect(Int(information["Pid"] ?? "") != nil && Int(information["Uptime_sec"] ?? "") != nil)
    let state = try await HeartbeatLab.offPool { try socket.showServersState() }
    #expect(state.hasPrefix("1\n#"))
    #expect(state.contains("up-member"))
    withExtendedLifetime(server) {}
  }

  @Test func `a haproxy without proxies answers with an empty table`() async throws {
    let folder = try LabFolder()
    let haproxy = LiveHAProxy(folder)
    try haproxy.configure(listeners: [])
    try await haproxy.start()
    let socket = haproxy.socket
    let table = try await HeartbeatLab.offPool { try socket.showStat() }
    #expect(table.count == 0)
    #expect(try await HeartbeatLab.offPool { try socket.showServersState() }.hasPrefix("1"))
  }
}

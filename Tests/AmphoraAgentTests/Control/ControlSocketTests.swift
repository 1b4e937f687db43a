// The control socket by itself: who may ask, how much, and for how long. Against a whole agent: LiveTests/ControlTests.

import Files
import Glibc
import Logging
import Synchronization
import Testing
import TestSupport

@testable import AmphoraAgent

@Suite(.timeLimit(.minutes(1))) struct ControlSocketTests {
  /// A socket with its thread.
  private final class Bench: Sendable {
    let paths = AgentPaths(runtime: "/tmp/amphora-control-\(UInt32.random(in: 0...UInt32.max))")
    let log = LogRecord()
    let socket: ControlSocket
    private let ended = Atomic<Bool>(false)

    init(answer: @escaping @Sendable (String) -> String = { "you said \($0)\n" }) async throws {
      socket = ControlSocket(path: paths.controlSocket, logger: log.logger, answer: answer)
      BackgroundThread.detach(name: "bench") { [self] in
        socket.serve()
        ended.store(true, ordering: .releasing)
      }
      try await poll("the socket") { StatsSocket(path: paths.controlSocket).isListening() }
    }

    func stop() async throws {
      socket.stop()
      try await poll("the end of the socket") { ended.load(ordering: .acquiring) }
      #expect(FileRead.names(in: paths.runtime) == [])
      rmdir(paths.runtime)
    }

    /// A connection on which the test says each byte itself.
    func connect() throws -> TimedSocket {
      let address = try #require(UnixAddress(paths.controlSocket))
      let descriptor = Glibc.socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
      try #require(address.withPointer { Glibc.connect(descriptor, $0, $1) } == 0)
      return TimedSocket(takingOwnershipOf: descriptor)
    }
  }

  private func withBench(
    answer: @escaping @Sendable (String) -> String = { "you said \($0)\n" }, _ body: (Bench) async throws -> Void
  ) async throws {
    let bench = try await Bench(answer: answer)
    do {
      try await body(bench)
    } catch {
      try await bench.stop()
      throw error
    }
    try await bench.stop()
  }

  /// All that comes until the other side ends.
  private func rest(_ socket: borrowing TimedSocket) throws -> String {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    let deadline = ContinuousClock.now + .seconds(20)
    while true {
      let count = try chunk.withUnsafeMutableBytes { try socket.read(into: $0, until: deadline) }
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += chunk[..<count]
    }
  }

  @Test func `only root's file, one line, one answer, end`() async throws {
    try await withBench { bench in
      var status = stat()
      #expect(stat(bench.paths.controlSocket, &status) == 0)
      #expect(status.st_mode == S_IFSOCK | 0o600)
      #expect(try AgentControl.ask("hello there", bench.paths) == "you said hello there\n")
      // In two pieces, and with more than a line.
      let client = try bench.connect()
      try client.write("hel", until: .now + .seconds(5))
      try client.write("lo\nand more\n", until: .now + .seconds(5))
      #expect(try rest(client) == "you said hello\n")
    }
  }

  @Test func `a line without end is cut off by size, and by time`() async throws {
    try await withBench { bench in
      let long = try bench.connect()
      try long.write(String(repeating: "x", count: 300), until: .now + .seconds(5))
      #expect(try rest(long) == "error: the line is longer than 256 bytes\n")
      let exact = String(repeating: "y", count: 256)
      #expect(try AgentControl.ask(exact, bench.paths) == "you said \(exact)\n")
      let slow = try bench.connect()
      try slow.write("status", until: .now + .seconds(5))
      #expect(try rest(slow) == "")
    }
  }

  @Test func `connections that say nothing do not keep others out for longer than their time`() async throws {
    try await withBench { bench in
      var idle: [CInt] = []
      defer { for descriptor in idle { close(descriptor) } }
      for _ in 0..<8 { idle.append(try bench.connect().release()) }
      try await poll("a refusal") {
        do throws(AgentControl.Failure) {
          _ = try AgentControl.ask("x", bench.paths)
          return false
        } catch {
          return error == .refused("too many connections")
        }
      }
      try await poll("an answer") { (try? AgentControl.ask("x", bench.paths)) == "you said x\n" }
    }
  }

  @Test func `whoever is not root is refused, also where the file would let them in`() async throws {
    try await withBench { bench in
      chmod(bench.paths.controlSocket, 0o666)
      let script = "printf 'x\\n' | /usr/bin/nc -N -U \(bench.paths.controlSocket)"
      let other = try await Command.run(
        "/usr/bin/setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", "/bin/sh", "-c", script])
      #expect(other.output == "error: only root may ask\n")
      #expect(try AgentControl.ask("x", bench.paths) == "you said x\n")
    }
  }

  @Test func `who asks is told what is wrong`() async throws {
    let nobody = AgentPaths(runtime: "/tmp/amphora-nobody")
    #expect(throws: AgentControl.Failure.notRunning(socket: nobody.controlSocket)) { try AgentControl.status(nobody) }
    try await withBench(answer: { line in line == "status" ? "{\"pid\": 1}\n" : "error: no\nmore\n" }) { bench in
      #expect(throws: AgentControl.Failure.refused("no")) { try AgentControl.ask("x", bench.paths) }
      let unreadable = AgentControl.Failure.unreadable(socket: bench.paths.controlSocket, start: "{\"pid\": 1}")
      #expect(throws: unreadable) { try AgentControl.status(bench.paths) }
    }
    let gate = Mutex<Void>(())
    try await withBench(answer: { _ in gate.withLock { _ in "late\n" } }) { bench in
      let limit = Duration.milliseconds(100)
      _ = gate.withLock { _ in
        #expect(throws: AgentControl.Failure.silent(socket: bench.paths.controlSocket, after: limit)) {
          try AgentControl.ask("x", bench.paths, within: limit)
        }
      }
    }
  }

  @Test func `a second agent leaves the first one's socket alone, and a dead one's is taken over`() async throws {
    try await withBench { bench in
      let second = ControlSocket(path: bench.paths.controlSocket, logger: bench.log.logger) { _ in "second\n" }
      let ended = Atomic<Bool>(false)
      BackgroundThread.detach(name: "second") {
        second.serve()
        ended.store(true, ordering: .releasing)
      }
      try await poll("a word about it") { bench.log.lines.contains { $0.text.contains("no control socket") } }
      #expect(try AgentControl.ask("x", bench.paths) == "you said x\n")
      second.stop()
      try await poll("its end") { ended.load(ordering: .acquiring) }
      #expect(try AgentControl.ask("x", bench.paths) == "you said x\n")
    }
    // A file that nobody listens on.
    let paths = AgentPaths(runtime: "/tmp/amphora-control-\(UInt32.random(in: 0...UInt32.max))")
    mkdir(paths.runtime, 0o755)
    defer { rmdir(paths.runtime) }
    let address = try #require(UnixAddress(paths.controlSocket))
    let dead = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
    try #require(address.withPointer { bind(dead, $0, $1) } == 0)
    close(dead)
    let heir = ControlSocket(path: paths.controlSocket, logger: LogRecord().logger) { _ in "heir\n" }
    let ended = Atomic<Bool>(false)
    BackgroundThread.detach(name: "heir") {
      heir.serve()
      ended.store(true, ordering: .releasing)
    }
    try await poll("the heir's answer") { (try? AgentControl.ask("x", paths)) == "heir\n" }
    heir.stop()
    try await poll("its end") { ended.load(ordering: .acquiring) }
  }

  @Test(
    arguments: [
      ("metrics", .metrics), ("status", .status), ("log-level debug 600", .logLevel(.debug, seconds: 600)),
      ("log-level info 1", .logLevel(.info, seconds: 1)), ("log-level configured", .configuredLogLevel),
    ] as [(String, ControlCommand)])
  func `commands are written as they are read`(line: String, command: ControlCommand) throws {
    #expect(try ControlCommand(parsing: line) == command)
    #expect("\(command)" == line)
  }

  @Test(arguments: [
    ("", "unknown command ''"), ("status now", "unknown command 'status'"), (" status", "unknown command ''"),
    ("log-level", "unknown command 'log-level'"), ("log-level debug", "'' is no number"),
    ("log-level debug 0", "'0' is no number"), ("log-level debug 86401", "'86401' is no number"),
    ("log-level debug x", "'x' is no number"), ("log-level trace 5", "unknown log level 'trace'"),
    ("\u{1B}[31mred\u{7}", "unknown command '[31mred'"),
  ])
  func `other lines are refused in printable words`(line: String, start: String) {
    do {
      Issue.record("taken as \(try ControlCommand(parsing: line))")
    } catch {
      #expect("\(error)".hasPrefix(start), "\(error)")
    }
  }
}

// heartbeat listen, as a process that hears real datagrams.

import AmphoraProtocol
import Foundation
import Testing
import TestSupport

@Suite(.timeLimit(.minutes(2))) struct ListenTests {
  private static let amphora = "6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8"

  /// A listener with two members up, one down, one in maintenance; counted once though two listeners name the pool.
  private static func message(_ sequence: Int, bytes: Int = 0) -> HeartbeatMessage {
    let members = [("m1", "UP"), ("m2", "UP 1/3"), ("m3", "DOWN"), ("m4", "MAINT")].map {
      HeartbeatMessage.Member(id: $0.0, status: $0.1)
    }
    let stats = HeartbeatMessage.Stats(bytesOut: bytes, bytesIn: bytes, connections: 3)
    return HeartbeatMessage(
      id: amphora, sequence: sequence,
      listeners: [.init(id: "l1", status: "OPEN", stats: stats), .init(id: "l2", status: "FULL", stats: nil)],
      pools: ["l1", "l2"].map { .init(key: "p:\($0)", status: "UP", members: members) })
  }

  /// Starts a listener that ends after some heartbeats, sends it datagrams, and waits for its end.
  private func listen(
    _ arguments: [String], _ datagrams: [[UInt8]], program path: String? = nil
  ) async throws -> ProgramResult {
    let program = try ControlProgram()
    let listen = ["heartbeat", "listen", "--listen", "127.0.0.1:0"] + arguments
    let environment = ["AMPHORA_HEARTBEAT_KEY": "key", "TERM": "xterm"]
    let process =
      path == nil
      ? program.process(listen, environment: environment)
      // script(1) runs a command on a terminal of its own.
      : program.process(
        ["-qfec", ([ControlProgram.path] + listen).joined(separator: " "), "/dev/null"], environment: environment,
        program: "/usr/bin/script")
    for name in ["out", "err"] { try program.write("", name) }
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: program.file("out")))
    process.standardError = try FileHandle(forWritingTo: URL(filePath: program.file("err")))
    try process.run()
    defer { if process.isRunning { process.terminate() } }
    let port = try await poll("the port", within: .seconds(60)) {
      try (program.read("err") + program.read("out")).firstMatch(of: #/listening at 127.0.0.1:(\d+)\s/#).flatMap {
        UInt16($0.1)
      }
    }
    for datagram in datagrams { try send(datagram, to: port) }
    try await poll("the end", within: .seconds(60)) { !process.isRunning }
    return ProgramResult(
      status: process.terminationStatus, output: try program.read("out"), errors: try program.read("err"))
  }

  private func send(_ datagram: [UInt8], to port: UInt16) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let count = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(descriptor, datagram, datagram.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(count == datagram.count)
  }

  private func seal(_ message: HeartbeatMessage, _ key: String = "key") throws -> [UInt8] {
    try HeartbeatEnvelope.seal(message, key: HeartbeatKey(key))
  }

  @Test func `with --json each heartbeat is an object on a line, and refusals are named`() async throws {
    let result = try await listen(
      ["--json", "--count", "2"],
      [seal(Self.message(0)), seal(Self.message(1), "other key"), seal(Self.message(7, bytes: 5000))])
    #expect(result.status == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n")
    try #require(lines.count == 2)
    let objects = try lines.map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    for object in objects {
      #expect(object["amphora"] as? String == Self.amphora)
      #expect(object["listeners"] as? [String: String] == ["l1": "OPEN", "l2": "FULL"])
      #expect(object["members_up"] as? Int == 2)
      #expect(object["members_down"] as? Int == 1)
      #expect(object["members_other"] as? Int == 1)
      #expect(object["connections"] as? Int == 3)
    }
    #expect(objects.map { $0["sequence"] as? Int } == [0, 7])
    #expect(objects[0]["bytes_per_second"] == nil, "one heartbeat has no rate")
    #expect(try #require(objects[1]["bytes_per_second"] as? Double) > 0)
    #expect(result.errors.contains("refused: 127.0.0.1:") && result.errors.contains("digest does not match"))
  }

  @Test func `without a terminal each heartbeat is a plain line`() async throws {
    let result = try await listen(["--count", "1"], [seal(Self.message(4))])
    #expect(result.status == 0, "\(result.errors)")
    let line = try #require(result.output.split(separator: "\n").first)
    #expect(line.contains("  \(Self.amphora)  seq 4  listeners 2 (l1 OPEN, l2 FULL)  members 2 up, 1 down, 1 other  -"))
    #expect(!result.output.contains("\u{1B}"))
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script"), "needs script(1)"))
  func `on a terminal a table is kept up to date`() async throws {
    let result = try await listen(
      ["--count", "2"], [seal(Self.message(0)), seal(Self.message(9))], program: "/usr/bin/script")
    #expect(result.status == 0)
    #expect(result.output.contains("AMPHORA") && result.output.contains("LISTENERS"))
    #expect(result.output.contains(Self.amphora))
    #expect(result.output.contains("\u{1B}[H"), "it is drawn over itself")
    #expect(result.output.contains("1 amphorae, 2 heartbeats, refused: none"))
  }

  @Test func `it ends after the seconds it was given, and says what it cannot do`() throws {
    let program = try ControlProgram()
    let quiet = try program.run("heartbeat", "listen", "--listen", "127.0.0.1:0", "--key", "k", "--seconds", "1")
    #expect(quiet.status == 0)
    #expect(quiet.output == "")
    let unknown = try program.run("heartbeat", "listen", "--listen", "192.0.2.1:5555", "--key", "k")
    #expect(unknown.status == 1)
    #expect(unknown.errors.contains("could not listen at 192.0.2.1:5555"), "\(unknown.errors)")
    let wrong = try program.run("heartbeat", "listen", "--listen", "127.0.0.1:x", "--key", "k")
    #expect(wrong.status == 2)
  }
}

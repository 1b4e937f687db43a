// A TLS connection by the `openssl` program, as an independent judge: what is sent is exactly what the test says.

import AmphoraAgent
import AmphoraLab
import Files
import Glibc
import Synchronization
import Testing
import TestSupport

/// One connection.
final class TLSConnection: Sendable {
  private static let counter = Atomic<Int>(0)
  private let descriptor: Int32
  private let process: pid_t
  private let logFile: String

  /// Starts to connect; a refused handshake shows when the answer is read.
  ///
  /// - Parameters:
  ///   - address: an address, an IPv6 one in brackets.
  ///   - identity: PEM of client certificate and key; nil for none.
  ///   - options: further options of `openssl s_client`.
  init(to address: String, identity: String?, serverCA: String, options: [String]) throws {
    let number = Self.counter.add(1, ordering: .relaxed).newValue
    let stem = "\(Sandbox.directory)/tls-\(number)"
    logFile = "\(stem).log"
    try DurableFile.write(Array(serverCA.utf8), to: "\(stem)-ca.pem", mode: 0o600)
    var command = [
      "/usr/bin/openssl", "s_client", "-connect", "\(address):9443", "-noservername", "-CAfile", "\(stem)-ca.pem",
      "-verify_return_error",
    ]
    if let identity {
      try DurableFile.write(Array(identity.utf8), to: "\(stem).pem", mode: 0o600)
      command += ["-cert", "\(stem).pem", "-key", "\(stem).pem"]
    }
    var ends: [Int32] = [0, 0]
    // Close-on-exec: programs started by other tests must not keep the connection open.
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw SandboxError.systemCall("socketpair", errno: errno) }
    descriptor = ends[0]
    process = try Self.spawn(command + (options.isEmpty ? ["-quiet"] : options), end: ends[1], log: logFile)
    close(ends[1])
  }

  deinit {
    close(descriptor)
    end()
  }

  private static func spawn(_ command: [String], end: Int32, log: String) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, end, 0)
    posix_spawn_file_actions_adddup2(&actions, end, 1)
    posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var pid: pid_t = 0
    let error = posix_spawn(&pid, command[0], &actions, nil, &arguments, environ)
    guard error == 0 else { throw SandboxError.systemCall("posix_spawn openssl", errno: error) }
    return pid
  }

  /// What openssl complained about.
  var log: String { FileRead.text(logFile) ?? "" }

  /// Sends bytes.
  func send(_ bytes: some Collection<UInt8>) throws {
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { throw SandboxError.systemCall("send", errno: errno) }
      rest = rest.dropFirst(count)
    }
  }

  /// Sends text.
  func send(_ text: String) throws { try send(text.utf8) }

  /// Breaks the connection off at once.
  func breakOff() { kill(process, SIGKILL) }

  /// Everything that comes until the agent ends the connection; throws when it does not in time.
  func readToEnd(within limit: Duration = .seconds(20)) async throws -> String {
    let descriptor = descriptor
    let bytes = try await onThread { () -> [UInt8] in
      let deadline = ContinuousClock.now + limit
      var all: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 65_536)
      while true {
        // Zero would wait for ever.
        let left = max(.milliseconds(1), deadline - ContinuousClock.now).components
        var wait = timeval(tv_sec: Int(left.seconds), tv_usec: Int(left.attoseconds / 1_000_000_000_000))
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count < 0, errno == EAGAIN {
          throw LabError.timedOut(what: "end of the connection", log: String(decoding: all, as: UTF8.self))
        }
        guard count > 0 else { return all }
        all += buffer[..<count]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Sends a request that ends the exchange, and returns status and body; the status is nil when there is no answer.
  func exchange(_ request: String) async throws -> (status: Int?, text: String) {
    try send(request)
    return Self.parse(try await readToEnd())
  }

  static func parse(_ text: String) -> (status: Int?, text: String) {
    guard text.hasPrefix("HTTP/1.1 ") else { return (nil, text) }
    let body = text.firstRange(of: "\r\n\r\n").map { String(text[$0.upperBound...]) } ?? ""
    return (Int(text.dropFirst(9).prefix(3)), body)
  }

  private func end() {
    kill(process, SIGKILL)
    while waitpid(process, nil, 0) == -1 && errno == EINTR {}
  }
}

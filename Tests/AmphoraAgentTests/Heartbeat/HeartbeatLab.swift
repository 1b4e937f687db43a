// What the heartbeat suites share: folders, processes, sockets and logs of one test.

import AmphoraProtocol
import Files
import Glibc
import Logging
import Synchronization

@testable import AmphoraAgent

/// A failed preparation of a test.
struct LabFailure: Error, CustomStringConvertible {
  let description: String

  init(_ what: String, code: CInt = errno) { description = "\(what): \(String(cString: strerror(code)))" }
}

enum HeartbeatLab {
  static let amphoraID = "6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8"

  /// Runs what blocks on a thread of its own: the cooperative pool has two threads, and the sender needs them.
  static func offPool<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      let isStarted = BackgroundThread.detach(name: "test") { continuation.resume(with: Result { try body() }) }
      if !isStarted { continuation.resume(throwing: LabFailure("thread")) }
    }
  }

  static func configuration(
    _ controllers: String, interval: Int = 1, key: String? = "insecure", id: String? = amphoraID
  ) throws -> AgentConfiguration {
    let keyLine = key.map { "heartbeat_key = \($0)\n" } ?? ""
    let idLine = id.map { "amphora_id = \($0)\n" } ?? ""
    let text = """
      [health_manager]
      controller_ip_port_list = \(controllers)
      heartbeat_interval = \(interval)
      \(keyLine)[amphora_agent]
      \(idLine)
      """
    return try AgentConfiguration.parse(Array(text.utf8), file: "agent.conf", environment: [:])
  }

  /// Runs a sender for as long as `body` takes.
  static func running(_ sender: HeartbeatSender, _ body: () async throws -> Void) async throws {
    let task = Task { await sender.run() }
    do {
      try await body()
    } catch {
      task.cancel()
      await task.value
      throw error
    }
    task.cancel()
    await task.value
  }
}

/// A base folder in /tmp; removed with all that is in it, after the processes it started.
final class LabFolder: Sendable {
  let path: String
  private let processes = Mutex<[pid_t]>([])

  init() throws {
    var template = Array("/tmp/amphora-heartbeat-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw LabFailure("mkdtemp") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    chmod(path, 0o755)
  }

  deinit {
    for pid in processes.withLock({ $0 }) { Self.end(pid) }
    Self.removeTree(path)
  }

  var paths: AgentPaths { AgentPaths(base: path) }

  @discardableResult
  func folder(_ name: String) -> String {
    mkdir(path + "/" + name, 0o755)
    return path + "/" + name
  }

  func write(_ name: String, _ text: String) throws {
    guard let file = fopen(path + "/" + name, "w") else { throw LabFailure("fopen \(name)") }
    fputs(text, file)
    fclose(file)
  }

  /// Starts a program; it is killed with the folder.
  func start(_ program: String, _ arguments: [String]) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor: CInt in [0, 1, 2] {
      posix_spawn_file_actions_addopen(
        &actions, descriptor, descriptor == 2 ? path + "/stderr" : "/dev/null", O_RDWR | O_CREAT | O_APPEND, 0o644)
    }
    var pointers = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var pid: pid_t = 0
    let code = posix_spawn(&pid, program, &actions, nil, &pointers, environ)
    guard code == 0 else { throw LabFailure("spawn \(program)", code: code) }
    processes.withLock { $0.append(pid) }
    return pid
  }

  /// Starts a long sleep under another program's name.
  func startSleeper(named name: String) throws -> pid_t {
    // A link, for the kernel names a process after it too. A copy is refused as busy while a program that another test
    // starts just then still holds the descriptor it was written through.
    guard symlink("/bin/sleep", path + "/" + name) == 0 || errno == EEXIST else {
      throw LabFailure("symlink \(name)")
    }
    let pid = try start(path + "/" + name, ["600"])
    // Between fork and exec the child still has this process's name.
    let deadline = ContinuousClock.now + .seconds(5)
    while !FileRead.isLive(pid, named: name), ContinuousClock.now < deadline { poll(nil, 0, 2) }
    return pid
  }

  /// Kills a process and waits for it.
  func stop(_ pid: pid_t) {
    processes.withLock { $0.removeAll { $0 == pid } }
    Self.end(pid)
  }

  /// As ``stop(_:)``, without blocking the cooperative pool.
  func stopOffPool(_ pid: pid_t) async throws { try await HeartbeatLab.offPool { [self] in stop(pid) } }

  private static func end(_ pid: pid_t) {
    // TERM first, so that haproxy's master takes its workers along.
    kill(pid, SIGTERM)
    for _ in 0..<300 {
      if waitpid(pid, nil, WNOHANG) != 0 { return }
      poll(nil, 0, 10)
    }
    kill(pid, SIGKILL)
    waitpid(pid, nil, 0)
  }

  private static func removeTree(_ path: String) {
    for name in FileRead.names(in: path) {
      if unlink(path + "/" + name) != 0 { removeTree(path + "/" + name) }
    }
    rmdir(path)
  }
}

/// A UDP socket on loopback that plays the health manager.
final class HeartbeatReceiver: Sendable {
  private let descriptor: CInt
  let port: UInt16

  init(family: CInt = AF_INET) throws {
    let descriptor = socket(family, CInt(SOCK_DGRAM.rawValue), 0)
    guard descriptor >= 0 else { throw LabFailure("socket") }
    self.descriptor = descriptor
    let isV6 = family == AF_INET6
    let endpoint = ControllerEndpoint(isV6 ? "[::1]:1" : "127.0.0.1:1")
    guard let endpoint, var address = ResolvedDestination.literal(endpoint)?.socketAddress else {
      throw LabFailure("address")
    }
    // Port 0: the kernel chooses. Both families keep the port in bytes 2 and 3.
    address[2] = 0
    address[3] = 0
    var size: CInt = 4 << 20
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
    var length = socklen_t(address.count)
    let result = address.withUnsafeMutableBytes { bytes -> CInt in
      guard let base = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return -1 }
      guard bind(descriptor, base, length) == 0 else { return -1 }
      return getsockname(descriptor, base, &length)
    }
    guard result == 0 else { throw LabFailure("bind") }
    port = UInt16(address[2]) << 8 | UInt16(address[3])
  }

  deinit { close(descriptor) }

  /// The next datagram and when it came; nil after the limit.
  func receive(within limit: Duration = .seconds(10)) async throws -> (bytes: [UInt8], at: ContinuousClock.Instant)? {
    try await HeartbeatLab.offPool { [self] in
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let milliseconds = limit.components.seconds * 1000 + limit.components.attoseconds / 1_000_000_000_000_000
      guard poll(&entry, 1, CInt(milliseconds)) == 1 else { return nil }
      var buffer = [UInt8](repeating: 0, count: 65_536)
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count >= 0 else { throw LabFailure("recv") }
      return (Array(buffer[..<count]), .now)
    }
  }

  /// The next heartbeat, verified and decoded.
  func message(key: String = "insecure", within limit: Duration = .seconds(10)) async throws -> HeartbeatMessage {
    guard let (bytes, _) = try await receive(within: limit) else {
      throw LabFailure("no heartbeat came", code: ETIMEDOUT)
    }
    return try HeartbeatEnvelope.openMessage(bytes, keys: [HeartbeatKey(key)])
  }
}

/// A UNIX stream server that answers each connection with given bytes, or never.
final class UnixServer: Sendable {
  private let descriptor: CInt
  private let connections = Mutex<[CInt]>([])

  /// - Parameter answer: given the command's line; nil leaves the connection open without an answer.
  init(_ path: String, backlog: CInt = 16, answer: (@Sendable (String) -> [UInt8]?)? = nil) throws {
    descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0, listen(descriptor, backlog) == 0 else { throw LabFailure("listen at \(path)") }
    guard let answer else { return }
    BackgroundThread.detach(name: "server") { [descriptor, weak self] in
      while true {
        let connection = accept(descriptor, nil, nil)
        guard connection >= 0 else { return }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(connection, &buffer, buffer.count, 0)
        let command = String(decoding: buffer[..<max(0, count)], as: UTF8.self)
        if let bytes = answer(command) {
          _ = bytes.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
          close(connection)
        } else {
          self?.connections.withLock { $0.append(connection) }
        }
      }
    }
  }

  deinit {
    shutdown(descriptor, CInt(SHUT_RDWR))
    close(descriptor)
    for connection in connections.withLock({ $0 }) { close(connection) }
  }
}

/// A logger that remembers its lines.
final class LogRecord: Sendable {
  struct Line: Sendable, Equatable {
    let level: Logger.Level
    let text: String
  }

  private let recorded = Mutex<[Line]>([])
  var lines: [Line] { recorded.withLock { $0 } }

  var logger: Logger { Logger(label: "test") { _ in Handler(record: self) } }

  private struct Handler: LogHandler {
    let record: LogRecord
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      record.recorded.withLock { $0.append(Line(level: event.level, text: "\(event.message)")) }
    }
  }
}

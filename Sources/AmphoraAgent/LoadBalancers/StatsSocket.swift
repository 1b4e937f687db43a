// Questions to a running haproxy over its UNIX stream socket: contract services §4.1. Calls block, but never longer than
// their deadline; run them on a thread that may block.

import Glibc

/// A query of the stats socket that failed.
package enum StatsSocketError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The path does not fit `sockaddr_un` (107 bytes).
  case pathTooLong(String)
  /// A system call failed; `operation` is its verb.
  case system(operation: String, path: String, errno: CInt)
  /// haproxy did not take the command or did not finish its answer in time.
  case timedOut(phase: String, path: String, after: Duration)
  /// The answer is longer than ``StatsSocket/maximumAnswer``.
  case tooLarge(path: String, limit: Int)
  /// The answer is not what the command gives.
  case unexpectedAnswer(command: String, path: String, start: String)

  /// What failed, on which socket, and the kernel's text.
  package var description: String {
    switch self {
    case .pathTooLong(let path): "stats socket path \(path) is longer than 107 bytes"
    case .system(let operation, let path, let code):
      "cannot \(operation) stats socket \(path): \(String(cString: strerror(code)))"
    // Without the limit, which differs from call to call: logs compare texts to see whether something changed.
    case .timedOut(let phase, let path, _): "stats socket \(path) did not \(phase) in time"
    case .tooLarge(let path, let limit): "answer of stats socket \(path) is longer than \(limit) bytes"
    case .unexpectedAnswer(let command, let path, let start):
      "stats socket \(path) answers '\(command)' with '\(start)'"
    }
  }
}

/// A haproxy's stats socket: one connection per command.
package struct StatsSocket: Sendable {
  /// The longest answer read, in bytes.
  ///
  /// 2800 members make about 1 MiB of statistics.
  package static let maximumAnswer = 64 << 20

  /// The socket's path.
  package let path: String
  /// The limit on connecting, writing and reading together.
  package let timeout: Duration

  /// Names a socket; nothing is opened yet.
  ///
  /// 2 s: contract heartbeat-and-config §7 row 2.
  package init(path: String, timeout: Duration = .seconds(2)) {
    self.path = path
    self.timeout = timeout
  }

  /// The same socket with not more than `limit` for a query.
  package func limited(to limit: Duration) -> StatsSocket { StatsSocket(path: path, timeout: min(timeout, limit)) }

  /// `show stat -1 -1 -1`: all listeners, pools and members.
  package func showStat() throws(StatsSocketError) -> StatsTable {
    let command = "show stat -1 -1 -1"
    let answer = try query(command)
    guard let table = StatsTable(csv: answer) else { throw unexpected(answer, to: command) }
    return table
  }

  /// `show info`: lines `Key: value`, split at the first colon.
  package func showInfo() throws(StatsSocketError) -> [String: String] {
    let command = "show info"
    let answer = try query(command)
    var information: [String: String] = [:]
    for line in answer.split(separator: UInt8(ascii: "\n")) {
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
      information[Self.text(line[..<colon])] = Self.text(line[(colon + 1)...])
    }
    guard !information.isEmpty else { throw unexpected(answer, to: command) }
    return information
  }

  /// `show servers state`: the answer without blanks around it.
  package func showServersState() throws(StatsSocketError) -> String {
    let command = "show servers state"
    let answer = try query(command)
    let text = Self.text(answer[...])
    // Version 1 starts with a line `1`; anything else is an error text that must not become the state file.
    guard text == "1" || text.hasPrefix("1\n") else { throw unexpected(answer, to: command) }
    return text
  }

  /// Sends one command and reads until haproxy closes.
  package func query(_ command: String) throws(StatsSocketError) -> [UInt8] {
    let deadline = ContinuousClock.now + timeout
    let descriptor = try open()
    defer { close(descriptor) }
    try connect(descriptor, until: deadline)
    try write(Array((command + "\n").utf8), to: descriptor, until: deadline)
    return try read(descriptor, until: deadline)
  }

  /// Whether somebody listens on the socket; nothing is asked.
  package func isListening() -> Bool {
    do throws(StatsSocketError) {
      let descriptor = try open()
      defer { close(descriptor) }
      // Connecting to a UNIX socket does not wait for the other side, unless its queue is full.
      try connect(descriptor, until: .now)
      return true
    } catch {
      if case .timedOut = error { return true }
      return false
    }
  }

  private func unexpected(_ answer: [UInt8], to command: String) -> StatsSocketError {
    .unexpectedAnswer(command: command, path: path, start: Self.text(answer.prefix(80)))
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    var bytes = bytes
    while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
    while let first = bytes.first, first <= 0x20 { bytes.removeFirst() }
    return String(decoding: bytes, as: UTF8.self)
  }
}

// The transport.
extension StatsSocket {
  private func open() throws(StatsSocketError) -> CInt {
    let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    let descriptor = socket(AF_UNIX, type, 0)
    guard descriptor >= 0 else { throw failure("open") }
    return descriptor
  }

  private func connect(_ descriptor: CInt, until deadline: ContinuousClock.Instant) throws(StatsSocketError) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let name = Array(path.utf8)
    let capacity = MemoryLayout.size(ofValue: address.sun_path)
    guard name.count < capacity else { throw .pathTooLong(path) }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
    while true {
      let result = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      if result == 0 { return }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        // A full accept queue of a UNIX socket gives EAGAIN, and poll(2) has nothing to report about it.
        guard deadline > .now else { throw .timedOut(phase: "accept the connection", path: path, after: timeout) }
        poll(nil, 0, 5)
      default: throw failure("connect to")
      }
    }
  }

  private func write(
    _ bytes: [UInt8], to descriptor: CInt, until deadline: ContinuousClock.Instant
  ) throws(StatsSocketError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        try wait(descriptor, for: POLLOUT, "take the command", until: deadline)
      } else if errno != EINTR {
        throw failure("write to")
      }
    }
  }

  private func read(
    _ descriptor: CInt, until deadline: ContinuousClock.Instant
  ) throws(StatsSocketError) -> [UInt8] {
    var answer: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      // Also when data keeps coming: a trickle must not outlive the deadline.
      try wait(descriptor, for: POLLIN, "finish its answer", until: deadline)
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count == 0 { return answer }
      guard count > 0 else {
        if errno == EINTR || errno == EAGAIN { continue }
        throw failure("read from")
      }
      guard answer.count + count <= Self.maximumAnswer else {
        throw .tooLarge(path: path, limit: Self.maximumAnswer)
      }
      answer.append(contentsOf: chunk[..<count])
    }
  }

  private func wait(
    _ descriptor: CInt, for events: CInt, _ phase: String, until deadline: ContinuousClock.Instant
  ) throws(StatsSocketError) {
    while true {
      let left = (deadline - .now).components
      guard left.seconds >= 0, left.attoseconds >= 0, left.seconds > 0 || left.attoseconds > 0 else {
        throw .timedOut(phase: phase, path: path, after: timeout)
      }
      // Rounded up, so that the last fraction of a millisecond is not spent spinning; a minute at a time.
      let milliseconds = min(left.seconds, 60) * 1000 + left.attoseconds / 1_000_000_000_000_000 + 1
      var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
      let result = poll(&entry, 1, CInt(milliseconds))
      if result > 0 { return }
      guard result == 0 || errno == EINTR else { throw failure("wait for") }
    }
  }

  private func failure(_ operation: String) -> StatsSocketError {
    .system(operation: operation, path: path, errno: errno)
  }
}

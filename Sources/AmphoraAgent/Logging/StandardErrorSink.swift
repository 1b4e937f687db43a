// Log lines on standard error. Whoever reads it, journald or a terminal, may be slow or stuck; the agent must not be.

import Glibc
import Synchronization

/// Standard error: with journald's `<N>` prefix when journald listens, with the time of day otherwise.
///
/// A line that the reader has no room for is lost; the next one that gets through says how many were.
package final class StandardErrorSink: LogSink {
  private struct State {
    var lost = 0
    /// Lost lines that no line has told of yet.
    var untold = 0
    /// Whether only a part of the last line went out.
    var isCut = false
  }

  private let isJournal: Bool
  private let descriptor: CInt
  private let isSocket: Bool
  private let isOwn: Bool
  private let state = Mutex(State())

  /// - Parameter descriptor: the open file to write to; it is not closed.
  package init(descriptor: CInt = 2) {
    isJournal = getenv("JOURNAL_STREAM") != nil
    var status = stat()
    let kind = fstat(descriptor, &status) == 0 ? status.st_mode & S_IFMT : 0
    isSocket = kind == S_IFSOCK
    // O_NONBLOCK counts for everybody who shares an open file, such as the shell we were started from; so a pipe or a
    // terminal is opened anew. Sockets know a flag for each send; files on disk do not wait for readers.
    let own =
      kind == S_IFIFO || kind == S_IFCHR
      ? open("/proc/self/fd/\(descriptor)", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1
    isOwn = own >= 0
    self.descriptor = isOwn ? own : descriptor
  }

  deinit { if isOwn { close(descriptor) } }

  /// How many lines were lost so far.
  package var lost: Int { state.withLock { $0.lost } }

  package func write(_ line: String, _ severity: Severity) {
    state.withLock { state in
      var text = state.isCut ? "\n" : ""
      if state.untold > 0 { text += format("\(state.untold) log lines were lost: nobody read them", .warning) }
      let bytes = Array((text + format(line, severity)).utf8)
      let count = send(bytes)
      if count == bytes.count {
        state.isCut = false
        state.untold = 0
      } else {
        state.lost += 1
        state.untold += 1
        if count > 0 { state.isCut = true }
      }
    }
  }

  /// Sends as much as there is room for; the number of bytes, 0 when none could be sent.
  private func send(_ bytes: [UInt8]) -> Int {
    if !isSocket, !isOwn {
      var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      guard poll(&entry, 1, 0) == 1 else { return 0 }
    }
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        isSocket
          ? Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
          : Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      sent += count
    }
    return sent
  }

  private func format(_ line: String, _ severity: Severity) -> String {
    isJournal ? "<\(severity.rawValue)>\(line)\n" : "\(Self.timestamp()) \(line)\n"
  }

  private static func timestamp() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var parts = tm()
    gmtime_r(&now.tv_sec, &parts)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let milliseconds = String(1000 + now.tv_nsec / 1_000_000).dropFirst()
    return "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(milliseconds)"
  }
}

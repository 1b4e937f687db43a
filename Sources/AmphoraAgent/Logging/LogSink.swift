// Where log lines go. Sending a line never blocks and never fails: a log socket that is absent or full costs the line.

import Glibc
import Synchronization

/// The severity of a line, as syslog(3) and journald number it.
package enum Severity: Int32, Sendable {
  case error = 3
  case warning = 4
  case notice = 5
  case info = 6
  case debug = 7
}

/// A destination of log lines.
package protocol LogSink: Sendable {
  func write(_ line: String, _ severity: Severity)
}

/// A syslog datagram socket: `/dev/log`, or rsyslog's own for the amphora's administrative stream.
///
/// rsyslog restarts during boot and makes its socket anew, so each failed send connects again for the next line.
package final class SyslogSink: LogSink {
  private let path: String
  private let facility: Int32
  private let tag: String
  private let fallback: (any LogSink)?
  private let descriptor = Mutex<Int32>(-1)

  /// - Parameters:
  ///   - facility: the number, such as 16 for local0.
  ///   - fallback: takes the lines that the socket does not.
  package init(path: String, facility: Int, tag: String, fallback: (any LogSink)?) {
    self.path = path
    self.facility = Int32(facility)
    self.tag = tag
    self.fallback = fallback
  }

  package func write(_ line: String, _ severity: Severity) {
    // RFC 3164 as syslog(3) sends it, without the time: the receiver on the same host takes its own.
    let bytes = Array("<\(facility << 3 | severity.rawValue)>\(tag)[\(getpid())]: \(line)".utf8)
    let isSent = descriptor.withLock { descriptor in
      for _ in 0..<2 {
        if descriptor < 0 { descriptor = connect() }
        guard descriptor >= 0 else { return false }
        if send(descriptor, bytes, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)) >= 0 { return true }
        if errno == EAGAIN || errno == ENOBUFS { return false }
        close(descriptor)
        descriptor = -1
      }
      return false
    }
    if !isSent { fallback?.write(line, severity) }
  }

  private func connect() -> Int32 {
    guard let address = UnixAddress(path) else { return -1 }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return -1 }
    if address.withPointer({ Glibc.connect(descriptor, $0, $1) }) == 0 { return descriptor }
    close(descriptor)
    return -1
  }
}

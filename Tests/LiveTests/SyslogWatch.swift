// rsyslog's socket in an amphora, held by the test: what is sent to it is seen byte for byte.

import AmphoraAgent
import AmphoraLab
import Files
import Glibc
import Synchronization
import Testing
import TestSupport

/// A datagram socket in an amphora's /run; the kernel finds it by its file, whatever the sender's namespaces.
final class SyslogWatch: Sendable {
  private let path: String
  private let descriptor: Int32
  private let all = Mutex<[String]>([])

  init(_ amphora: LiveAmphora, _ path: String = "/run/rsyslog/octavia/log") throws {
    self.path = amphora.vm.outside(path)
    try DurableFile.createDirectory(
      String(self.path.prefix(upTo: self.path.lastIndex(of: "/") ?? self.path.endIndex)), mode: 0o755)
    unlink(self.path)
    let address = try #require(UnixAddress(self.path))
    let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    descriptor = socket(AF_UNIX, type, 0)
    guard descriptor >= 0, address.withPointer({ bind(descriptor, $0, $1) }) == 0 else {
      throw SandboxError.systemCall("bind \(self.path)", errno: errno)
    }
    // As rsyslog's: haproxy writes to it as nobody.
    chmod(self.path, 0o666)
  }

  deinit { close(descriptor) }

  /// Takes the socket away, as rsyslog does when it ends.
  func remove() { unlink(path) }

  /// Everything that has come.
  var lines: [String] {
    all.withLock { all in
      var buffer = [UInt8](repeating: 0, count: 65_536)
      while true {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count >= 0 else { return all }
        all.append(String(decoding: buffer[..<count], as: UTF8.self))
      }
    }
  }

  /// The first line with all of these texts, the ones before it included.
  func line(with texts: String...) async throws -> String {
    try await poll("a log line with \(texts)") { lines.first { line in texts.allSatisfy(line.contains) } }
  }
}

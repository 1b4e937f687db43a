// The receiving end of sd_notify(3), for programs that the agent starts itself.

import Files
package import Glibc

/// A datagram socket that a starting program writes its state to.
final class NotifySocket {
  let path: String
  private let descriptor: Int32

  /// Binds the socket at a path; a leftover of an earlier run is replaced.
  init(path: String) throws(DurableFile.Failure) {
    _ = changingFiles { unlink(path) }
    self.path = path
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw DurableFile.Failure(operation: "socket", path: path, errno: errno) }
    guard let address = UnixAddress(path) else {
      throw DurableFile.Failure(operation: "bind", path: path, errno: ENAMETOOLONG)
    }
    guard changingFiles({ address.withPointer { bind(descriptor, $0, $1) } }) == 0 else {
      throw DurableFile.Failure(operation: "bind", path: path, errno: errno)
    }
  }

  deinit {
    close(descriptor)
    _ = changingFiles { unlink(path) }
  }

  /// Blocks until a message has the line `READY=1`; false when `giveUp` says so or the time is over.
  func waitForReady(milliseconds: Int, giveUp: () -> Bool) -> Bool {
    let deadline = ContinuousClock.now + .milliseconds(milliseconds)
    var buffer = [UInt8](repeating: 0, count: 4096)
    while ContinuousClock.now < deadline {
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      if poll(&entry, 1, 20) > 0 {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { continue }
        let message = String(decoding: buffer[..<count], as: UTF8.self)
        if message.split(separator: "\n").contains("READY=1") { return true }
      } else if giveUp() {
        return false
      }
    }
    return false
  }
}

/// Tells systemd about this program's own state, when it was started with a notify socket.
package enum ServiceNotification {
  /// Taken out of the environment: systemctl's children would otherwise write to the agent's socket, which systemd refuses.
  private static let path: String? = {
    guard let value = getenv("NOTIFY_SOCKET") else { return nil }
    defer { unsetenv("NOTIFY_SOCKET") }
    return String(cString: value)
  }()

  /// Takes the socket from the environment; called before the first program is run.
  package static func prepare() { _ = path }

  /// Sends a state line such as `READY=1`.
  ///
  /// Does nothing without `NOTIFY_SOCKET`.
  package static func send(_ state: String) {
    guard let path, let address = UnixAddress(path) else { return }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let bytes = Array(state.utf8)
    _ = address.withPointer { sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, $1) }
  }
}

/// The address of a UNIX socket; a leading `@` means the abstract namespace, as sd_notify(3) has it.
package struct UnixAddress {
  private var address = sockaddr_un()
  private let length: socklen_t

  /// nil when the path is longer than the 107 bytes that fit.
  package init?(_ path: String) {
    let bytes = Array(path.utf8)
    guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    if bytes[0] == UInt8(ascii: "@") { address.sun_path.0 = 0 }
    length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count + (bytes[0] == UInt8(ascii: "@") ? 0 : 1))
  }

  /// Calls `body` with the address as the socket calls want it.
  package func withPointer<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
    withUnsafePointer(to: address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) } }
  }
}

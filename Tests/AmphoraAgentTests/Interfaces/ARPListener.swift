// Hears ARP frames.

import Glibc

/// A packet socket for ARP, in the namespace of the thread that makes it.
final class ARPListener: Sendable {
  private let socket: CInt

  init() {
    // ETH_P_ARP = 0x0806. Not bound to a link: the namespace has one wire in the tests that use it.
    socket = Glibc.socket(AF_PACKET, CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), CInt(UInt16(0x0806).bigEndian))
  }

  deinit { close(socket) }

  /// The next frame, or nil when none comes in time.
  func next(within limit: Duration) -> [UInt8]? {
    var file = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    guard poll(&file, 1, CInt(limit.components.seconds * 1000)) > 0 else { return nil }
    var frame = [UInt8](repeating: 0, count: 64)
    let count = recv(socket, &frame, frame.count, 0)
    return count >= 42 ? Array(frame[..<count]) : nil
  }
}

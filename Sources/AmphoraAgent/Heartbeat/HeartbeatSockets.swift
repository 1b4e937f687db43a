// The two sockets heartbeats leave by: unconnected, kept for life, in the namespace the agent runs in (contract
// heartbeat-and-config §2.1).

import Glibc

/// A UDP socket for each IP version.
final class HeartbeatSockets: Sendable {
  private let v4: CInt
  private let v6: CInt

  init() {
    let type = CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    v4 = socket(AF_INET, type, 0)
    // -1 where the kernel has no IPv6; sending then fails with EBADF, IPv4 works on.
    v6 = socket(AF_INET6, type, 0)
  }

  deinit {
    if v4 >= 0 { close(v4) }
    if v6 >= 0 { close(v6) }
  }

  /// Sends a datagram; returns 0 or the error number.
  ///
  /// Never waits.
  func send(_ datagram: [UInt8], to destination: ResolvedDestination) -> CInt {
    let descriptor = destination.family == AF_INET6 ? v6 : v4
    let flags = CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL)
    return destination.socketAddress.withUnsafeBytes { address in
      guard let base = address.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return EINVAL }
      while true {
        let count = sendto(descriptor, datagram, datagram.count, flags, base, socklen_t(address.count))
        if count >= 0 { return 0 }
        if errno != EINTR { return errno }
      }
    }
  }
}

// Whether a UDP member's port is closed: only ICMP can say so, silence counts as up (contract services §6.2).

package import Addresses
import Glibc

/// A health check of a UDP member, in the calling thread's namespace; blocks.
///
/// It does what `nc -uz` is called for, without needing one of the several programs of that name.
package enum UDPCheck {
  /// How long an ICMP message may take.
  static let patience = Duration.seconds(1)

  /// Sends one byte; returns 0 unless the member's network says that it cannot be reached, or its port is closed.
  ///
  /// An answer ends the check at once.
  package static func run(_ address: IPAddress, _ port: UInt16, within limit: Duration = patience) -> Int32 {
    let target = SocketAddress(address, port: port)
    let socket = Glibc.socket(target.family, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { return 1 }
    defer { close(socket) }
    guard target.withPointer({ connect(socket, $0, $1) }) == 0, send(socket, "X", 1, CInt(MSG_NOSIGNAL)) == 1 else {
      return 1
    }
    var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    let parts = limit.components
    guard poll(&entry, 1, CInt(parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000)) > 0 else { return 0 }
    var byte: UInt8 = 0
    return recv(socket, &byte, 1, CInt(MSG_DONTWAIT)) < 0 && errno != EAGAIN ? 1 : 0
  }

  /// `udp_check.sh`, which keepalived runs with address and port of a member.
  ///
  /// - Parameter agent: this program's path.
  package static func script(agent: String) -> String {
    """
    #!/bin/sh
    # Run by keepalived for UDP members: 0 unless the port is closed or the host cannot be reached. Written by amphora-agent.
    exec \(agent) health-check udp "$1" "$2"

    """
  }
}

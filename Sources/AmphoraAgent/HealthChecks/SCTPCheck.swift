// Asks a member for an SCTP association and looks only at the kind of its answer (contract services §6.3).

package import Addresses
import Files
import Glibc

/// A health check of an SCTP member, in the calling thread's namespace; blocks.
package struct SCTPCheck: Sendable {
  /// What came of it.
  package enum Outcome: Hashable, Sendable {
    /// INIT ACK: the member is there.
    case up
    /// ABORT: nobody listens.
    case refused
    /// Nothing came in time.
    case timedOut
    /// Another chunk came.
    case unexpected(SCTPChunk)
    /// The kernel did not send, or was told by ICMP that it cannot be done.
    case failed(operation: String, errno: CInt)

    /// The exit status that keepalived sees; everything but 0 is down.
    package var status: Int32 {
      switch self {
      case .up: 0
      case .refused, .failed: 1
      case .timedOut: 2
      case .unexpected: 3
      }
    }
  }

  /// The member.
  package let address: IPAddress
  /// Port, tag and numbers.
  package let probe: SCTPProbe
  /// How long to wait for the answer.
  package let timeout: Duration
  /// Where the kernel lists its protocols: one that knows SCTP ends half-open associations itself.
  package let protocols: String

  /// Makes a check.
  package init(_ address: IPAddress, _ probe: SCTPProbe, timeout: Duration, protocols: String = "/proc/net/protocols") {
    self.address = address
    self.probe = probe
    self.timeout = timeout
    self.protocols = protocols
  }

  /// Runs the check; `report` gets a line for each step.
  package func run(_ report: (String) -> Void) -> Outcome {
    let deadline = ContinuousClock.now + timeout
    let target = SocketAddress(address)
    // 132 is SCTP (RFC 9260).
    let socket = Glibc.socket(
      target.family, CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 132)
    guard socket >= 0 else { return .failed(operation: "open a raw socket", errno: errno) }
    defer { close(socket) }
    // A connected socket hears of ICMP errors, and gets packets from the member alone.
    guard target.withPointer({ connect(socket, $0, $1) }) == 0 else {
      return .failed(operation: "find a way to \(address)", errno: errno)
    }
    report("sending INIT to \(address), port \(probe.destination)")
    guard send(probe.initiation, over: socket) else { return .failed(operation: "send to \(address)", errno: errno) }
    let outcome = awaitReply(socket, deadline)
    switch outcome {
    case .up, .unexpected:
      if !kernelKnowsSCTP {
        report("sending ABORT")
        _ = send(probe.abort, over: socket)
      }
    case .refused, .timedOut, .failed: break
    }
    return outcome
  }

  private func send(_ packet: [UInt8], over socket: CInt) -> Bool {
    Glibc.send(socket, packet, packet.count, CInt(MSG_NOSIGNAL)) == packet.count
  }

  private func awaitReply(_ socket: CInt, _ deadline: ContinuousClock.Instant) -> Outcome {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    while true {
      let left = (deadline - .now).components
      let milliseconds = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000
      guard milliseconds >= 0, deadline > .now else { return .timedOut }
      var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, CInt(min(milliseconds + 1, 60_000))) > 0 else { continue }
      let count = recv(socket, &bytes, bytes.count, 0)
      guard count >= 0 else {
        if errno == EAGAIN || errno == EINTR { continue }
        return .failed(operation: "reach \(address)", errno: errno)
      }
      guard let chunk = probe.reply(payload(bytes[..<count])) else { continue }
      switch chunk {
      case .initiationAcknowledgement: return .up
      case .abort: return .refused
      default: return .unexpected(chunk)
      }
    }
  }

  /// What is behind the IP header, which raw sockets deliver for IPv4 only (raw(7)).
  private func payload(_ packet: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard address.family == .v4, let first = packet.first else { return packet }
    return packet.dropFirst(Int(first & 0x0F) * 4)
  }

  private var kernelKnowsSCTP: Bool {
    FileRead.text(protocols)?.split(separator: "\n").contains { $0.hasPrefix("SCTP") } ?? false
  }
}

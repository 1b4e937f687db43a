// Opening many TCP connections at once and looking which come about.

import Addresses
import Glibc

/// Tries to connect, in the calling thread's namespace; blocks, but never longer than its patience.
struct ConnectProbe {
  /// Where to.
  struct Target: Hashable, Sendable {
    let address: IPAddress
    let port: UInt16
  }

  /// Why a target cannot be connected to.
  enum Failure: Hashable, Sendable, CustomStringConvertible {
    /// The kernel's reason: refused, unreachable.
    case refused(errno: CInt)
    case noAnswer(after: Duration)

    var description: String {
      switch self {
      case .refused(let errno): String(cString: strerror(errno))
      case .noAnswer(let limit): "no answer within \(limit)"
      }
    }
  }

  let patience: Duration
  /// How many are open at a time: below the 1,024 descriptors that a shell's programs may have.
  private static let width = 400

  /// The targets that cannot be connected to.
  func failures(of targets: [Target]) -> [Target: Failure] {
    var failures: [Target: Failure] = [:]
    var rest = Array(Set(targets))[...]
    let rounds = max(1, (rest.count + Self.width - 1) / Self.width)
    while !rest.isEmpty {
      let part = rest.prefix(Self.width)
      rest = rest.dropFirst(Self.width)
      failures.merge(round(part, patience / rounds)) { $1 }
    }
    return failures
  }

  private func round(_ targets: ArraySlice<Target>, _ patience: Duration) -> [Target: Failure] {
    var failures: [Target: Failure] = [:]
    var pending: [CInt: Target] = [:]
    defer { for descriptor in pending.keys { close(descriptor) } }
    for target in targets {
      let place = SocketAddress(target.address, port: target.port)
      let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
      let descriptor = socket(place.family, type, 0)
      guard descriptor >= 0 else {
        failures[target] = .refused(errno: errno)
        continue
      }
      if place.withPointer({ connect(descriptor, $0, $1) }) != 0, errno != EINPROGRESS {
        failures[target] = .refused(errno: errno)
        close(descriptor)
      } else {
        pending[descriptor] = target
      }
    }
    failures.merge(wait(&pending, patience)) { $1 }
    return failures
  }

  private func wait(_ pending: inout [CInt: Target], _ patience: Duration) -> [Target: Failure] {
    var failures: [Target: Failure] = [:]
    let deadline = ContinuousClock.now + patience
    while !pending.isEmpty {
      let (seconds, attoseconds) = max(.zero, ContinuousClock.now.duration(to: deadline)).components
      var entries = pending.keys.map { pollfd(fd: $0, events: Int16(POLLOUT), revents: 0) }
      let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
      let count = poll(&entries, nfds_t(entries.count), CInt(clamping: milliseconds))
      for entry in entries where entry.revents != 0 {
        var error: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(entry.fd, SOL_SOCKET, SO_ERROR, &error, &size)
        if let target = pending.removeValue(forKey: entry.fd), error != 0 { failures[target] = .refused(errno: error) }
        // At once with a reset, so that no half-closed connections are left with members.
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(entry.fd, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        close(entry.fd)
      }
      if count <= 0, ContinuousClock.now >= deadline { break }
    }
    for target in pending.values { failures[target] = .noAnswer(after: patience) }
    return failures
  }
}

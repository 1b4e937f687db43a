// A stream socket whose calls block, but never longer than a deadline.

import Glibc

/// Why a socket could not be used.
enum TimedSocketError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A system call failed; `operation` is its verb.
  case system(operation: String, errno: CInt)
  /// The peer was silent for too long.
  case timedOut(operation: String)

  /// What failed, and why.
  var description: String {
    switch self {
    case .system(let operation, let code): "cannot \(operation): \(String(cString: strerror(code)))"
    case .timedOut(let operation): "cannot \(operation): no answer in time"
    }
  }
}

/// A connected or listening TCP socket; closed with the value.
struct TimedSocket: ~Copyable {
  let descriptor: CInt

  /// Takes over a descriptor.
  init(takingOwnershipOf descriptor: CInt) {
    self.descriptor = descriptor
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
  }

  deinit { close(descriptor) }

  /// Gives the descriptor away.
  consuming func release() -> CInt {
    let descriptor = descriptor
    discard self
    return descriptor
  }

  /// Opens a socket of an address's family in the calling thread's namespace.
  init(for address: SocketAddress) throws(TimedSocketError) {
    let type = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
    descriptor = socket(address.family, CInt(type), 0)
    guard descriptor >= 0 else { throw .system(operation: "open a socket", errno: errno) }
  }

  /// Binds and listens.
  func listen(at address: SocketAddress) throws(TimedSocketError) {
    var one: CInt = 1
    // The connections of a former process may still be about to end.
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<CInt>.size))
    guard address.withPointer({ bind(descriptor, $0, $1) }) == 0, Glibc.listen(descriptor, 64) == 0 else {
      throw .system(operation: "listen", errno: errno)
    }
  }

  /// The next connection; nil when none is waiting.
  func accept() -> TimedSocket? {
    let new = Glibc.accept(descriptor, nil, nil)
    guard new >= 0 else { return nil }
    _ = fcntl(new, F_SETFD, FD_CLOEXEC)
    return TimedSocket(takingOwnershipOf: new)
  }

  /// Connects.
  func connect(to address: SocketAddress, until deadline: ContinuousClock.Instant) throws(TimedSocketError) {
    if address.withPointer({ Glibc.connect(descriptor, $0, $1) }) == 0 { return }
    guard errno == EINPROGRESS else { throw .system(operation: "connect", errno: errno) }
    try wait(POLLOUT, "connect", until: deadline)
    var code: CInt = 0
    var size = socklen_t(MemoryLayout<CInt>.size)
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
    guard code == 0 else { throw .system(operation: "connect", errno: code) }
  }

  /// Writes all of it.
  func write(_ bytes: UnsafeRawBufferPointer, until deadline: ContinuousClock.Instant) throws(TimedSocketError) {
    var offset = 0
    while offset < bytes.count {
      let count = send(descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset, CInt(MSG_NOSIGNAL))
      if count >= 0 {
        offset += count
      } else if errno == EAGAIN {
        try wait(POLLOUT, "write", until: deadline)
      } else if errno != EINTR {
        throw .system(operation: "write", errno: errno)
      }
    }
  }

  /// Writes all of it.
  func write(_ text: String, until deadline: ContinuousClock.Instant) throws(TimedSocketError) {
    let bytes = Array(text.utf8)
    // Typed throws do not pass through the standard library's closures.
    let result: Result<Void, TimedSocketError> = bytes.withUnsafeBytes { buffer in
      do throws(TimedSocketError) { return .success(try write(buffer, until: deadline)) } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  /// Reads what is there after waiting for it; 0 when the peer has ended.
  func read(
    into buffer: UnsafeMutableRawBufferPointer, until deadline: ContinuousClock.Instant
  ) throws(TimedSocketError) -> Int {
    while true {
      let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
      if count >= 0 { return count }
      if errno == EAGAIN {
        try wait(POLLIN, "read", until: deadline)
      } else if errno != EINTR {
        throw .system(operation: "read", errno: errno)
      }
    }
  }

  /// Has the end of the connection be a reset, so that the peer knows that something is missing.
  func resetAtEnd() {
    var now = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
  }

  /// Says that nothing more comes, and waits until the peer has ended too: what it still sends would turn the end into a
  /// reset, which may overtake the last bytes.
  func endGracefully(until deadline: ContinuousClock.Instant) {
    shutdown(descriptor, CInt(SHUT_WR))
    var byte: UInt64 = 0
    while let count = withUnsafeMutableBytes(
      of: &byte,
      { buffer in
        do throws(TimedSocketError) { return try read(into: buffer, until: deadline) as Int? } catch { return nil }
      }), count > 0
    {}
  }

  private func wait(
    _ events: CInt, _ operation: String, until deadline: ContinuousClock.Instant
  ) throws(TimedSocketError) {
    while true {
      let left = (deadline - .now).components
      let milliseconds = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000
      guard deadline > .now else { throw .timedOut(operation: operation) }
      var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
      if poll(&entry, 1, CInt(min(milliseconds + 1, 60_000))) > 0 { return }
    }
  }
}

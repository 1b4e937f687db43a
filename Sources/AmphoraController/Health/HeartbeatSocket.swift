// The controller's UDP socket for heartbeats (contract heartbeat-and-config §3.1) and the thread that reads it, many
// datagrams per system call.

import CSocket
import Glibc
import Synchronization

/// Why there is no socket for heartbeats.
public struct HeartbeatSocketError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What failed: `bind 192.0.2.1 port 5555`.
  public let what: String
  /// The system's reason.
  public let reason: String

  /// What failed and why.
  public var description: String { "heartbeat socket: \(what): \(reason)" }

  init(_ what: String, errno code: Int32) {
    self.what = what
    reason = String(cString: strerror(code))
  }

  init(_ what: String, reason: String) {
    self.what = what
    self.reason = reason
  }
}

/// A bound UDP socket, read by a thread of its own until it is closed.
final class HeartbeatSocket: Sendable {
  /// What the thread does with each batch, called on the thread only.
  typealias Take = (inout DatagramBatch) -> Void

  /// The port the socket is bound to.
  let port: Int
  private let descriptor: Int32
  private let wakeup: Int32
  private let isClosing = Atomic<Bool>(false)
  private let ended = Mutex<(isEnded: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

  private init(descriptor: Int32, wakeup: Int32, port: Int) {
    self.descriptor = descriptor
    self.wakeup = wakeup
    self.port = port
  }

  /// The descriptors are the thread's while it runs; it holds the socket, so nobody reads any more here.
  deinit {
    Glibc.close(descriptor)
    Glibc.close(wakeup)
  }

  /// Opens the socket and starts to read it.
  ///
  /// - Parameters:
  ///   - address: the address to bind to, or a host name whose first address is taken.
  ///   - port: the port; 0 takes a free one.
  ///   - bufferBytes: the kernel's receive buffer (`SO_RCVBUF`); nil leaves the system's default.
  ///   - makeTake: makes what takes batches; called on the thread, so that it can hold what is not for several threads.
  ///   - onEnd: called by the thread when it ends.
  static func open(
    address: String, port: Int, bufferBytes: Int?, makeTake: @escaping @Sendable () -> Take,
    onEnd: @escaping @Sendable () -> Void
  ) async throws -> HeartbeatSocket {
    try await withCheckedThrowingContinuation { continuation in
      let isStarted = PlainThread.start(name: "heartbeats") {
        // On the thread, because looking up a name blocks.
        let opened = Result { try bind(address: address, port: port, bufferBytes: bufferBytes) }
        continuation.resume(with: opened)
        guard let socket = try? opened.get() else { return }
        socket.read(makeTake())
        onEnd()
        socket.markEnded()
      }
      if !isStarted { continuation.resume(throwing: HeartbeatSocketError("start a thread", errno: EAGAIN)) }
    }
  }

  /// Asks the thread to end; returns at once, as often as one likes.
  func close() {
    guard !isClosing.exchange(true, ordering: .sequentiallyConsistent) else { return }
    var one: UInt64 = 1
    _ = write(wakeup, &one, 8)
  }

  /// Waits until the thread has ended: nothing is delivered any more.
  func waitForEnd() async {
    await withCheckedContinuation { continuation in
      let isEnded = ended.withLock { state in
        if !state.isEnded { state.waiting.append(continuation) }
        return state.isEnded
      }
      if isEnded { continuation.resume() }
    }
  }

  private func markEnded() {
    let waiting = ended.withLock { state in
      state.isEnded = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  private func read(_ take: Take) {
    var batch = DatagramBatch()
    var watched = [
      pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: wakeup, events: Int16(POLLIN), revents: 0),
    ]
    while !isClosing.load(ordering: .sequentiallyConsistent) {
      // Waiting datagrams are read until there are none; only then it is worth asking whether to wait.
      if batch.receive(from: descriptor) {
        take(&batch)
      } else {
        poll(&watched, 2, -1)
      }
    }
  }

  // MARK: Opening

  private static func bind(address: String, port: Int, bufferBytes: Int?) throws -> HeartbeatSocket {
    guard (0...65535).contains(port) else {
      throw HeartbeatSocketError("bind \(address) port \(port)", reason: "a port is 0...65535")
    }
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    var list: UnsafeMutablePointer<addrinfo>?
    let result = getaddrinfo(address, "\(port)", &hints, &list)
    guard result == 0, let found = list else {
      throw HeartbeatSocketError("look up \(address)", reason: String(cString: gai_strerror(result)))
    }
    defer { freeaddrinfo(list) }
    let descriptor = socket(
      found.pointee.ai_family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw HeartbeatSocketError("open a socket for \(address)", errno: errno) }
    do {
      try prepare(descriptor, bufferBytes: bufferBytes)
      guard Glibc.bind(descriptor, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0 else {
        throw HeartbeatSocketError("bind \(address) port \(port)", errno: errno)
      }
      let wakeup = eventfd(0, Int32(EFD_CLOEXEC))
      guard wakeup >= 0 else { throw HeartbeatSocketError("make an eventfd", errno: errno) }
      return HeartbeatSocket(descriptor: descriptor, wakeup: wakeup, port: boundPort(descriptor))
    } catch {
      Glibc.close(descriptor)
      throw error
    }
  }

  private static func prepare(_ descriptor: Int32, bufferBytes: Int?) throws {
    var one: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    // Both only add knowledge; a kernel without them receives as well.
    setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &one, size)
    setsockopt(descriptor, SOL_SOCKET, SO_RXQ_OVFL, &one, size)
    guard let bufferBytes, bufferBytes > 0 else { return }
    var bytes = Int32(clamping: bufferBytes)
    // The forced form goes beyond net.core.rmem_max and needs CAP_NET_ADMIN.
    if setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, size) != 0 {
      guard setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, size) == 0 else {
        throw HeartbeatSocketError("set a receive buffer of \(bytes) bytes", errno: errno)
      }
    }
  }

  private static func boundPort(_ descriptor: Int32) -> Int {
    var address = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    withUnsafeMutablePointer(to: &address) {
      _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    // The port stands at the same place for both IP versions.
    return withUnsafeBytes(of: &address) {
      Int(UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
    }
  }
}

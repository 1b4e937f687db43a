// The socket over which root asks a running agent: one line, one answer, end.
//
// On threads of its own, not on the event loops: it must answer just when those do not.

import Files
import Glibc
package import Logging
import ServiceLifecycle
import Synchronization

/// Answers on the control socket for as long as the agent lives.
package final class ControlSocket: Service {
  private struct State {
    var listener: CInt = -1
    var isStopping = false
  }

  private let path: String
  private let answer: @Sendable (String) -> String
  private let logger: Logger
  private let state = Mutex(State())
  private let open = Atomic<Int>(0)

  /// Operators and the metrics' proxy ask once in a while; whoever comes on top is told so.
  private static let mostConnections = 8
  /// The longest line, in bytes.
  private static let longestLine = 256
  /// For the line to come, and for the answer to be taken.
  private static let patience = Duration.seconds(2)

  /// - Parameter answer: called on a thread that may block; gets the line without its end.
  package init(path: String, logger: Logger, answer: @escaping @Sendable (String) -> String) {
    self.path = path
    self.answer = answer
    self.logger = logger
  }

  /// Serves until the program is told to end.
  package func run() async throws {
    await withTaskCancellationOrGracefulShutdownHandler {
      await withCheckedContinuation { continuation in
        let isStarted = BackgroundThread.detach(name: "control") { [self] in
          serve()
          continuation.resume()
        }
        if !isStarted { continuation.resume() }
      }
    } onCancelOrGracefulShutdown: {
      self.stop()
    }
    // A service that returns ends the program; the agent does its work without this one.
    try? await gracefulShutdown()
  }

  /// Serves until ``stop()``; blocks.
  package func serve() {
    var lastFailure = ""
    while !state.withLock({ $0.isStopping }) {
      do throws(TimedSocketError) {
        try listen()
        acceptConnections()
      } catch {
        if lastFailure != "\(error)" {
          logger.error("no control socket", metadata: ["socket": "\(path)", "error": "\(error)"])
        }
        lastFailure = "\(error)"
        poll(nil, 0, 1000)
      }
    }
    let listener = state.withLock { state in
      defer { state.listener = -1 }
      return state.listener
    }
    guard listener >= 0 else { return }
    // The file first: an agent that starts now finds either nobody or its own.
    unlink(path)
    close(listener)
  }

  /// Has ``serve()`` end.
  package func stop() {
    state.withLock { state in
      state.isStopping = true
      // Wakes the thread up, which closes it.
      if state.listener >= 0 { shutdown(state.listener, CInt(SHUT_RDWR)) }
    }
  }

  private func listen() throws(TimedSocketError) {
    guard let address = UnixAddress(path) else { throw .system(operation: "name", errno: ENAMETOOLONG) }
    do throws(DurableFile.Failure) {
      try DurableFile.createDirectory(DurableFile.split(path).folder, mode: 0o755)
    } catch {
      throw .system(operation: "make the folder of", errno: error.errno)
    }
    // One agent does not take another one's socket away.
    if StatsSocket(path: path, timeout: .zero).isListening() { throw .system(operation: "take", errno: EADDRINUSE) }
    unlink(path)
    let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw .system(operation: "open", errno: errno) }
    // Before bind(2), which gives the file this mode: at no moment may others connect (unix(7)).
    guard fchmod(descriptor, 0o600) == 0, address.withPointer({ bind(descriptor, $0, $1) }) == 0,
      Glibc.listen(descriptor, 16) == 0
    else {
      let code = errno
      close(descriptor)
      throw .system(operation: "listen on", errno: code)
    }
    state.withLock { state in
      state.listener = descriptor
      if state.isStopping { shutdown(descriptor, CInt(SHUT_RDWR)) }
    }
  }

  private func acceptConnections() {
    let listener = state.withLock { $0.listener }
    while !state.withLock({ $0.isStopping }) {
      let descriptor = accept(listener, nil, nil)
      guard descriptor >= 0 else {
        // Without files or memory to be had it would spin.
        if errno != EINTR, errno != ECONNABORTED { poll(nil, 0, 100) }
        continue
      }
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      let isTooMany = open.add(1, ordering: .relaxed).newValue > Self.mostConnections
      let isStarted = BackgroundThread.detach(name: "control answer") { [self] in
        let client = TimedSocket(takingOwnershipOf: descriptor)
        isTooMany ? Self.end(client, "error: too many connections\n") : serve(client)
        open.subtract(1, ordering: .relaxed)
      }
      if !isStarted {
        close(descriptor)
        open.subtract(1, ordering: .relaxed)
      }
    }
  }

  private func serve(_ client: borrowing TimedSocket) {
    guard Self.peerUser(client.descriptor) == 0 else { return Self.end(client, "error: only root may ask\n") }
    switch Self.line(client, until: .now + Self.patience) {
    case .line(let line): Self.end(client, answer(line))
    case .tooLong: Self.end(client, "error: the line is longer than \(Self.longestLine) bytes\n")
    // Somebody who only looks whether anybody listens, or is too slow.
    case .none: break
    }
  }

  private static func end(_ client: borrowing TimedSocket, _ answer: String) {
    let deadline = ContinuousClock.now + patience
    try? client.write(answer, until: deadline)
    client.endGracefully(until: deadline)
  }

  private enum Line {
    case line(String)
    case tooLong
    case none
  }

  private static func line(_ client: borrowing TimedSocket, until deadline: ContinuousClock.Instant) -> Line {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: longestLine + 1)
    while true {
      let count = try? chunk.withUnsafeMutableBytes { try client.read(into: $0, until: deadline) }
      guard let count, count > 0 else { return .none }
      bytes += chunk[..<count]
      if let end = bytes.firstIndex(of: UInt8(ascii: "\n")), end <= longestLine {
        return .line(String(decoding: bytes[..<end], as: UTF8.self))
      }
      if bytes.count > longestLine { return .tooLong }
    }
  }

  /// The user of the process that connected; nil when the kernel does not say.
  private static func peerUser(_ descriptor: CInt) -> uid_t? {
    // unix(7): struct ucred is process, user and group, 32 bits each; Swift's Glibc module lacks it (no _GNU_SOURCE).
    var credentials: (process: UInt32, user: UInt32, group: UInt32) = (0, .max, .max)
    var size = socklen_t(MemoryLayout.size(ofValue: credentials))
    guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0,
      Int(size) == MemoryLayout.size(ofValue: credentials)
    else { return nil }
    return credentials.user
  }
}

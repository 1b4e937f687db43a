// A member server of a pool: answers every HTTP request with its name.

import Glibc
package import Netlink
import Synchronization

/// A small HTTP server in a namespace, to be stopped and started again.
package final class HTTPMember: Sendable {
  /// What it answers with.
  package let name: String
  private let namespace: NetworkNamespace
  private let port: UInt16
  private let listener = Mutex<Int32>(-1)
  private let served = Atomic<Int>(0)

  package init(name: String, namespace: NetworkNamespace, port: UInt16) {
    self.name = name
    self.namespace = namespace
    self.port = port
  }

  /// How many requests it has answered; health checks count too.
  package var answered: Int { served.load(ordering: .relaxed) }

  /// Listens on all addresses of its namespace, IPv4 and IPv6.
  package func start() throws {
    let port = port
    let descriptor = try namespace.runBlocking { () throws -> Int32 in
      let descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      var on: Int32 = 1
      setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, 4)
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = port.bigEndian
      let bound = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
        }
      }
      guard bound == 0, listen(descriptor, 1024) == 0 else { throw SandboxError.systemCall("listen", errno: errno) }
      return descriptor
    }
    listener.withLock { $0 = descriptor }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Accepting(member: self, descriptor: descriptor))
    pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let accepting = Unmanaged<Accepting>.fromOpaque(argument).takeRetainedValue()
        accepting.member.serve(accepting.descriptor)
        return nil
      }, box.toOpaque())
    pthread_detach(thread)
  }

  /// Stops listening; connections are refused from now on.
  package func stop() {
    let descriptor = listener.withLock { descriptor in
      defer { descriptor = -1 }
      return descriptor
    }
    guard descriptor >= 0 else { return }
    // Wakes the thread that waits in accept(2); it closes the socket.
    shutdown(descriptor, Int32(SHUT_RDWR))
  }

  private final class Accepting {
    let member: HTTPMember
    let descriptor: Int32
    init(member: HTTPMember, descriptor: Int32) {
      self.member = member
      self.descriptor = descriptor
    }
  }

  private func serve(_ descriptor: Int32) {
    defer { close(descriptor) }
    let body = name + "\n"
    let answer = Array(
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
        .utf8)
    var buffer = [UInt8](repeating: 0, count: 8192)
    while true {
      let connection = accept(descriptor, nil, nil)
      if connection < 0 {
        if errno == EINTR || errno == ECONNABORTED { continue }
        return
      }
      var limit = timeval(tv_sec: 2, tv_usec: 0)
      setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
      var request: [UInt8] = []
      while !request.contains(sequence: Array("\r\n\r\n".utf8)) {
        let count = recv(connection, &buffer, buffer.count, 0)
        guard count > 0 else { break }
        request += buffer[..<count]
      }
      if !request.isEmpty {
        _ = send(connection, answer, answer.count, Int32(MSG_NOSIGNAL))
        served.add(1, ordering: .relaxed)
      }
      close(connection)
    }
  }
}

extension [UInt8] {
  func contains(sequence: [UInt8]) -> Bool {
    guard count >= sequence.count else { return false }
    return (0...(count - sequence.count)).contains { self[$0..<($0 + sequence.count)].elementsEqual(sequence) }
  }
}

// Sockets at either end of a lab's wires. What a packet filter lets through is seen here, as any program would see it.

import Addresses
import Glibc
import Netlink
import Testing

@testable import AmphoraAgent

/// A socket that lives in one namespace of a lab.
final class LabSocket: Sendable {
  /// What is sent over it.
  enum Kind { case tcp, udp, raw(CInt) }

  private let descriptor: CInt

  private init(_ descriptor: CInt) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Opens a socket, bound to an address of its namespace.
  init(_ kind: Kind, at address: String, port: UInt16 = 0, in namespace: NetworkNamespace) throws {
    let place = SocketAddress(try #require(IPAddress(address)), port: port)
    let (type, transport): (__socket_type, CInt) =
      switch kind {
      case .tcp: (SOCK_STREAM, 0)
      case .udp: (SOCK_DGRAM, 0)
      case .raw(let number): (SOCK_RAW, number)
      }
    descriptor = try namespace.runBlocking {
      socket(place.family, CInt(type.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), transport)
    }
    try #require(descriptor >= 0)
    let bound = place.withPointer { bind(descriptor, $0, $1) }
    try #require(bound == 0, "bind to \(address): \(String(cString: strerror(errno)))")
    if case .tcp = kind, port != 0 { try #require(Glibc.listen(descriptor, 8) == 0) }
  }

  /// Begins to connect, or sets where a datagram socket sends to.
  func connect(_ address: String, _ port: UInt16) throws {
    let target = SocketAddress(try #require(IPAddress(address)), port: port)
    let result = target.withPointer { Glibc.connect(descriptor, $0, $1) }
    try #require(result == 0 || errno == EINPROGRESS)
  }

  /// Whether the connection is there, after waiting for it.
  func isConnected(within limit: Duration = .zero) -> Bool {
    guard wait(POLLOUT, limit) else { return false }
    var error: CInt = 0
    var size = socklen_t(MemoryLayout<CInt>.size)
    return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0
  }

  func accept(within limit: Duration = .seconds(10)) throws -> LabSocket {
    try #require(wait(POLLIN, limit), "nobody connected")
    return LabSocket(Glibc.accept(descriptor, nil, nil))
  }

  /// Sends to where it is connected, or to an address.
  func send(_ text: String, to address: String? = nil, _ port: UInt16 = 0) throws {
    try send(Array(text.utf8), to: address, port)
  }

  func send(_ bytes: [UInt8], to address: String? = nil, _ port: UInt16 = 0) throws {
    guard let address else {
      try #require(Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count)
      return
    }
    let target = SocketAddress(try #require(IPAddress(address)), port: port)
    let count = target.withPointer { sendto(descriptor, bytes, bytes.count, 0, $0, $1) }
    try #require(count == bytes.count, "to \(address): \(String(cString: strerror(errno)))")
  }

  /// What arrived, with the IP header where the socket is a raw one for IPv4; throws the test's end when nothing does.
  func receive(within limit: Duration = .seconds(10)) throws -> [UInt8] {
    try #require(wait(POLLIN, limit), "nothing arrived")
    var bytes = [UInt8](repeating: 0, count: 2048)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    try #require(count >= 0, "\(String(cString: strerror(errno)))")
    return Array(bytes[..<count])
  }

  /// Whether nothing has arrived.
  var isIdle: Bool { !wait(POLLIN, .zero) }

  /// Everything until the peer's end, and whether that end was a reset.
  func receiveAll() throws -> (text: String, isReset: Bool) {
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      try #require(wait(POLLIN, .seconds(20)), "no end came")
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count <= 0 { return (String(decoding: all, as: UTF8.self), count < 0 && errno == ECONNRESET) }
      all += chunk[..<count]
    }
  }

  func receiveText() throws -> String { String(decoding: try receive(), as: UTF8.self) }

  /// The error of a receive, such as `ECONNREFUSED` after an ICMP message.
  func receiveError(within limit: Duration = .seconds(10)) -> CInt {
    guard wait(POLLIN, limit) else { return 0 }
    var byte: UInt8 = 0
    return recv(descriptor, &byte, 1, 0) < 0 ? errno : 0
  }

  private func wait(_ events: CInt, _ limit: Duration) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    return poll(&entry, 1, CInt(limit.components.seconds * 1000)) > 0
  }
}

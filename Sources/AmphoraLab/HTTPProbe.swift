// A client of the load balancer: one request, one answer, from inside a namespace.

package import Addresses
import Glibc
package import Netlink

/// What came of a request.
package struct ProbeResult: Sendable {
  /// The status code; nil when the connection failed.
  package var status: Int?
  package var body: String
  /// Why there is no answer.
  package var failure: String?

  package init(status: Int?, body: String, failure: String?) {
    self.status = status
    self.body = body
    self.failure = failure
  }
}

/// Sends plain HTTP requests.
package enum HTTPProbe {
  /// Requests `/` from inside a namespace; waits 5 s at most for each step.
  package static func get(_ address: IPAddress, port: UInt16, from namespace: NetworkNamespace, path: String = "/")
    async -> ProbeResult
  {
    do {
      return try await namespace.run { request(address, port, path) }
    } catch {
      return ProbeResult(status: nil, body: "", failure: "\(error)")
    }
  }

  private static func request(_ address: IPAddress, _ port: UInt16, _ path: String) -> ProbeResult {
    func failure(_ step: String) -> ProbeResult {
      ProbeResult(status: nil, body: "", failure: "\(step): \(String(cString: strerror(errno)))")
    }
    let descriptor = socket(
      address.family == .v4 ? AF_INET : AF_INET6, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return failure("socket") }
    defer { close(descriptor) }
    var limit = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    guard connect(descriptor, to: address, port) == 0 else { return failure("connect") }
    let host = address.family == .v6 ? "[\(address)]" : "\(address)"
    let text = Array("GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n".utf8)
    guard send(descriptor, text, text.count, Int32(MSG_NOSIGNAL)) == text.count else { return failure("send") }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count < 0 { return failure("receive") }
      if count == 0 { break }
      answer += buffer[..<count]
    }
    let lines = String(decoding: answer, as: UTF8.self).split(
      separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
    let words = (lines.first ?? "").split(separator: " ", maxSplits: 2)
    guard words.count >= 2, let status = Int(words[1].prefix(3)) else {
      return ProbeResult(status: nil, body: "", failure: "no HTTP answer")
    }
    return ProbeResult(status: status, body: lines.count > 1 ? String(lines[1]) : "", failure: nil)
  }

  private static func connect(_ descriptor: Int32, to address: IPAddress, _ port: UInt16) -> Int32 {
    switch address.family {
    case .v4:
      var target = sockaddr_in()
      target.sin_family = sa_family_t(AF_INET)
      target.sin_port = port.bigEndian
      withUnsafeMutableBytes(of: &target.sin_addr) { $0.copyBytes(from: address.bytes) }
      return withUnsafePointer(to: &target) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
    case .v6:
      var target = sockaddr_in6()
      target.sin6_family = sa_family_t(AF_INET6)
      target.sin6_port = port.bigEndian
      withUnsafeMutableBytes(of: &target.sin6_addr) { $0.copyBytes(from: address.bytes) }
      return withUnsafePointer(to: &target) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
        }
      }
    }
  }
}

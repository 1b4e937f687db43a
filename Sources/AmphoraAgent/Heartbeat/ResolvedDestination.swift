// A socket address to send to, from getaddrinfo(3).

import Glibc

/// The first address a controller endpoint resolved to.
package struct ResolvedDestination: Sendable, Hashable, CustomStringConvertible {
  /// `AF_INET` or `AF_INET6`.
  package let family: CInt
  /// The `sockaddr_in` or `sockaddr_in6`.
  package let socketAddress: [UInt8]
  /// `address:port` with brackets around IPv6.
  package let description: String

  /// Resolves an address literal without asking anybody; nil for a name.
  package static func literal(_ endpoint: ControllerEndpoint) -> ResolvedDestination? {
    lookUp(endpoint, flags: AI_NUMERICHOST | AI_NUMERICSERV)
  }

  /// Resolves a name as the system is set up to; may block for as long as name servers do not answer.
  package static func resolve(_ endpoint: ControllerEndpoint) -> ResolvedDestination? {
    lookUp(endpoint, flags: AI_NUMERICSERV)
  }

  private static func lookUp(_ endpoint: ControllerEndpoint, flags: CInt) -> ResolvedDestination? {
    var hints = addrinfo()
    hints.ai_socktype = CInt(SOCK_DGRAM.rawValue)
    hints.ai_flags = flags
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(endpoint.host, String(endpoint.port), &hints, &list) == 0 else { return nil }
    defer { freeaddrinfo(list) }
    var entry = list
    while let found = entry?.pointee {
      if found.ai_family == AF_INET || found.ai_family == AF_INET6, let address = found.ai_addr {
        return ResolvedDestination(family: found.ai_family, address: address, length: found.ai_addrlen)
      }
      entry = found.ai_next
    }
    return nil
  }

  private init(family: CInt, address: UnsafeMutablePointer<sockaddr>, length: socklen_t) {
    self.family = family
    socketAddress = Array(UnsafeRawBufferPointer(start: address, count: Int(length)))
    var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
    getnameinfo(
      address, length, &host, socklen_t(host.count), &port, socklen_t(port.count), NI_NUMERICHOST | NI_NUMERICSERV)
    let hostText = Self.text(host)
    description = (family == AF_INET6 ? "[\(hostText)]" : hostText) + ":" + Self.text(port)
  }

  private static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

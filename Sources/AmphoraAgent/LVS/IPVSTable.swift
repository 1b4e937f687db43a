// /proc/net/ip_vs: the kernel's virtual services with their real servers (contract services §5.8).

import Addresses

/// The kernel's table at one moment.
package struct IPVSTable: Hashable, Sendable {
  /// A member that the kernel sends traffic to.
  package struct Server: Hashable, Sendable {
    package var endpoint: LVSEndpoint
    /// 0 for a member that is drained.
    package var weight: Int
    /// Connections with traffic in both directions.
    package var activeConnections: Int
  }

  /// A virtual service.
  package struct Service: Hashable, Sendable {
    package var transport: LVSTransport
    package var endpoint: LVSEndpoint
    package var servers: [Server] = []
  }

  /// The UDP and SCTP services, in the kernel's order.
  package private(set) var services: [Service] = []

  /// Reads the text; what is neither a service nor a server of one is passed over.
  package init(parsing text: String) {
    var isInService = false
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split(whereSeparator: \.isWhitespace)
      guard words.count >= 2, let first = words.first else { continue }
      if first == "->" {
        guard isInService, let server = Server(words) else { continue }
        services[services.count - 1].servers.append(server)
      } else if let transport = LVSTransport(rawValue: String(first)), let endpoint = LVSEndpoint(kernel: words[1]) {
        isInService = true
        services.append(Service(transport: transport, endpoint: endpoint))
      } else {
        // A service of another kind, whose servers are none of ours.
        isInService = false
      }
    }
  }

  /// The services at a listener's addresses.
  func services(of listener: LVSConfiguration) -> [Service] {
    services.filter { service in
      (listener.transport ?? service.transport) == service.transport && listener.addresses.contains(service.endpoint)
    }
  }
}

extension IPVSTable.Server {
  /// From the words of `-> ADDRESS:PORT FORWARD WEIGHT ACTIVE INACTIVE`; nil for the line with the columns' names.
  fileprivate init?(_ words: [Substring]) {
    guard words.count >= 6, let endpoint = LVSEndpoint(kernel: words[1]), let weight = Int(words[3]),
      let active = Int(words[4])
    else { return nil }
    self.init(endpoint: endpoint, weight: weight, activeConnections: active)
  }
}

extension LVSEndpoint {
  /// From the kernel's form: `C0000215:0035`, or `[2001:0db8:…:0010]:14E9`.
  init?(kernel text: Substring) {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let (host, digits) = (text[..<colon], text[text.index(after: colon)...])
    guard digits.utf8.count == 4, digits.isHexadecimal, let port = UInt16(digits, radix: 16) else { return nil }
    if host.hasPrefix("["), host.hasSuffix("]"), let address = IPAddress(host.dropFirst().dropLast()) {
      self.init(address: address, port: port)
      return
    }
    guard host.utf8.count == 8, host.isHexadecimal, let number = UInt32(host, radix: 16),
      let address = IPAddress(bytes: (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) })
    else { return nil }
    self.init(address: address, port: port)
  }
}

extension Substring {
  /// Digits alone; integers' own parsers take a sign too.
  fileprivate var isHexadecimal: Bool { allSatisfy { $0.isASCII && $0.isHexDigit } }
}

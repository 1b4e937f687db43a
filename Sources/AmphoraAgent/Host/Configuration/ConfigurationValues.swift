// The types of option values: choices as enums, so that no other code compares configuration texts.

/// How a load balancer is spread over amphorae.
package enum Topology: String, CaseIterable, Sendable, Hashable {
  case single = "SINGLE"
  /// Two amphorae, of which VRRP elects the one that holds the VIP.
  case activeStandby = "ACTIVE_STANDBY"
}

/// A version of TLS (or its predecessor), ordered from old to new.
package enum TLSVersion: String, CaseIterable, Sendable, Hashable, Comparable {
  case sslv3 = "SSLv3"
  case tlsv1 = "TLSv1"
  case tlsv11 = "TLSv1.1"
  case tlsv12 = "TLSv1.2"
  case tlsv13 = "TLSv1.3"

  /// Orders by age.
  package static func < (left: TLSVersion, right: TLSVersion) -> Bool { left.age > right.age }

  private var age: Int { Self.allCases.reversed().firstIndex(of: self) ?? 0 }
}

/// A syslog facility; the raw value is its number (RFC 5424 §6.2.1), which `openlog(3)` wants shifted left by three.
package enum SyslogFacility: Int, CaseIterable, Sendable, Hashable {
  case kern = 0
  case user, mail, daemon, auth, syslog, lpr, news, uucp, cron, authpriv, ftp
  case local0 = 16
  case local1, local2, local3, local4, local5, local6, local7

  /// Parses `LOG_USER`, `LOG_LOCAL1` …; as oslo.log does, in any letter case and also without the prefix.
  init?(_ text: String) {
    let name = text.uppercased()
    let bare = name.hasPrefix("LOG_") ? String(name.dropFirst(4)) : name
    guard let found = Self.allCases.first(where: { "\($0)".uppercased() == bare }) else { return nil }
    self = found
  }

  /// The name as written in the file, such as `LOG_LOCAL1`.
  package var name: String { "LOG_" + "\(self)".uppercased() }

  /// The facility part of a syslog priority, as `openlog(3)` takes it.
  package var priorityBits: CInt { CInt(rawValue << 3) }
}

/// One destination of heartbeats as configured: a host name or address literal, and a port.
package struct ControllerEndpoint: Sendable, Hashable, CustomStringConvertible {
  /// A name, or an address literal without brackets, perhaps with a zone (`fe80::1%eth0`).
  package let host: String
  /// The UDP port, 1...65535.
  package let port: UInt16

  /// Splits at the last `:` and removes one pair of brackets around the host (contract §2.8).
  package init?(_ text: some StringProtocol) {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let portText = text[text.index(after: colon)...]
    guard portText.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(portText), port > 0 else {
      return nil
    }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]"), host.count >= 2 { host = host.dropFirst().dropLast() }
    guard !host.isEmpty, host.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7F }) else { return nil }
    self.host = String(host)
    self.port = port
  }

  /// `host:port`, the host in brackets if it contains a colon.
  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

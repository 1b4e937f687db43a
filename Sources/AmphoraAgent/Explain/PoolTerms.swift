// haproxy's words about pools, in Octavia's.

/// Reads what the controller has made of a pool.
enum PoolTerms {
  /// `lb_algorithm`.
  static func algorithm(_ section: HAProxySections.Section) -> String {
    switch section.values(of: "balance")?.first {
    case "roundrobin": "ROUND_ROBIN"
    case "leastconn": "LEAST_CONNECTIONS"
    case "source": "SOURCE_IP"
    case let other: other ?? "haproxy's default algorithm"
    }
  }

  /// The type of `session_persistence`.
  static func persistence(_ section: HAProxySections.Section) -> String? {
    if section.values(of: "cookie") != nil { return "HTTP_COOKIE" }
    for line in section.lines where line.words.first == "stick" && line.words.count > 2 {
      if line.words[1] == "on" { return "SOURCE_IP" }
      if line.words[1] == "store-response" { return "APP_COOKIE (\(line.words[2]))" }
    }
    return nil
  }

  /// The health monitor and the line where it begins; nil when members are not checked.
  static func monitor(_ section: HAProxySections.Section) -> (line: Int, text: String)? {
    guard let checked = section.servers.first(where: { $0.options.contains("check") }) else { return nil }
    var (line, text) = (checked.line, "TCP")
    for option in section.lines where option.words.first == "option" && option.words.count > 1 {
      switch option.words[1] {
      case "httpchk":
        (line, text) = (option.number, "HTTP\(checked.options.contains("check-ssl") ? "S" : "")")
        text += " \(option.words.dropFirst(2).joined(separator: " "))"
      case "ssl-hello-chk": (line, text) = (option.number, "TLS-HELLO")
      case "external-check": (line, text) = (option.number, "PING")
      default: break
      }
    }
    for check in section.lines where check.words.starts(with: ["http-check", "expect"]) {
      text += ", expects \(check.words.last ?? "")"
    }
    if let delay = checked.value(of: "inter") { text += ", every \(delay)" }
    if let timeout = section.lines.first(where: { $0.words.starts(with: ["timeout", "check"]) }) {
      text += ", timeout \(timeout.words.last ?? "")"
    }
    if let rise = checked.value(of: "rise") { text += ", up after \(rise)" }
    if let fall = checked.value(of: "fall") { text += ", down after \(fall)" }
    return (line, text)
  }

  /// What distinguishes a member.
  static func options(_ server: HAProxySections.Section.Server) -> String {
    var words = ["weight \(server.value(of: "weight") ?? "1")"]
    if server.options.contains("backup") { words.append("backup") }
    if server.options.contains("disabled") { words.append("switched off") }
    if server.options.contains("ssl") { words.append("spoken to with TLS") }
    let (address, port) = (server.value(of: "addr"), server.value(of: "port"))
    if address != nil || port != nil {
      words.append("checked at \(address ?? "its address")\(port.map { " port \($0)" } ?? "")")
    }
    return words.joined(separator: ", ")
  }
}

// A member of a UDP or SCTP pool in lvs-<listener id>.conf (contract §6.3).

/// A member and how it is checked.
struct RealServer {
  let options: RenderingOptions
  let listener: Listener
  /// The pool's enabled monitor.
  let monitor: HealthMonitor?
  let member: Member

  func write(to text: inout ConfigurationText) {
    guard member.adminStateUp else {
      text.entry("# Member \(member.id) is disabled")
      return
    }
    text.entry("# Configuration for Member \(member.id)")
    text.entry("real_server \(member.address) \(member.protocolPort) {")
    text.line("weight \(member.weight)", indent: 8)
    if listener.connectionLimit > 0 { text.line("uthreshold \(listener.connectionLimit)", indent: 8) }
    if let monitor, let block = Self.blockName(monitor) {
      write(block, of: monitor, to: &text)
    } else {
      text.blank()
    }
    text.entry("}")
  }

  private func write(_ block: String, of monitor: HealthMonitor, to text: inout ConfigurationText) {
    text.line("\(block) {", indent: 8)
    switch monitor.type {
    case .udpConnect:
      let script = "\(options.baseFolderPath)/lvs/check/udp_check.sh"
      text.line("misc_path \"\(script) \(address) \(port)\"", indent: 12)
      text.line("misc_timeout \(monitor.timeout)", indent: 12)
    case .sctp:
      let command = "amphora-health-checker sctp -t \(monitor.timeout)"
      text.line("misc_path \"\(command) \(address) \(port)\"", indent: 12)
      // One second more than the command takes, so that it can say itself what went wrong.
      text.line("misc_timeout \(monitor.timeout + 1)", indent: 12)
    default:
      if monitor.type == .http { writeURLs(monitor, to: &text) }
      text.line("connect_ip \(address)", indent: 12)
      text.line("connect_port \(port)", indent: 12)
      text.line("connect_timeout \(monitor.timeout)", indent: 12)
    }
    text.line("}", indent: 8)
  }

  private func writeURLs(_ monitor: HealthMonitor, to text: inout ConfigurationText) {
    let path = Escaping.html(monitor.urlPath?.rawValue ?? "/")
    for code in monitor.expectedCodes?.codes ?? [] {
      text.line("url {", indent: 12)
      text.line("path \(path)", indent: 14)
      text.line("status_code \(code)", indent: 14)
      text.line("}", indent: 12)
    }
  }

  private static func blockName(_ monitor: HealthMonitor) -> String? {
    switch monitor.type {
    case .udpConnect, .sctp: "MISC_CHECK"
    case .tcp: "TCP_CHECK"
    case .http: monitor.httpMethod == .get ? "HTTP_GET" : nil
    case .https, .ping, .tlsHello: nil
    }
  }

  private var address: AddressText { member.monitorAddress ?? member.address }
  private var port: Int { member.monitorPort ?? member.protocolPort }
}

// The namespace of the traffic interfaces, and certificates.

extension StatusScreen {
  func addNetwork(_ text: inout ScreenText) {
    let network = snapshot.network
    text.blank()
    text.add([Span("network \(network.namespace)", .strong)])
    if let problem = network.problem {
      text.add([Span("  \(problem)", .bad)])
      return
    }
    addInterfaces(&text)
    var routes = TextTable([
      .left("TABLE"), .left("DESTINATION", least: 12), .left("VIA", least: 9), .left("THROUGH"),
      .left("SOURCE", least: 9),
    ])
    for route in network.routes {
      routes.add([
        Span(route.table == 254 ? "main" : "\(route.table)"), Span(route.destination), Span(route.gateway ?? "-"),
        Span(route.interface ?? "-"), Span(route.source ?? "-"),
      ])
    }
    for line in routes.lines(width: style.width) { text.add(line) }
    if !network.rules.isEmpty { text.field("rules", indent: 2, labelWidth: 5, network.rules.map { Span($0) }) }
  }

  private func addInterfaces(_ text: inout ScreenText) {
    let unit = rates == nil ? "" : "/S"
    var table = TextTable([
      .left("INTERFACE"), .left("LINK"), .right("MTU"), .left("MAC"), .right("RX\(unit)"), .right("TX\(unit)"),
      .right("DROPS"), .right("ERRORS"),
    ])
    for interface in snapshot.network.interfaces {
      let traffic = rates?.interfaces[interface.name]
      let received = rates == nil ? Double(interface.receivedBytes) : traffic?.bytesIn
      let sent = rates == nil ? Double(interface.sentBytes) : traffic?.bytesOut
      let drops = interface.receiveDropped &+ interface.sendDropped
      let errors = interface.receiveErrors &+ interface.sendErrors
      table.add(
        [
          Span(interface.name), Span(interface.link, interface.link == "up" ? .good : .bad), Span("\(interface.mtu)"),
          Span(interface.mac ?? "-"), Span(received.map(Quantity.bytes) ?? "-"), Span(sent.map(Quantity.bytes) ?? "-"),
          Span(Quantity.count(Int(clamping: drops)), drops > 0 ? .warning : .plain),
          Span(Quantity.count(Int(clamping: errors)), errors > 0 ? .warning : .plain),
        ], notes: lines(of: interface.addresses))
    }
    if snapshot.network.interfaces.isEmpty { text.add([Span("  no interfaces", .warning)]) }
    for line in table.lines(width: style.width) { text.add(line) }
  }

  /// Addresses, as many in a line as fit.
  private func lines(of addresses: [String]) -> [Span] {
    if addresses.isEmpty { return [Span("no address", .warning)] }
    var lines: [String] = []
    for address in addresses {
      if let last = lines.last, last.count + 1 + address.count <= style.width - 13 {
        lines[lines.count - 1] = "\(last) \(address)"
      } else {
        lines.append(address)
      }
    }
    return lines.map { Span($0, $0.hasSuffix(")") ? .bad : .plain) }
  }

  /// The certificates that end first.
  func addCertificates(_ text: inout ScreenText) {
    let limit = 6
    let all = snapshot.certificates.sorted { ($0.daysLeft ?? .min) < ($1.daysLeft ?? .min) }
    if all.isEmpty { return }
    text.blank()
    text.add([Span("certificates", .strong)])
    var table = TextTable([
      .right("DAYS LEFT"), .left("UNTIL"), .left("OF"), .left("SUBJECT", least: 12), .left("FILE", least: 16),
    ])
    let shown = style.showsAll ? all[...] : all.prefix(limit)
    for certificate in shown {
      let tone: Tone = certificate.daysLeft.map { $0 < 3 ? .bad : $0 < 10 ? .warning : .plain } ?? .bad
      table.add([
        Span(certificate.daysLeft.map { "\($0)" } ?? "?", tone),
        Span(certificate.notAfter.map { Quantity.day(Double($0)) } ?? "-"), Span(names[certificate.owner]),
        Span(certificate.subject ?? certificate.problem ?? "-"), Span(certificate.file),
      ])
    }
    for line in table.lines(width: style.width) { text.add(line) }
    if shown.count < all.count {
      let next = all[shown.count].daysLeft.map { ", the next ends in \(Quantity.of($0, "day"))" } ?? ""
      text.add([Span("  and \(all.count - shown.count) more\(next): --all", .dim)])
    }
  }
}

// `amphora-agent status` as a screen: from the amphora as a whole to its parts.

/// A snapshot on a terminal.
package struct StatusScreen: Sendable {
  let snapshot: AmphoraSnapshot
  let style: ScreenStyle
  /// With `--watch`, from the second look on.
  let rates: StatusRates?
  let names: ShortNames

  /// - Parameter before: an earlier look, for rates.
  package init(_ snapshot: AmphoraSnapshot, since before: AmphoraSnapshot? = nil, style: ScreenStyle) {
    self.snapshot = snapshot
    self.style = style
    rates = StatusRates(from: before, to: snapshot)
    names = snapshot.names
  }

  /// The screen, a line end after each line.
  ///
  /// - Parameter height: the number of lines at most.
  package func text(height: Int? = nil) -> String {
    var text = ScreenText(width: style.width)
    addHead(&text)
    addAttention(&text)
    for balancer in snapshot.loadBalancers { add(balancer, &text) }
    addLVS(&text)
    addNetwork(&text)
    addCertificates(&text)
    return text.render(isColoured: style.isColoured, height: height)
  }

  private func addAttention(_ text: inout ScreenText) {
    let items = Attention(snapshot).items
    text.blank()
    if items.isEmpty {
      text.add([Span("nothing conspicuous", .good), "; 'amphora-agent doctor' looks deeper"])
      return
    }
    let shown = style.showsAll ? items[...] : items.prefix(8)
    // The tone's sign for those without colour: `!!` is bad.
    for item in shown { text.add([Span(item.tone == .bad ? "!! " : " ! ", item.tone), item]) }
    if shown.count < items.count { text.add([Span(" ! \(items.count - shown.count) more: --all", .warning)]) }
  }

  func age(_ seconds: Double) -> String { Quantity.age(seconds) }

  /// `running for 2d4h`, in the tone that it deserves.
  func state(_ service: ServiceFacts) -> Span {
    if service.isStoppedByOrder && !service.isUp { return Span("\(service.state), stopped by a controller", .warning) }
    let since = (service.age ?? (service.isUp ? service.uptime : nil)).map { " for \(age($0))" } ?? ""
    return Span(service.state + since, service.isUp ? .good : .bad)
  }

  /// Process, memory and restarts of a service.
  func process(_ service: ServiceFacts) -> [Span] {
    var parts: [Span] = []
    if let pid = service.pid { parts.append(Span("pid \(pid)")) }
    if let uptime = service.uptime, let age = service.age, age - uptime > 60 || uptime - age > 60 {
      parts.append(Span("process \(Quantity.age(uptime)) old"))
    }
    if let memory = service.memoryBytes { parts.append(Span(Quantity.bytes(Double(memory)))) }
    if let failure = service.failure { parts.append(Span("failed: \(failure)", .bad)) }
    if let restarts = service.restarts, restarts > 0 {
      parts.append(Span("started again \(Quantity.of(restarts, "time"))", .warning))
    }
    return parts
  }
}

// What is to be said about the sections of a haproxy.cfg.

import AmphoraProtocol

/// Goes through a configuration's sections.
struct ExplanationNotes {
  typealias Note = HAProxyExplanation.Note
  typealias Section = HAProxySections.Section

  let id: LoadBalancerID
  let sections: HAProxySections
  let live: LiveRows?
  let information: BalancerObservation.Answer?
  /// Seconds since 1970.
  let now: Int64

  init(_ id: LoadBalancerID, _ sections: HAProxySections, _ live: BalancerObservation.Answer?, now: Int64) {
    self.id = id
    self.sections = sections
    self.live = live.map { LiveRows($0.table, sections) }
    information = live
    self.now = now
  }

  /// All notes, by section.
  var all: [Note] { sections.sections.flatMap(notes) }

  private func notes(_ section: Section) -> [Note] {
    let name = section.name ?? ""
    switch section.kind {
    case "global": return [global(section)]
    case "defaults":
      return [Note(line: section.number, kind: .defaults, text: "what holds for all listeners and pools below")]
    case "peers":
      return [
        Note(line: section.number, kind: .peers, text: "the haproxy of each amphora of the pair; they share tables")
      ]
    case "frontend" where name.hasPrefix("prometheus-exporter"):
      return [other(section, "haproxy's metrics, for the proxy on this amphora; no object of Octavia's")]
    case "backend" where name.hasPrefix("prometheus-exporter"):
      return [other(section, "the proxy that answers PROMETHEUS listeners; no object of Octavia's")]
    case "frontend": return listener(section, name) + certificates(section) + policies(section)
    case "backend" where name.contains(":"): return pool(section, name)
    default: return [other(section, "no object of Octavia's")]
    }
  }

  private func other(_ section: Section, _ text: String) -> Note {
    Note(line: section.number, kind: .other, text: text)
  }

  private func global(_ section: Section) -> Note {
    var text = "load balancer \(id)"
    if let live = information {
      let (open, limit) = (live.number("CurrConns") ?? 0, live.number("Maxconn") ?? 0)
      text += "; haproxy \(live.information["Version"] ?? "?")"
      if let worker = live.worker { text += ", process \(worker)" }
      if let age = live.number("Uptime_sec") { text += ", for \(BalancerText.age(seconds: age))" }
      text += ", \(BalancerText.number(open)) of \(BalancerText.number(limit)) connections"
    }
    return Note(line: section.number, kind: .loadBalancer, id: id.text, text: text)
  }

  private func listener(_ section: Section, _ name: String) -> [Note] {
    let binds = section.lines.filter { $0.words.first == "bind" && $0.words.count > 1 }
    let places = binds.map { $0.words[1].hasSuffix(",") ? String($0.words[1].dropLast()) : $0.words[1] }
    let isTLS = binds.contains { $0.words.contains("ssl") }
    let pool = section.values(of: "default_backend")?.first
    let mode = section.values(of: "mode")?.first
    let kind =
      if pool == "prometheus-exporter-internal" {
        "PROMETHEUS"
      } else if mode == "http" {
        isTLS ? "TERMINATED_HTTPS" : "HTTP"
      } else {
        "TCP, or HTTPS that is passed through"
      }
    var text = "listener \(name): \(kind) on \(places.joined(separator: ", "))"
    if let pool, let colon = pool.firstIndex(of: ":") { text += "; default pool \(pool[..<colon])" }
    let row = live?.frontend(name)
    if let row { text += "; \(row.listenerText)" } else if live != nil { text += "; haproxy does not run it" }
    return [Note(line: section.number, kind: .listener, id: name, text: text, state: row?.state)]
  }

  private func pool(_ section: Section, _ name: String) -> [Note] {
    let parts = name.split(separator: ":", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { return [other(section, "no object of Octavia's")] }
    let row = live?.backend(name)
    var text = "pool \(parts[0]) of listener \(parts[1])"
    let mode = section.values(of: "mode")?.first
    text += ": \(mode?.uppercased() ?? "?"), \(PoolTerms.algorithm(section))"
    if let persistence = PoolTerms.persistence(section) { text += ", session persistence \(persistence)" }
    if let row { text += "; \(row.poolText)" } else if live != nil { text += "; haproxy does not run it" }
    var notes = [Note(line: section.number, kind: .pool, id: parts[0], text: text, state: row?.state)]
    if let (line, monitor) = PoolTerms.monitor(section) {
      notes.append(Note(line: line, kind: .healthMonitor, text: "health monitor of the pool: \(monitor)"))
    }
    for server in section.servers {
      let member = live?.member(server.id, of: name)
      var text = "member \(server.id) at \(server.address), \(PoolTerms.options(server))"
      if let member { text += "; \(member.text)" } else if live != nil { text += "; haproxy does not run it" }
      notes.append(Note(line: server.line, kind: .member, id: server.id, text: text, state: member?.state))
    }
    return notes
  }
}

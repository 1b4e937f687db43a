// From haproxy's statistics and its configuration to listeners, pools and members. haproxy keeps addresses and algorithms from users of a
// stats socket of level `user`, so they come from the configuration.

import Addresses

/// Where listeners listen and members are, by the text of haproxy.cfg.
struct HAProxyAddresses: Hashable, Sendable {
  /// By frontend.
  private(set) var binds: [String: [String]] = [:]
  /// By `<backend>/<server>`.
  private(set) var servers: [String: String] = [:]
  /// By backend, what chooses the member.
  private(set) var algorithms: [String: String] = [:]

  init(parsing text: String) {
    var section: (kind: Substring, name: Substring) = ("", "")
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split(whereSeparator: \.isWhitespace)
      guard let start = line.first, let first = words.first else { continue }
      if !start.isWhitespace {
        section = (first, words.count > 1 ? words[1] : "")
      } else if first == "bind", words.count > 1, section.kind == "frontend" {
        binds[String(section.name), default: []].append(Self.endpoint(words[1]))
      } else if first == "server", words.count > 2, section.kind == "backend" {
        servers["\(section.name)/\(words[1])"] = Self.endpoint(words[2])
      } else if first == "balance", words.count > 1, section.kind == "backend" {
        algorithms[String(section.name)] = String(words[1])
      }
    }
  }

  /// With brackets around an IPv6 address, which the configuration does without.
  private static func endpoint(_ text: Substring) -> String {
    guard let colon = text.lastIndex(of: ":"), IPAddress(text[..<colon])?.family == .v6 else { return String(text) }
    return "[\(text[..<colon])]\(text[colon...])"
  }
}

/// Listeners and pools of one haproxy.
struct HAProxyReading: Sendable {
  private(set) var listeners: [ListenerFacts] = []
  private(set) var pools: [PoolFacts] = []

  /// - Parameters:
  ///   - table: nil when haproxy does not answer; then there are the listeners that the configuration has.
  init(_ table: StatsTable?, _ configuration: HAProxyConfiguration, _ addresses: HAProxyAddresses) {
    listeners = configuration.frontends.map {
      ListenerFacts(id: $0.name, mode: $0.type, binds: addresses.binds[$0.name] ?? [])
    }
    guard let table, let columns = Columns(table) else { return }
    let positions = Dictionary(
      listeners.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    var members: [String: [MemberFacts]] = [:]
    for row in table.rows {
      guard let proxy = row.text(columns.proxy), let server = row.text(columns.server) else { continue }
      if server == "FRONTEND" {
        if let index = positions[proxy] { columns.fill(&listeners[index], row) }
      } else if server == "BACKEND" {
        let members = members.removeValue(forKey: proxy) ?? []
        pools.append(columns.pool(proxy, row, addresses.algorithms[proxy], members))
      } else if !columns.isSocket(row) {
        members[proxy, default: []].append(columns.member(server, row, addresses.servers["\(proxy)/\(server)"]))
      }
    }
  }
}

/// The places of the columns, looked up once.
private struct Columns {
  let proxy: StatsTable.Column
  let server: StatsTable.Column
  let status: StatsTable.Column
  private let places: [String: StatsTable.Column]

  private static let names = [
    "type", "scur", "slim", "stot", "rate", "req_rate", "ereq", "dreq", "hrsp_5xx", "bin", "bout", "qcur", "weight",
    "bck", "check_status", "check_code", "check_duration", "check_desc", "last_chk", "lastchg", "chkdown", "downtime",
    "mode",
  ]

  init?(_ table: StatsTable) {
    guard let proxy = table.column("pxname"), let server = table.column("svname"), let status = table.column("status")
    else { return nil }
    (self.proxy, self.server, self.status) = (proxy, server, status)
    places = Dictionary(
      Self.names.compactMap { name in table.column(name).map { (name, $0) } }, uniquingKeysWith: { first, _ in first })
  }

  func isSocket(_ row: StatsTable.Row) -> Bool { places["type"].map { row.matches($0, "3") } ?? false }

  private func number(_ name: String, _ row: StatsTable.Row) -> Int? { row.number(places[name]) }

  /// nil when the cell is empty.
  private func text(_ name: String, _ row: StatsTable.Row) -> String? {
    row.text(places[name]).flatMap { $0.isEmpty ? nil : $0 }
  }

  func fill(_ listener: inout ListenerFacts, _ row: StatsTable.Row) {
    let isHTTP = text("mode", row) == "http"
    listener.state = row.text(status)
    listener.sessions = number("scur", row)
    listener.sessionLimit = number("slim", row)
    listener.totalSessions = number("stot", row)
    listener.rate = number("rate", row)
    listener.requestRate = isHTTP ? number("req_rate", row) : nil
    listener.requestErrors = number("ereq", row)
    listener.deniedRequests = number("dreq", row)
    listener.serverErrors = isHTTP ? number("hrsp_5xx", row) : nil
    listener.bytesIn = number("bin", row)
    listener.bytesOut = number("bout", row)
  }

  func pool(_ key: String, _ row: StatsTable.Row, _ algorithm: String?, _ members: [MemberFacts]) -> PoolFacts {
    let colon = key.firstIndex(of: ":")
    return PoolFacts(
      id: String(colon.map { key[..<$0] } ?? key[...]), listener: colon.map { String(key[key.index(after: $0)...]) },
      state: row.text(status) ?? "", algorithm: algorithm, sessions: number("scur", row),
      queued: number("qcur", row), members: members)
  }

  func member(_ id: String, _ row: StatsTable.Row, _ address: String?) -> MemberFacts {
    let weight = row.text(places["weight"]) ?? ""
    // `* ` in front means that another check is under way.
    let check = text("check_status", row).map { $0.hasPrefix("* ") ? String($0.dropFirst(2)) : $0 }
    let code = text("check_code", row).map { " \($0)" } ?? ""
    let words = text("check_desc", row).map { $0 + code }
    let answer = text("last_chk", row)
    return MemberFacts(
      id: id, address: address, state: StatsTable.memberStatus(row.text(status) ?? "", weight: weight),
      weight: Int(weight), isBackup: number("bck", row) == 1, sessions: number("scur", row),
      queued: number("qcur", row), check: check.map { $0 + code },
      reason: words.map { words in answer.map { "\(words): \($0)" } ?? words } ?? answer,
      checkMilliseconds: number("check_duration", row), changed: number("lastchg", row),
      timesDown: number("chkdown", row), downtime: number("downtime", row))
  }
}

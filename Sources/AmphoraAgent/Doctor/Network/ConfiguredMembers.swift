// The members of all pools, as the configurations on disk name them.

import Addresses
import AmphoraProtocol
import Files

/// A member that traffic goes to.
struct ConfiguredMember: Hashable, Sendable {
  /// What listens there.
  enum Transport: Hashable, Sendable { case tcp, datagrams }

  let address: IPAddress
  let port: UInt16
  let transport: Transport
  /// The member's id.
  let id: String
  /// The pool's id, as far as the configuration tells.
  let pool: String

  /// `10.0.0.21 port 80 (member m of pool p)`.
  var description: String { "\(address) port \(port) (member \(id) of pool \(pool))" }
}

/// The members of an amphora.
struct ConfiguredMembers: Sendable {
  /// The enabled ones, but for those that a running haproxy has found in order a moment ago.
  private(set) var unknown: [ConfiguredMember] = []
  /// The pools that have a member in order.
  private(set) var livePools: Set<String> = []

  init() {}

  /// Reads the configurations of load balancers and of UDP and SCTP listeners on disk; blocks.
  init(_ paths: AgentPaths) {
    // A pool of two listeners has its members twice.
    var seen: Set<ConfiguredMember> = []
    let balancers = LoadBalancerStore(paths: paths)
    for id in balancers.ids() {
      guard let bytes = try? balancers.configuration(of: id) else { continue }
      let up = Self.serversUp(StatsSocket(path: paths.statsSocket(of: id), timeout: .milliseconds(500)))
      for (backend, member) in Self.parse(String(decoding: bytes, as: UTF8.self)) {
        if up.contains(Server(backend: backend, name: member.id)) {
          livePools.insert(member.pool)
        } else if seen.insert(member).inserted {
          unknown.append(member)
        }
      }
    }
    let listeners = LVSStore(paths: paths)
    for id in listeners.ids() {
      guard let configuration = try? listeners.parsed(id), !configuration.isDisabled else { continue }
      unknown += configuration.members.compactMap { member in
        guard let endpoint = member.endpoint, !member.isDisabled else { return nil }
        let member = ConfiguredMember(
          address: endpoint.address, port: endpoint.port, transport: .datagrams, id: member.id,
          pool: configuration.pool ?? "-")
        return seen.insert(member).inserted ? member : nil
      }
    }
  }

  /// The servers of a configuration's backends (contract config-rendering, `server ID ADDRESS:PORT …`) that are not
  /// disabled.
  static func parse(_ text: String) -> [(backend: String, member: ConfiguredMember)] {
    var backend = ""
    var members: [(backend: String, member: ConfiguredMember)] = []
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split(whereSeparator: \.isWhitespace)
      guard let first = words.first else { continue }
      if line.first?.isWhitespace == false { backend = first == "backend" && words.count > 1 ? String(words[1]) : "" }
      guard first == "server", words.count > 2, !backend.isEmpty, !words.contains("disabled"),
        let colon = words[2].lastIndex(of: ":"), let port = UInt16(words[2][words[2].index(after: colon)...]),
        let address = IPAddress(words[2][..<colon].trimmingBrackets)
      else { continue }
      // Named by pool and listener.
      let pool = String(backend.prefix { $0 != ":" })
      members.append(
        (
          backend,
          ConfiguredMember(address: address, port: port, transport: .tcp, id: String(words[1]), pool: pool)
        ))
    }
    return members
  }

  private struct Server: Hashable {
    let backend: String
    let name: String
  }

  /// Servers whose check succeeds; none when haproxy does not answer, or has no check for them.
  private static func serversUp(_ socket: StatsSocket) -> Set<Server> {
    // Connecting fails at once when no haproxy runs.
    guard let table = try? socket.showStat(), let status = table.column("status"), let backend = table.column("pxname"),
      let name = table.column("svname")
    else { return [] }
    return table.rows.reduce(into: []) { up, row in
      // `UP`, or `UP 1/2` when it begins to fail.
      guard row.bytes(status).starts(with: "UP".utf8), let backend = row.text(backend), let name = row.text(name) else {
        return
      }
      up.insert(Server(backend: backend, name: name))
    }
  }
}

extension Substring {
  /// `[2001:db8::1]` without its brackets.
  fileprivate var trimmingBrackets: Substring { hasPrefix("[") && hasSuffix("]") ? dropFirst().dropLast() : self }
}

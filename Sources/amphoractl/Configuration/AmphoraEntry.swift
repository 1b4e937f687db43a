// The amphorae an operator talks to: by name or id from the configuration, or spelled out as ID@ADDRESS.

import Addresses
import AmphoraController
import AmphoraProtocol
import Yams

/// An amphora with its name and address.
struct AmphoraEntry: Sendable, Hashable {
  /// The name in the configuration; the id where there is none.
  let name: String
  let id: AmphoraID
  let address: IPAddress
  /// The interface of a link-local address.
  let zone: String?
  /// The port; nil for the configured one.
  let port: Int?

  /// Reads `amphorae:`, a mapping from names to `{id, address, port}`.
  static func read(_ node: Node, path: String) throws(CommandFailure) -> [AmphoraEntry] {
    if node.null != nil { return [] }
    let line = node.mark?.line ?? 0
    guard let mapping = node.mapping else {
      throw CommandFailure(
        .usage, "\(path):\(line): amphorae must be names with values, such as: web-1: {id: …, address: 192.0.2.10}")
    }
    var entries: [AmphoraEntry] = []
    for (key, value) in mapping {
      let entry = try read(name: key.string ?? "", value, place: "\(path):\(key.mark?.line ?? line)")
      if let twin = entries.first(where: { $0.id == entry.id }) {
        throw CommandFailure(
          .usage, "\(path):\(key.mark?.line ?? line): amphora '\(entry.name)' has the id of '\(twin.name)'")
      }
      entries.append(entry)
    }
    return entries
  }

  private static func read(name: String, _ node: Node, place: String) throws(CommandFailure) -> AmphoraEntry {
    let what = "\(place): amphora '\(name)'"
    guard !name.isEmpty, !name.contains("@") else {
      throw CommandFailure(.usage, "\(what): a name must not be empty or contain @")
    }
    var fields: [String: String] = [:]
    for (key, value) in node.mapping ?? [:] {
      guard let field = key.string, ["id", "address", "port"].contains(field), let text = value.scalar?.string else {
        throw CommandFailure(
          .usage, "\(what): unknown key '\(key.string ?? "")'", hint: "Known are: id, address, port.")
      }
      fields[field] = text
    }
    guard let id = fields["id"].flatMap({ AmphoraID($0) }) else {
      throw CommandFailure(.usage, "\(what): id is missing or is none: \(fields["id"] ?? "")")
    }
    guard let (address, zone) = fields["address"].flatMap({ parse(address: $0) }) else {
      throw CommandFailure(.usage, "\(what): address is missing or is no IP address: \(fields["address"] ?? "")")
    }
    let port = fields["port"].map { Int($0) ?? 0 }
    guard port.map({ (1...65535).contains($0) }) ?? true else {
      throw CommandFailure(.usage, "\(what): port must be an integer from 1 to 65535")
    }
    return AmphoraEntry(name: name, id: id, address: address, zone: zone, port: port)
  }

  /// Parses `ID@ADDRESS`, `ID@ADDRESS:PORT`, `ID@[IPV6]:PORT`, with a zone as in `fe80::1%eth0`.
  init?(text: String) {
    let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let id = AmphoraID(parts[0]), let (host, port) = HostAndPort.split(String(parts[1])),
      let (address, zone) = Self.parse(address: host)
    else { return nil }
    self.init(name: id.text, id: id, address: address, zone: zone, port: port)
  }

  init(name: String, id: AmphoraID, address: IPAddress, zone: String?, port: Int?) {
    self.name = name
    self.id = id
    self.address = address
    self.zone = zone
    self.port = port
  }

  private static func parse(address: String) -> (IPAddress, zone: String?)? {
    let parts = address.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
    guard let ip = IPAddress(parts[0]), parts.count == 1 || !parts[1].isEmpty else { return nil }
    return (ip, parts.count == 2 ? String(parts[1]) : nil)
  }
}

/// `HOST`, `HOST:PORT`, `[IPV6]:PORT` or a bare IPv6 address.
enum HostAndPort {
  static func split(_ text: String) -> (host: String, port: Int?)? {
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { return nil }
      let host = String(text[text.index(after: text.startIndex)..<end])
      let rest = text[text.index(after: end)...]
      if rest.isEmpty { return (host, nil) }
      guard rest.hasPrefix(":"), let port = port(rest.dropFirst()) else { return nil }
      return (host, port)
    }
    guard text.count(where: { $0 == ":" }) == 1, let colon = text.firstIndex(of: ":") else { return (text, nil) }
    guard let port = port(text[text.index(after: colon)...]) else { return nil }
    return (String(text[..<colon]), port)
  }

  private static func port(_ text: Substring) -> Int? {
    Int(text).flatMap { (0...65535).contains($0) ? $0 : nil }
  }
}

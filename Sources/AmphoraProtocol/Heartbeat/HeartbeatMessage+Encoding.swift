// The message as JSON without a blank: a large load balancer's heartbeat must fit one datagram (contract
// heartbeat-and-config §2.9). Written by hand because it runs every interval for thousands of members.

extension HeartbeatMessage {
  /// The message as compact JSON in the layout of version 2 and later; a nil ``pools`` leaves the key out.
  ///
  /// A listener without ``Listener/stats`` is written with zeros, because receivers drop the statistics of a whole
  /// message over one missing number.
  public func encoded() -> [UInt8] {
    var json = JSONBytes()
    json.reserve(256 + 180 * listeners.count + (pools ?? []).reduce(0) { $0 + 110 + 48 * $1.members.count })
    json.raw("{\"id\":")
    json.string(id)
    if let sequence {
      json.raw(",\"seq\":")
      json.integer(sequence)
    }
    json.raw(",\"listeners\":{")
    for (index, listener) in listeners.enumerated() { listener.encode(into: &json, first: index == 0) }
    json.raw("}")
    if let pools {
      json.raw(",\"pools\":{")
      for (index, pool) in pools.enumerated() { pool.encode(into: &json, first: index == 0) }
      json.raw("}")
    }
    json.raw(",\"ver\":")
    json.integer(version ?? Self.currentVersion)
    json.raw("}")
    return json.bytes
  }
}

extension HeartbeatMessage.Listener {
  fileprivate func encode(into json: inout JSONBytes, first: Bool) {
    if !first { json.raw(",") }
    json.string(id)
    json.raw(":{\"status\":")
    json.string(status)
    let stats = stats ?? HeartbeatMessage.Stats()
    json.raw(",\"stats\":{\"tx\":")
    json.integer(stats.bytesOut)
    json.raw(",\"rx\":")
    json.integer(stats.bytesIn)
    json.raw(",\"conns\":")
    json.integer(stats.connections)
    json.raw(",\"totconns\":")
    json.integer(stats.totalConnections)
    json.raw(",\"ereq\":")
    json.integer(stats.requestErrors)
    json.raw("}}")
  }
}

extension HeartbeatMessage.Pool {
  fileprivate func encode(into json: inout JSONBytes, first: Bool) {
    if !first { json.raw(",") }
    json.string(key)
    json.raw(":{\"status\":")
    json.string(status)
    json.raw(",\"members\":{")
    for (index, member) in members.enumerated() {
      if index > 0 { json.raw(",") }
      json.string(member.id)
      json.raw(":")
      json.string(member.status)
    }
    json.raw("}}")
  }
}

/// A growing JSON text.
private struct JSONBytes {
  private(set) var bytes: [UInt8] = []

  mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

  /// Appends text that is JSON already.
  mutating func raw(_ text: StaticString) {
    text.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }

  /// Appends a decimal number.
  mutating func integer(_ value: Int) {
    var rest = value.magnitude
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    let start = bytes.count
    repeat {
      bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    bytes[start...].reverse()
  }

  /// Appends a quoted string; text beyond ASCII stands as UTF-8 (RFC 8259 §8.1).
  mutating func string(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0..<0x20:
        let digits: StaticString = "0123456789abcdef"
        raw("\\u00")
        digits.withUTF8Buffer {
          bytes.append($0[Int(byte >> 4)])
          bytes.append($0[Int(byte & 15)])
        }
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}

// Reading a message of any version (contract heartbeat-and-config §3.3). Only what makes the message useless as a whole is
// an error; a damaged part is left out and named in `defects`, because a receiver that drops the message declares a
// living amphora dead.

extension HeartbeatMessage {
  /// Reads a JSON text.
  public init(json: [UInt8]) throws(HeartbeatRejection) {
    guard String(validating: json, as: UTF8.self) != nil else { throw .notUTF8 }
    let value: JSONValue
    do { value = try JSONValue.parse(json) } catch { throw .notJSON(reason: error.reason, offset: error.offset) }
    guard case .object(let object) = value else { throw .notAnObject }
    guard case .string(let id)? = object["id"] else { throw .malformed("'id' is no string") }
    guard case .object(let listeners)? = object["listeners"] else { throw .malformed("'listeners' is no object") }
    self.init(id: id, sequence: nil)
    switch object["ver"] {
    case nil: version = nil
    case .integer(let version)?: self.version = version
    default: throw .malformed("'ver' is no integer")
    }
    if case .integer(let sequence)? = object["seq"] { self.sequence = sequence }
    var reader = PartReader()
    self.listeners = listeners.members.map { reader.listener(id: $0.key, $0.value) }
    if (version ?? 0) >= 2 {
      pools = reader.pools(object["pools"], where: "'pools'")
    } else {
      pools = reader.nestedPools(listeners)
    }
    defects = reader.defects
  }
}

/// Reads the parts of a message and notes what cannot be used.
private struct PartReader {
  var defects: [String] = []

  mutating func listener(id: String, _ value: JSONValue) -> HeartbeatMessage.Listener {
    guard case .object(let object) = value else {
      defects.append("listener '\(id)' is no object")
      return HeartbeatMessage.Listener(id: id, status: "", stats: nil)
    }
    return HeartbeatMessage.Listener(
      id: id, status: status(object, of: "listener '\(id)'"), stats: stats(object["stats"], of: id))
  }

  private mutating func status(_ object: JSONObject, of owner: String) -> String {
    guard case .string(let status)? = object["status"] else {
      defects.append("\(owner) has no status")
      return ""
    }
    return status
  }

  private mutating func stats(_ value: JSONValue?, of listener: String) -> HeartbeatMessage.Stats? {
    guard case .object(let object)? = value else {
      defects.append("listener '\(listener)' has no stats")
      return nil
    }
    func count(_ key: String) -> Int? {
      guard case .integer(let value)? = object[key], value >= 0 else { return nil }
      return value
    }
    guard let bytesOut = count("tx"), let bytesIn = count("rx"), let connections = count("conns"),
      let totalConnections = count("totconns"), let requestErrors = count("ereq")
    else {
      defects.append("listener '\(listener)' has a missing, negative or non-integer number in its stats")
      return nil
    }
    return HeartbeatMessage.Stats(
      bytesOut: bytesOut, bytesIn: bytesIn, connections: connections, totalConnections: totalConnections,
      requestErrors: requestErrors)
  }

  /// The pools of versions 0 and 1, each inside its listener.
  mutating func nestedPools(_ listeners: JSONObject) -> [HeartbeatMessage.Pool]? {
    var all: [HeartbeatMessage.Pool] = []
    for (id, value) in listeners.members {
      guard case .object(let listener) = value, listener["pools"] != nil else { continue }
      guard let pools = pools(listener["pools"], where: "'pools' of listener '\(id)'") else { return nil }
      all.append(contentsOf: pools)
    }
    return all
  }

  /// One object of pools; nil as soon as one of them cannot be used.
  mutating func pools(_ value: JSONValue?, where place: String) -> [HeartbeatMessage.Pool]? {
    guard case .object(let object)? = value else {
      defects.append("\(place) is missing or no object")
      return nil
    }
    var pools: [HeartbeatMessage.Pool] = []
    for (key, value) in object.members {
      guard case .object(let pool) = value, case .object(let members)? = pool["members"] else {
        defects.append("pool '\(key)' is no object with members")
        return nil
      }
      pools.append(
        HeartbeatMessage.Pool(
          key: key, status: status(pool, of: "pool '\(key)'"), members: members.members.map { member($0.key, $0.value) }
        ))
    }
    return pools
  }

  private mutating func member(_ id: String, _ value: JSONValue) -> HeartbeatMessage.Member {
    guard case .string(let status) = value else {
      defects.append("member '\(id)' has no status")
      return HeartbeatMessage.Member(id: id, status: "")
    }
    return HeartbeatMessage.Member(id: id, status: status)
  }
}

// The size policy: whatever the load balancer's size, something must arrive, because silence means failover (contract
// heartbeat-and-config §2.9).

import AmphoraProtocol

/// A sealed heartbeat that fits one UDP datagram.
struct HeartbeatDatagram {
  /// What was done to make the message fit.
  enum Form: String, Sendable, Hashable, CaseIterable {
    /// Everything, compressed normally.
    case complete
    /// Everything, compressed as hard as possible.
    case compressedHarder = "compressed harder"
    /// Pools that several listeners share stand once.
    case sharedPoolsMerged = "shared pools merged"
    /// Listeners only: controllers count the amphora as alive and leave pools and members as they are.
    case withoutPools = "without pools"
  }

  let bytes: [UInt8]
  let form: Form

  /// Seals a message in the first form that fits; nil when not even the listeners fit.
  static func seal(_ message: HeartbeatMessage, key: HeartbeatKey) throws(ZlibFailure) -> HeartbeatDatagram? {
    for form in Form.allCases {
      var message = message
      switch form {
      case .complete, .compressedHarder: break
      case .sharedPoolsMerged: message.pools = merged(message.pools ?? [])
      case .withoutPools: message.pools = nil
      }
      let bytes = try HeartbeatEnvelope.seal(message, key: key, effort: form == .complete ? .standard : .best)
      if bytes.count <= HeartbeatEnvelope.maximumPayloadIPv4 { return HeartbeatDatagram(bytes: bytes, form: form) }
    }
    return nil
  }

  /// One entry per pool: receivers key on the pool's id.
  ///
  /// Where listeners see a pool differently, the worse state counts.
  static func merged(_ pools: [HeartbeatMessage.Pool]) -> [HeartbeatMessage.Pool] {
    var merged: [HeartbeatMessage.Pool] = []
    var positions: [Substring: Int] = [:]
    for pool in pools {
      guard let position = positions[pool.poolID] else {
        positions[pool.poolID] = merged.count
        merged.append(pool)
        continue
      }
      merged[position].status = worse(merged[position].status, pool.status)
      var known: [String: Int] = [:]
      for (index, member) in merged[position].members.enumerated() { known[member.id] = index }
      for member in pool.members {
        if let index = known[member.id] {
          merged[position].members[index].status = worse(merged[position].members[index].status, member.status)
        } else {
          merged[position].members.append(member)
        }
      }
    }
    return merged
  }

  private static func worse(_ left: String, _ right: String) -> String {
    // Unknown words rank between: they must hide neither a failure nor, behind an UP, themselves.
    func badness(_ status: String) -> Int {
      if status.hasPrefix("DOWN") { return 5 }
      if status == "MAINT" { return 4 }
      if status == "DRAIN" { return 2 }
      if status == "no check" { return 1 }
      return status.hasPrefix("UP") ? 0 : 3
    }
    return badness(right) > badness(left) ? right : left
  }
}

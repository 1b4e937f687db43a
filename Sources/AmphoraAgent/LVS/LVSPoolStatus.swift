// From a listener's configuration and the kernel's table to the states that controllers are told (contract services §5.8).

import AmphoraProtocol

/// The states of a listener's pool and members.
enum LVSPoolStatus {
  /// Judges by the table of contract services §5.8; nil when there is no pool to report.
  ///
  /// Unlike upstream, which tells of one disabled member only, each is `MAINT`; and a pool without real servers is `UP` as
  /// long as keepalived has not taken up its configuration, because controllers would show an error at each change (§8
  /// items 15 and 19).
  ///
  /// - Parameters:
  ///   - servers: the real servers of the listener's services; nil when they could not be read.
  ///   - isRestarting: keepalived does not run the present configuration yet.
  static func of(
    _ configuration: LVSConfiguration, servers: [IPVSTable.Server]?, isRestarting: Bool
  ) -> HeartbeatMessage.Pool? {
    guard let pool = configuration.pool else { return nil }
    // What is not known is not reported as a failure (contract heartbeat-and-config §7 row 3).
    let isWaiting = isRestarting || servers == nil
    let present = servers ?? []
    let isDown = present.isEmpty && configuration.hasChecks && !isWaiting
    let absent = isWaiting ? "RESTARTING" : "DOWN"
    let members = configuration.members.map { member in
      let found = present.filter { $0.endpoint == member.endpoint }
      let status =
        if member.isDisabled {
          "MAINT"
        } else if found.isEmpty {
          // keepalived takes a member out when its check fails; without checks nobody can say that it is down.
          present.isEmpty && !configuration.hasChecks && servers != nil ? "no check" : absent
        } else if found.allSatisfy({ $0.weight == 0 }) {
          "DRAIN"
        } else {
          configuration.hasChecks ? "UP" : "no check"
        }
      return HeartbeatMessage.Member(id: member.id, status: status)
    }
    return HeartbeatMessage.Pool(key: pool, status: isDown ? "DOWN" : "UP", members: members)
  }
}

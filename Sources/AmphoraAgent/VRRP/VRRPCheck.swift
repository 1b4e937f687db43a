// What keepalived runs every few seconds to learn whether haproxy still answers (contract services §3.6). Only silence
// counts as a failure; what haproxy says is not looked at.

/// The check behind `haproxy-vrrp-check SOCKET…`.
package enum VRRPCheck {
  /// One bound for all sockets together: below keepalived's default interval of 5 s, so that checks never overlap.
  static let limit = Duration.seconds(4)

  /// Asks every haproxy; on the amphora that has the VIP, keepalived's check then goes on looking until shortly before the
  /// next one (``VRRPWatch``).
  ///
  /// - Returns: the exit code: 0 when all answered, 1 when a socket is missing, refuses or is silent for too long,
  ///   otherwise the number of empty answers, 255 at most.
  package static func run(sockets: [String]) -> Int32 {
    let deadline = ContinuousClock.now + limit
    var silent: Int32 = 0
    for path in sockets {
      let left = deadline - ContinuousClock.now
      guard left > .zero, let answer = try? StatsSocket(path: path, timeout: left).query("show stat -1 -1 -1") else {
        return 1
      }
      if answer.isEmpty { silent += 1 }
    }
    guard silent == 0, let watch = VRRPWatch(sockets: sockets) else { return min(silent, 255) }
    return watch.run() ? 0 : 1
  }
}

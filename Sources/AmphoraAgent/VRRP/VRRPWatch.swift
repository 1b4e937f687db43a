// Watching haproxy between two checks, on the amphora that has the VIP.
//
// keepalived runs the check every `interval` seconds (the controller's default is 5) and believes the second failure in a
// row. Were a check one look, a haproxy that ends right after it would hold the VIP for two intervals. So a check that has
// passed stays and goes on looking until shortly before the next one is due: the end is the first failure, the next check
// the second, and the peer has the VIP after at most one interval and the margin.

import Addresses
import Files
import Glibc
import Netlink

/// The rest of a check that has passed.
struct VRRPWatch {
  /// What keepalived's configuration says.
  struct Settings: Hashable {
    /// The shortest time in which keepalived runs the check again or ends it.
    let interval: Duration
    /// The addresses that keepalived moves.
    let vips: [IPAddress]
  }

  let sockets: [StatsSocket]
  let end: ContinuousClock.Instant
  /// Two looks a quarter of a second apart tell an end from the moment in which the service manager starts haproxy again.
  var pause = Duration.milliseconds(250)

  /// What a check needs after the watch: to end before the next one is due, also on a busy machine.
  private static let margin = Duration.seconds(1)

  /// Looks until the end; whether haproxy was there.
  ///
  /// - Parameters:
  ///   - now: The time.
  ///   - sleep: Lets time pass between two looks.
  func run(now: () -> ContinuousClock.Instant = { .now }, sleep: (Duration) -> Void = Self.sleep) -> Bool {
    var wasMissing = false
    while true {
      let isMissing = !sockets.allSatisfy { $0.isListening() }
      let left = end - now()
      if isMissing && (wasMissing || left <= .zero) { return false }
      if left <= .zero { return true }
      wasMissing = isMissing
      sleep(min(pause, left))
    }
  }

  private static func sleep(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    usleep(useconds_t(max(1, seconds * 1_000_000 + attoseconds / 1_000_000_000_000)))
  }
}

extension VRRPWatch {
  /// The watch that this process has to keep; nil where one look is all that is wanted: on the amphora without the VIP,
  /// which must be quick to become fit again, and when somebody else than keepalived asks.
  init?(sockets paths: [String]) {
    guard let first = paths.first, let slash = first.lastIndex(of: "/"), let check = CheckProcess.ofKeepalived() else {
      return nil
    }
    let folder = first[..<slash]
    guard let text = FileRead.text("\(folder)/vrrp/octavia-keepalived.conf"), let settings = Settings(text),
      // Other checks follow this one, and need the time.
      FileRead.names(in: "\(folder)/vrrp/check_scripts").count == 1,
      let present = try? NetlinkSocket().addresses(), present.contains(where: { settings.vips.contains($0.address) })
    else { return nil }
    let left = settings.interval - Self.margin - check.age
    guard left > .zero else { return nil }
    self.init(sockets: paths.map { StatsSocket(path: $0) }, end: .now + left)
  }
}

extension VRRPWatch.Settings {
  /// Reads what is needed of a configuration; nil when it is not there, or in another form than controllers write.
  init?(_ configuration: String) {
    var times: [Int] = []
    var vips: [IPAddress] = []
    var isInVIPs = false
    for line in configuration.split(whereSeparator: \.isNewline) {
      let words = line.split(whereSeparator: \.isWhitespace)
      guard let first = words.first else { continue }
      if first == "interval" || first == "timeout" {
        guard words.count == 2, let seconds = Int(words[1]), (1...3600).contains(seconds) else { return nil }
        times.append(seconds)
      } else if first == "virtual_ipaddress" {
        isInVIPs = true
      } else if first == "}" {
        isInVIPs = false
      } else if isInVIPs, let vip = IPAddress(first.prefix { $0 != "/" }) {
        vips.append(vip)
      }
    }
    guard let shortest = times.min(), !vips.isEmpty else { return nil }
    interval = .seconds(shortest)
    self.vips = vips
  }
}

/// The script that keepalived has started and this process belongs to.
private struct CheckProcess {
  /// Since its start; keepalived counts from there.
  let age: Duration

  /// nil when the process was started by somebody else.
  static func ofKeepalived() -> CheckProcess? {
    // keepalived makes each script the leader of a process group, so that it can end all of it.
    guard let leader = ProcessStatus(getpgrp()), let parent = ProcessStatus(leader.parent),
      parent.name.hasPrefix("keepalived")
    else { return nil }
    return CheckProcess(age: leader.age)
  }
}

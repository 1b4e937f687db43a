// What haproxy makes of the files: the one that it would start with, and one that the agent did not take.

import Files

/// Whether haproxy would start with its configuration.
struct SyntaxRule: BalancerRule {
  let name = "haproxy-configuration"

  func findings(_ seen: BalancerObservation) -> [Finding] {
    let path = seen.paths.configuration(of: seen.id)
    guard let file = seen.file else {
      guard FileRead.exists(path) else { return [] }
      return [.failure(name, "\(path) cannot be read", remedy: Self.fromController(seen))]
    }
    switch seen.syntax {
    case .accepted: return [.pass(name, "\(path) is accepted by haproxy")]
    case .unknown(let reason):
      return [.warning(name, "\(path) could not be checked: \(reason)", remedy: "haproxy -c -f \(path)")]
    case .refused(let words):
      let state =
        seen.master == nil ? "haproxy does not start" : "haproxy goes on with an older one, and would not start again"
      return [.failure(name, "\(path): \(words); \(state)", remedy: remedy(file, seen))]
    }
  }

  private func remedy(_ file: BalancerObservation.File, _ seen: BalancerObservation) -> String {
    if !FileRead.exists(seen.paths.userGroupFragment) {
      return "systemctl restart amphora-agent (it writes \(seen.paths.userGroupFragment) anew)"
    }
    // An edit in place changes both: they are two names of one file.
    guard let good = seen.lastGood, good.bytes != file.bytes else { return Self.fromController(seen) }
    let copy = "cp -p \(good.path) \(file.path)"
    return seen.master == nil ? "\(copy), then: \(seen.remedy.start)" : "\(copy) (it is what runs)"
  }

  static func fromController(_ seen: BalancerObservation) -> String {
    "have the controller send it again: openstack loadbalancer failover \(seen.id)"
  }
}

/// Whether the last configuration that came was refused.
struct RejectedConfigurationRule: BalancerRule {
  let name = "haproxy-rejected"

  func findings(_ seen: BalancerObservation) -> [Finding] {
    guard seen.hasFreshRejection, let rejected = seen.rejected else { return [] }
    let words =
      switch seen.rejectedSyntax {
      case .refused(let words): words
      case .accepted: "haproxy accepts it, but did not start with it (\(seen.remedy.journal))"
      case .unknown(let reason): "not checked: \(reason)"
      case nil: "not checked"
      }
    return [
      .warning(
        name, "the last configuration that came was not taken, \(rejected.path): \(words)",
        remedy: "take back the change of listener, pool or policy that this is about (a good upload ends this "
          + "warning), or: rm \(rejected.path)")
    ]
  }
}

// The parts that `amphora-agent doctor` is made of.

/// One thing that can be wrong with an amphora.
///
/// A check changes nothing, ends within a few seconds, and is silent (no findings) about what this amphora does not have, such
/// as VRRP on one that is alone. What another check reports already it does not repeat: one fault, one finding.
package protocol DoctorCheck: Sendable {
  /// Its name in words joined by hyphens, such as `certificate-expiry`.
  var name: String { get }

  /// Looks; one finding for each fault, or one that says what passed.
  func run(_ amphora: LocalAmphora) async -> [Finding]
}

/// All checks, in the order in which they are printed: from the machine upwards to the load balancers.
package enum DoctorChecks {
  package static var all: [any DoctorCheck] { HostChecks.all + NetworkChecks.all + HAProxyChecks.all }
}

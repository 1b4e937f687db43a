// What one check of `amphora-agent doctor` found.

/// A verdict with its evidence, and what mends it.
package struct Finding: Codable, Hashable, Sendable {
  /// How bad it is.
  package enum Verdict: String, Codable, Sendable, CaseIterable {
    /// As it should be.
    case pass = "PASS"
    /// Traffic flows, but will not for ever, or worse than it could.
    case warning = "WARN"
    /// Traffic is down, or nobody would notice if it were.
    case failure = "FAIL"
  }

  /// The name of the check, such as `certificate-expiry`.
  package let check: String
  package let verdict: Verdict
  /// What was seen, on which object: one line.
  package let evidence: String
  /// The command that mends it, or what the controller must do; nil for what passed.
  package let remedy: String?

  private init(_ verdict: Verdict, _ check: String, _ evidence: String, _ remedy: String?) {
    self.check = check
    self.verdict = verdict
    self.evidence = evidence
    self.remedy = remedy
  }

  /// Something is as it should be.
  package static func pass(_ check: String, _ evidence: String) -> Finding { Finding(.pass, check, evidence, nil) }

  /// Something should be looked at in working hours.
  package static func warning(_ check: String, _ evidence: String, remedy: String) -> Finding {
    Finding(.warning, check, evidence, remedy)
  }

  /// Something must be mended now.
  package static func failure(_ check: String, _ evidence: String, remedy: String) -> Finding {
    Finding(.failure, check, evidence, remedy)
  }
}

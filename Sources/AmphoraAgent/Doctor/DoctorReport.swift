// What the doctor says: on a terminal, for machines, and as exit code.

import FoundationEssentials

/// The findings of one examination.
package struct DoctorReport: Codable, Hashable, Sendable {
  /// In the order of ``DoctorChecks/all``.
  package let findings: [Finding]

  package init(findings: [Finding]) { self.findings = findings }

  /// The worst of them.
  package var verdict: Finding.Verdict {
    if findings.contains(where: { $0.verdict == .failure }) { return .failure }
    return findings.contains { $0.verdict == .warning } ? .warning : .pass
  }

  /// 0 when all passed, 1 for warnings, 2 for failures.
  package var exitCode: Int32 {
    switch verdict {
    case .pass: 0
    case .warning: 1
    case .failure: 2
    }
  }

  /// One JSON object with `verdict` and `findings`, and after a repair `repair` with `changes` and `failures`.
  package func json(after repair: Repair.Outcome? = nil) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    struct Body: Encodable {
      let verdict: Finding.Verdict
      let findings: [Finding]
      let repair: Repair.Outcome?
    }
    return String(
      decoding: try encoder.encode(Body(verdict: verdict, findings: findings, repair: repair)), as: UTF8.self)
  }
}

extension DoctorReport {
  /// One line for each finding, those that need an act first, with the act below.
  package var text: String {
    let width = findings.map(\.check.count).max() ?? 0
    var lines: [String] = []
    for verdict in [Finding.Verdict.failure, .warning, .pass] {
      for finding in findings where finding.verdict == verdict {
        let name = finding.check + String(repeating: " ", count: width - finding.check.count)
        lines.append("\(verdict.rawValue)  \(name)  \(finding.evidence)")
        if let remedy = finding.remedy { lines.append("      → \(remedy)") }
      }
    }
    func count(_ verdict: Finding.Verdict, _ name: String, plural: String = "s") -> String {
      let number = findings.count { $0.verdict == verdict }
      return "\(number) \(name)\(number == 1 ? "" : plural)"
    }
    lines.append("\(count(.failure, "failure")), \(count(.warning, "warning")), \(count(.pass, "passed", plural: ""))")
    return lines.joined(separator: "\n")
  }
}

// `amphora-agent doctor` in an amphora, as far as the machine and the agent itself go.

import AmphoraAgent
import AmphoraLab
import Files
import FoundationEssentials
import Testing
import TestSupport

extension LiveAmphora {
  /// What the doctor finds, started as an operator does; without what passed.
  func hostFindings() async throws -> [Finding] { try await hostReport().filter { $0.verdict != .pass } }

  /// All findings of the checks of the machine and the agent.
  func hostReport() async throws -> [Finding] {
    let text = try await run("\(vm.agent) doctor --json").output
    let report = try JSONDecoder().decode(DoctorReport.self, from: Data(text.utf8))
    let names = Set(HostChecks.all.map(\.name))
    return report.findings.filter { names.contains($0.check) }
  }

  /// Does what a finding says.
  func carryOut(_ remedy: String?) async throws {
    let command = try #require(remedy)
    let result = try await vm.run(["/bin/bash", "-c", command])
    #expect(result.isSuccess, "\(command): \(result.output)")
  }
}

/// Faults of one amphora, one after the other.
///
/// What the machine that runs the tests has by itself does not count.
struct HostDoctor {
  let amphora: LiveAmphora
  private let before: [Finding]

  init(_ amphora: LiveAmphora) async throws {
    self.amphora = amphora
    before = try await amphora.hostFindings().filter {
      ["clock", "oom", "memory", "conntrack", "disk"].contains($0.check)
    }
    let others = try await amphora.hostFindings().filter { !before.contains($0) }
    #expect(others == [], "before any fault")
  }

  /// Expects one finding and nothing else; returns it.
  ///
  /// Asked until it is so for a moment, because the agent may take one to end or to try something.
  @discardableResult
  func finds(
    _ verdict: Finding.Verdict, _ check: String, _ words: String, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> Finding {
    var last: [Finding] = []
    let finding = try? await poll("the finding", within: .seconds(5)) { () -> Finding? in
      last = try await amphora.hostFindings().filter { !before.contains($0) }
      guard last.count == 1, let one = last.first, one.check == check, one.verdict == verdict else { return nil }
      return one.evidence.contains(words) ? one : nil
    }
    return try #require(
      finding, "expected \(verdict.rawValue) \(check) '\(words)', not \(last)", sourceLocation: sourceLocation)
  }

  /// Expects that nothing is wrong any more.
  func isClean(sourceLocation: SourceLocation = #_sourceLocation) async throws {
    var last: [Finding] = []
    try? await poll("a clean doctor", within: .seconds(5)) {
      last = try await amphora.hostFindings().filter { !before.contains($0) }
      return last.isEmpty
    }
    #expect(last == [], sourceLocation: sourceLocation)
  }
}

// What `amphora-agent config check` says: everything at once, so that a file is mended in one go.

import FoundationEssentials

/// The judgement on a configuration file.
package struct ConfigurationVerdict: Sendable {
  /// The file, as it was named.
  package let file: String
  /// What prevents the agent from starting with it, in file order.
  package let problems: [ConfigurationProblem]
  /// What does not, but is doubtful.
  package let warnings: [ConfigurationProblem]

  /// Reads and judges a file; never fails.
  package init(file: String, environment: [String: String] = ProcessInfo.processInfo.environment) {
    self.file = file
    do throws(ConfigurationError) {
      let bytes = try AgentConfiguration.readFile(file)
      let (configuration, problems) = AgentConfiguration.judge(bytes, file: file, environment: environment)
      self.problems = problems
      // In a file that could not be read to its end, what seems to be missing may well be there.
      let isWhole = problems.allSatisfy { if case .badValue = $0.kind { true } else { false } }
      warnings = configuration.warnings.filter { warning in
        if case .missing = warning.kind { isWhole } else { true }
      }
    } catch {
      problems = error.problems
      warnings = []
    }
  }

  /// 0 when all is well, 1 for warnings, 2 when the agent would not start.
  package var exitCode: Int32 { problems.isEmpty ? (warnings.isEmpty ? 0 : 1) : 2 }

  /// One line for each problem, then one for each warning, then the sum.
  package var text: String {
    func count(_ number: Int, _ name: String) -> String { "\(number) \(name)\(number == 1 ? "" : "s")" }
    let sum =
      problems.isEmpty && warnings.isEmpty
      ? "\(file): complete and valid"
      : "\(count(problems.count, "error")), \(count(warnings.count, "warning"))"
        + (problems.isEmpty ? "" : ": the agent does not start with this file, and refuses it as an upload")
    return (problems.map { "error: \($0)" } + warnings.map { "warning: \($0)" } + [sum]).joined(separator: "\n")
  }

  /// One JSON object with `file`, `errors` and `warnings`, each of them with `message` and, where there is one, `line` or
  /// `variable`.
  package func json() throws -> String {
    struct Item: Encodable {
      let message: String
      let line: Int?
      let variable: String?

      init(_ problem: ConfigurationProblem) {
        (message, line, variable) = (problem.description, problem.line, problem.variable)
      }
    }
    struct Body: Encodable {
      let file: String
      let errors: [Item]
      let warnings: [Item]
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let body = Body(file: file, errors: problems.map(Item.init), warnings: warnings.map(Item.init))
    return String(decoding: try encoder.encode(body), as: UTF8.self)
  }
}

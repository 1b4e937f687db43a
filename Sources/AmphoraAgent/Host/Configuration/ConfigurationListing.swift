// What `amphora-agent config show` prints: each option with the value in force and the place that decided it.

import FoundationEssentials

/// The effective configuration for people and machines, without secrets.
package struct ConfigurationListing: Sendable {
  /// One option, or one assignment that has no effect.
  package struct Row: Encodable, Hashable, Sendable {
    package let section: String
    package let option: String
    /// `(set)` for a secret; nil when there is neither a value nor a default.
    package let value: String?
    /// `file`, `environment`, `default`, or `unused` for an assignment that the agent does not look at.
    package let from: String
    /// The line of the file.
    package var line: Int?
    /// The environment variable.
    package var variable: String?
  }

  /// The file it was read from.
  package let file: String
  /// Every option of the agent, in the order of ``ConfigurationOption``; behind them what is not used, if asked for.
  package let rows: [Row]

  /// Reads a file.
  ///
  /// - Parameter includesUnused: also list the assignments that the agent does not look at, such as those of controllers,
  ///   misspelt ones, and ones that a later line or the environment overrides.
  package init(
    file: String, environment: [String: String] = ProcessInfo.processInfo.environment, includesUnused: Bool = false
  ) throws(ConfigurationError) {
    let bytes = try AgentConfiguration.readFile(file)
    let configuration = try AgentConfiguration.parse(bytes, file: file, environment: environment)
    self.file = file
    let used = ConfigurationOption.allCases.map { Row($0, in: configuration) }
    let lines = Set(used.compactMap(\.line))
    let assignments = includesUnused ? try INIDocument.parse(bytes, file: file).assignments : []
    rows = used + assignments.filter { !lines.contains($0.line) }.map(Row.init(unused:))
  }

  /// A row for each option by section, with the place in front: `line 12  bind_port = 9443`.
  package var text: String {
    var lines = ["# \(file)"]
    for isUsed in [true, false] {
      let part = rows.filter { ($0.from != "unused") == isUsed }
      if !isUsed, !part.isEmpty { lines += ["", "# Not used by the agent:"] }
      var sections: [String] = []
      for row in part where !sections.contains(row.section) { sections.append(row.section) }
      for section in sections {
        lines += ["", "[\(section)]"] + part.filter { $0.section == section }.flatMap(\.lines)
      }
    }
    return lines.joined(separator: "\n")
  }

  /// One JSON object with `file` and `options`.
  package func json() throws -> String {
    struct Body: Encodable {
      let file: String
      let options: [Row]
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(Body(file: file, options: rows)), as: UTF8.self)
  }
}

extension ConfigurationListing.Row {
  /// What a secret that has a value is shown as.
  static let set = "(set)"

  init(_ option: ConfigurationOption, in configuration: AgentConfiguration) {
    section = option.section
    self.option = option.name
    let text = configuration.text(of: option)
    value = option.isSecret ? text.map { _ in Self.set } : text
    switch configuration.origins[option] ?? .default {
    case .file(_, let line): (from, self.line) = ("file", line)
    case .environment(let variable): (from, self.variable) = ("environment", variable)
    case .default: from = "default"
    }
  }

  init(unused assignment: INIDocument.Assignment) {
    section = assignment.section == "default" ? "DEFAULT" : assignment.section
    option = assignment.key
    // A misspelt option may hold the very secret that it was meant to.
    let name = assignment.key.lowercased()
    value = name.contains("key") || Redaction.isSecretName(name) ? Self.set : assignment.value
    from = "unused"
    line = assignment.line
  }

  /// The row in print; a second line names the environment variable.
  fileprivate var lines: [String] {
    let place = line.map { "line \($0)" } ?? from
    let shown = value.map { $0.isEmpty ? "(empty)" : $0.split(whereSeparator: \.isNewline).joined(separator: "\\n") }
    let column = place + String(repeating: " ", count: max(0, 11 - place.count))
    let row = "\(column)  \(option) = \(shown ?? "(not set)")"
    return [row] + (variable.map { [String(repeating: " ", count: 13) + "(\($0))"] } ?? [])
  }
}

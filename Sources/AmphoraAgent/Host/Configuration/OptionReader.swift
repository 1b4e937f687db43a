// Reads options as typed values out of a document and an environment, and collects every problem on the way.

import Addresses
import Files

/// One pass over the options of a configuration.
struct OptionReader {
  /// The text of an option after substitution, and where it came from.
  struct Found {
    let text: String
    let origin: ValueOrigin
  }

  private let document: INIDocument
  private let environment: [String: String]
  private(set) var origins: [ConfigurationOption: ValueOrigin] = [:]
  private(set) var problems: [ConfigurationProblem] = []
  private(set) var warnings: [ConfigurationProblem] = []

  init(document: INIDocument, environment: [String: String]) {
    self.document = document
    self.environment = environment
  }

  /// The option's text as set by environment or file; nil if neither sets it.
  mutating func find(_ option: ConfigurationOption) -> Found? {
    origins[option] = .default
    for section in option.lookupSections {
      guard let (raw, origin) = raw(section: section, name: option.name) else { continue }
      // An empty integer is "none" (contract §1.3): the next section decides.
      if section != option.lookupSections.last, raw.allSatisfy(\.isWhitespace) { continue }
      origins[option] = origin
      do {
        return Found(text: try substitution.expand(raw, section: section), origin: origin)
      } catch {
        let allowed =
          "a value of at most \(ValueSubstitution.maximumLength) bytes after $ substitution, references at most "
          + "\(ValueSubstitution.maximumDepth) deep"
        refuse(option, Found(text: raw, origin: origin), allowed: allowed)
        return nil
      }
    }
    return nil
  }

  /// The option's text as set, or its default after substitution.
  private mutating func text(_ option: ConfigurationOption) -> Found? {
    if let found = find(option) { return found }
    return option.defaultText.map { Found(text: $0, origin: .default) }
  }

  /// Reads an option with `convert`, which returns nil for what is not `allowed`.
  mutating func read<Value>(
    _ option: ConfigurationOption, allowed: String, fallback: Value, _ convert: (String) -> Value?
  ) -> Value {
    guard let found = text(option) else { return fallback }
    if let value = convert(found.text) { return value }
    refuse(option, found, allowed: allowed)
    return fallback
  }

  mutating func refuse(_ option: ConfigurationOption, _ found: Found, allowed: String) {
    let kind = ConfigurationProblem.Kind.badValue(
      option: option.qualifiedName, value: shown(option, found.text), allowed: allowed)
    problems.append(ConfigurationProblem(kind, file: document.file, origin: found.origin))
  }

  mutating func warn(_ option: ConfigurationOption, _ found: Found, _ consequence: String) {
    let kind = ConfigurationProblem.Kind.doubtful(
      option: option.qualifiedName, value: shown(option, found.text), consequence: consequence)
    warnings.append(ConfigurationProblem(kind, file: document.file, origin: found.origin))
  }

  mutating func warnMissing(_ option: ConfigurationOption, _ consequence: String) {
    let kind = ConfigurationProblem.Kind.missing(option: option.qualifiedName, consequence: consequence)
    warnings.append(ConfigurationProblem(kind, file: document.file))
  }

  /// A value as it may appear in a message: one line, not too long, secrets masked.
  private func shown(_ option: ConfigurationOption, _ text: String) -> String {
    if option.isSecret { return Secret.mask }
    let flat = text.prefix(200).map { $0.isNewline ? "\\n" : String($0) }.joined()
    return flat.isEmpty ? "(empty)" : flat
  }

  private func raw(section: String, name: String) -> (text: String, origin: ValueOrigin)? {
    let variable = ConfigurationOption.environmentVariable(section: section, name: name)
    if let text = environment[variable] { return (text, .environment(variable)) }
    guard let assignment = document.assignment(section: section, key: name) else { return nil }
    return (assignment.value, .file(document.file, line: assignment.line))
  }

  private var substitution: ValueSubstitution {
    ValueSubstitution { section, name in
      if let (text, _) = raw(section: section, name: name) { return text }
      let known = ConfigurationOption.allCases.first {
        $0.name == name && $0.section.lowercased() == section.lowercased()
      }
      // An option without value and default substitutes as an empty text (observed in oslo.config).
      return known.map { $0.defaultText ?? "" }
    }
  }
}

// The value types of contract §1.3.
extension OptionReader {
  mutating func bool(_ option: ConfigurationOption) -> Bool {
    read(option, allowed: "true, 1, on, yes, false, 0, off or no in any letter case", fallback: false) { text in
      switch Self.trim(text).lowercased() {
      case "true", "1", "on", "yes": true
      case "false", "0", "off", "no": false
      default: nil
      }
    }
  }

  mutating func integer(_ option: ConfigurationOption, in range: ClosedRange<Int>) -> Int {
    let allowed = "a decimal integer from \(range.lowerBound) to \(range.upperBound)"
    return read(option, allowed: allowed, fallback: range.lowerBound) { text in
      Int(Self.trim(text)).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  mutating func address(_ option: ConfigurationOption) -> IPAddress {
    read(option, allowed: "an IPv4 or IPv6 address without brackets", fallback: .any(.v6)) { IPAddress(Self.trim($0)) }
  }

  /// An absolute path without `..` segments and control characters; trailing slashes are dropped.
  mutating func path(_ option: ConfigurationOption) -> String {
    // They end up in units and in scripts that keepalived runs.
    let allowed = "an absolute path of letters, digits and /._+-@,:= without .. segments"
    return read(option, allowed: allowed, fallback: "/") { text in
      guard text.hasPrefix("/"), text.utf8.count < 4096,
        text.utf8.allSatisfy({ $0.isASCIIAlphanumeric || "/._+-@,:=".utf8.contains($0) }),
        !text.split(separator: "/").contains("..")
      else { return nil }
      var path = Substring(text)
      while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
      return String(path)
    }
  }

  /// Items joined by commas, each trimmed; empty ones are dropped.
  mutating func list(_ option: ConfigurationOption) -> [String] {
    read(option, allowed: "items joined by commas", fallback: []) { text in
      text.split(separator: ",").map { Self.trim(String($0)) }.filter { !$0.isEmpty }
    }
  }

  mutating func choice<Value: RawRepresentable & CaseIterable>(
    _ option: ConfigurationOption, fallback: Value
  ) -> Value where Value.RawValue == String {
    let allowed = "one of " + Value.allCases.map(\.rawValue).joined(separator: ", ")
    return read(option, allowed: allowed, fallback: fallback) { Value(rawValue: $0) }
  }

  static func trim(_ text: String) -> String {
    var text = Substring(text)
    while text.last?.isWhitespace == true { text.removeLast() }
    while text.first?.isWhitespace == true { text.removeFirst() }
    return String(text)
  }
}

// A parsed oslo.config INI file: assignments with their line numbers, nothing about what the options mean.
// Grammar: contract heartbeat-and-config §1.2; odd cases settled by observing oslo.config itself.

/// The assignments of an INI file in oslo.config's dialect, in file order.
package struct INIDocument: Sendable {
  /// One `key = value`, continuation lines included.
  package struct Assignment: Sendable, Hashable {
    /// The section's name in lower case: names match without regard to case.
    package let section: String
    /// The key as written: keys are case-sensitive.
    package let key: String
    /// The value without surrounding blanks and quotes, before `$` substitution; continuation lines joined by `\n`.
    package let value: String
    /// The line of the key, counted from 1.
    package let line: Int
  }

  /// The largest file read, in bytes.
  ///
  /// Delivered files have about 1 KiB; nova injects no more than 10 KiB.
  package static let maximumSize = 1 << 20

  /// The name of the file, for messages.
  package let file: String
  /// All assignments, repeated ones too.
  package let assignments: [Assignment]
  // The last assignment of a repeated key wins.
  private let effective: [Name: Int]

  private struct Name: Hashable {
    let section: String
    let key: String
  }

  /// Parses a whole file.
  ///
  /// Reports every grammar error in it, not only the first.
  package static func parse(_ bytes: some Collection<UInt8>, file: String) throws(ConfigurationError) -> INIDocument {
    let (document, problems) = parseTolerantly(bytes, file: file)
    guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
    return document
  }

  /// Parses what can be parsed, so that errors of grammar and of values can be reported together.
  static func parseTolerantly(
    _ bytes: some Collection<UInt8>, file: String
  ) -> (document: INIDocument, problems: [ConfigurationProblem]) {
    let text: String
    switch decode(bytes, file: file) {
    case .success(let decoded): text = decoded
    case .failure(let error): return (INIDocument(file: file, assignments: []), error.problems)
    }
    var parser = INIParser(file: file)
    parser.parse(text)
    return (INIDocument(file: file, assignments: parser.assignments), parser.problems)
  }

  init(file: String, assignments: [Assignment]) {
    self.file = file
    self.assignments = assignments
    var effective: [Name: Int] = [:]
    for (index, assignment) in assignments.enumerated() {
      effective[Name(section: assignment.section, key: assignment.key)] = index
    }
    self.effective = effective
  }

  /// The assignment in force for a key; the section's name in any letter case.
  package func assignment(section: String, key: String) -> Assignment? {
    effective[Name(section: section.lowercased(), key: key)].map { assignments[$0] }
  }

  private static func decode(
    _ bytes: some Collection<UInt8>, file: String
  ) -> Result<String, ConfigurationError> {
    func failure(_ kind: ConfigurationProblem.Kind, line: Int? = nil) -> Result<String, ConfigurationError> {
      .failure(ConfigurationError(problems: [ConfigurationProblem(kind, file: file, line: line)]))
    }
    guard bytes.count <= maximumSize else { return failure(.tooLarge(limit: maximumSize)) }
    if let end = bytes.firstIndex(of: 0) {
      return failure(.nulByte, line: 1 + bytes[..<end].count { $0 == UInt8(ascii: "\n") })
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      return failure(.notUTF8, line: invalidLine(bytes))
    }
    return .success(text)
  }

  /// The first line that is not UTF-8 by itself: no multi-byte sequence contains a newline byte.
  private static func invalidLine(_ bytes: some Collection<UInt8>) -> Int {
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    return 1 + (lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0)
  }
}

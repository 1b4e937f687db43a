// What can be wrong with a configuration file. All problems of a file are collected before any is thrown, so that an
// operator mends it in one go. No message quotes a line of the file or the value of a secret.

/// A configuration that was refused, with everything that is wrong with it.
package struct ConfigurationError: Error, Sendable, CustomStringConvertible {
  /// At least one problem, in file order where they have lines.
  package let problems: [ConfigurationProblem]

  /// One problem per line.
  package var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// One thing that is wrong (or, as a warning, doubtful) in a configuration.
package struct ConfigurationProblem: Sendable, Hashable, CustomStringConvertible {
  /// What is wrong.
  package enum Kind: Sendable, Hashable {
    /// The file cannot be opened or read.
    case unreadable(operation: String, message: String)
    /// The path names something else than a regular file.
    case notRegularFile
    /// The file is larger than ``INIDocument/maximumSize``.
    case tooLarge(limit: Int)
    case notUTF8
    case nulByte
    /// A line starts with a blank but no assignment is open before it.
    case unexpectedContinuation
    /// A line starts with `[` but does not end with `]`.
    case unclosedSection
    case emptySectionName
    /// A line is no section, comment, continuation or assignment.
    case noAssignment
    case emptyKey
    case assignmentBeforeSection
    /// An option has a value outside of what is allowed; `value` is already masked if secret.
    case badValue(option: String, value: String, allowed: String)
    /// An option has no value although something will not work without it.
    case missing(option: String, consequence: String)
    /// An option has a value that works but should not be relied on.
    case doubtful(option: String, value: String, consequence: String)
  }

  /// What is wrong.
  package let kind: Kind
  /// The file's name.
  package let file: String
  /// The line, counted from 1, where one is to blame.
  package let line: Int?
  /// The environment variable to blame instead of a line.
  package let variable: String?

  init(_ kind: Kind, file: String, line: Int? = nil, variable: String? = nil) {
    self.kind = kind
    self.file = file
    self.line = line
    self.variable = variable
  }

  init(_ kind: Kind, file: String, origin: ValueOrigin) {
    switch origin {
    case .file(let file, let line): self.init(kind, file: file, line: line)
    case .environment(let variable): self.init(kind, file: file, variable: variable)
    case .default: self.init(kind, file: file)
    }
  }

  /// `FILE:LINE: what is wrong; what is allowed`.
  package var description: String {
    let place = variable.map { "environment variable \($0)" } ?? line.map { "\(file):\($0)" } ?? file
    return "\(place): \(kind.text)"
  }
}

extension ConfigurationProblem.Kind {
  fileprivate var text: String {
    switch self {
    case .unreadable(let operation, let message): "cannot \(operation): \(message)"
    case .notRegularFile: "not a regular file"
    case .tooLarge(let limit): "larger than \(limit) bytes"
    case .notUTF8: "not UTF-8 text"
    case .nulByte: "contains a NUL byte; allowed is UTF-8 text without NUL"
    case .unexpectedContinuation:
      "starts with a blank but continues nothing; allowed are lines that start in column 1, or with a blank right "
        + "below an assignment"
    case .unclosedSection: "section header without closing bracket; allowed is [name] with nothing behind it"
    case .emptySectionName: "section header without a name; allowed is [name]"
    case .noAssignment: "neither section, comment nor assignment; allowed are [name], # text, ; text and key = value"
    case .emptyKey: "assignment without a key; allowed is key = value"
    case .assignmentBeforeSection: "assignment before the first section; allowed after a line such as [DEFAULT]"
    case .badValue(let option, let value, let allowed): "\(option) = \(value): not allowed; allowed is \(allowed)"
    case .missing(let option, let consequence): "\(option) is not set: \(consequence)"
    case .doubtful(let option, let value, let consequence): "\(option) = \(value): \(consequence)"
    }
  }
}

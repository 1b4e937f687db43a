// What a run of init has to tell, one line each. Lines name files and fields, never the contents of files: those may be
// secrets. What the commands of runcmd print is told, as cloud-init does: a command that prints a secret puts it in the log.

/// The outcome of a stage.
package struct BootReport: Sendable {
  /// What was done.
  package private(set) var notes: [String] = []
  /// What could not be done; the rest was.
  package private(set) var problems: [String] = []
  private let tell: @Sendable (String, Severity) -> Void

  /// - Parameter tell: told of each line at once.
  package init(tell: @escaping @Sendable (String, Severity) -> Void = { _, _ in }) { self.tell = tell }

  /// 0 when all was done, 1 otherwise.
  package var exitCode: Int32 { problems.isEmpty ? 0 : 1 }

  mutating func note(_ text: String) {
    notes.append(text)
    tell(text, .info)
  }

  mutating func problem(_ text: String) {
    problems.append(text)
    tell(text, .error)
  }

  /// Takes over the lines of another report.
  mutating func add(_ other: BootReport) {
    for text in other.notes { note(text) }
    for text in other.problems { problem(text) }
  }

  /// Runs a part; its failure is a problem of this part alone.
  ///
  /// - Returns: what the part returns, nil after a failure.
  @discardableResult
  mutating func attempt<T>(_ part: () throws -> T) -> T? {
    do {
      return try part()
    } catch {
      problem("\(error)")
      return nil
    }
  }
}

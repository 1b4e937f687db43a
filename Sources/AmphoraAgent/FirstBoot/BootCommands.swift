// The commands of runcmd.

/// Runs commands one after the other; one that fails is told, and the next runs.
enum BootCommands {
  /// How long a command may take; what it leaves in the background goes on.
  private static let limit = Duration.seconds(300)

  /// Runs them, with what they write as lines of the report.
  static func run(_ commands: [CloudConfig.Command], report: inout BootReport) {
    for (index, command) in commands.enumerated() {
      // The command itself may hold a secret, hence only its number.
      let name = "runcmd[\(index)]"
      let words: [String] =
        switch command {
        case .shell(let text): ["/bin/sh", "-c", text]
        case .arguments(let arguments): arguments
        }
      func tell(_ output: String) {
        for line in output.split(whereSeparator: \.isNewline) { report.note("\(name): \(line)") }
      }
      do throws(ProcessFailure) {
        tell(try NamespaceProcess.run(words[0], Array(words.dropFirst()), within: limit))
        report.note("\(name) done")
      } catch {
        switch error {
        case .notStarted: report.problem("\(name): \(error)")
        case .status(_, let status, let output):
          tell(output)
          report.problem("\(name) ended with status \(status)")
        case .timedOut(_, let limit, let output):
          tell(output)
          report.problem("\(name) did not end within \(limit) and was killed")
        }
      }
    }
  }
}

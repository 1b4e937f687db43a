// `amphora-interface up|down NAME|all`, for the boot and for operators: texts and exit codes of contract networking §4.1.

/// The command line program, apart from its process.
package struct InterfaceCommand: Sendable {
  /// What the process prints and how it ends.
  package struct Result: Hashable, Sendable {
    /// 0, 1 for wrong usage, 2 for an error.
    package let exitCode: Int32
    /// For standard output, one per line.
    package let lines: [String]
    /// For standard error: what came up in part.
    package var warnings: [String] = []
  }

  private let configurator: InterfaceConfigurator

  /// Makes the command; it works in the namespace of the thread that calls ``run(_:)``.
  package init(configurator: InterfaceConfigurator) { self.configurator = configurator }

  /// Runs with the process's arguments, the program's name first.
  ///
  /// The last two are action and interface.
  package func run(_ arguments: [String]) -> Result {
    guard arguments.count >= 2, let name = arguments.last else {
      return Result(exitCode: 1, lines: ["usage: \(arguments.first ?? "amphora-interface") [up|down] <interface>"])
    }
    let action = arguments[arguments.count - 2]
    guard action == "up" || action == "down" else { return failure("Unknown action '\(action)'") }
    let contents = configurator.paths.store.loadAll()
    let files = contents.ordered.filter { name == "all" || $0.name.text == name }
    let unreadable = contents.unreadable.filter { name == "all" || $0.stem == name }
    guard name == "all" || !files.isEmpty || !unreadable.isEmpty else {
      return failure("Could not find interface '\(name)'.")
    }
    var errors = unreadable.map { (interface: $0.stem, reason: "\($0)") }
    var warnings: [String] = []
    for file in files {
      do {
        let outcome = try action == "up" ? configurator.up(file) : configurator.down(file)
        warnings += outcome.warnings.map { "\(file.name): \($0)" }
      } catch {
        errors.append((file.name.text, "\(error)"))
      }
    }
    guard !errors.isEmpty else { return Result(exitCode: 0, lines: [], warnings: warnings) }
    let texts = errors.map { "Error on action '\(action)' for interface \($0.interface): \($0.reason)." }
    var result = failure(texts.joined(separator: ", "))
    result.warnings = warnings
    return result
  }

  private func failure(_ text: String) -> Result {
    Result(exitCode: 2, lines: ["Error: Could not configure interface: \(text)"])
  }
}

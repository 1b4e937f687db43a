// `make bench`: figures of the release agent and of the controller's receiver, each beside its budget and, where it was measured on such a machine, beside
// upstream's agent. A missed budget makes the exit code 1.

import AmphoraLab
import ArgumentParser
import FoundationEssentials

@main
struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "amphora-bench",
    abstract: "Measure the agent (size, start, memory, plugs) and the controller's heartbeat receiver.",
    discussion: """
      Runs in a sandbox of namespaces, as the demo does. Prints a table with medians; needs root.

      Exit codes: 0 all budgets kept, 1 a budget missed or a measurement failed.
      """)

  @Option(help: "The stripped release binary; without it, only the controller's figures are measured.")
  var agent = ""

  @Option(help: "The python of a venv with octavia==19.0.0, for upstream's figure.")
  var python = ".cache/interop-venv/bin/python"

  @Option(help: "Also write the figures as JSON to this file.")
  var json: String?

  func run() async throws {
    do {
      try Sandbox.enter()
      var table = FigureTable()
      if !agent.isEmpty {
        try await BinaryFigures(agent: agent).measure(into: &table)
        try await AgentFigures(agent: agent).measure(into: &table)
        try await PrometheusFigures(agent: agent, python: python).measure(into: &table)
      }
      try await ReceiverFigures(python: python).measure(into: &table)
      table.print()
      if let json { try table.write(to: json) }
      if !table.missed.isEmpty { throw ExitCode(1) }
    } catch let exit as ExitCode {
      throw exit
    } catch {
      print("amphora-bench: \(error)")
      throw ExitCode(1)
    }
  }
}

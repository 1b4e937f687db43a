// `amphora-agent doctor`.

import AmphoraAgent
import ArgumentParser
import Glibc

struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say what is wrong with this amphora, and what mends it.",
    discussion: """
      Works while the agent is down and without the controller; changes nothing.

      EXAMPLE: amphora-agent doctor

      Exit codes: 0 nothing is wrong, 1 warnings, 2 failures.
      """)

  @Option(help: "The configuration file.")
  var configFile = "/etc/octavia/amphora-agent.conf"

  @Flag(help: "Print JSON.")
  var json = false

  func run() async throws {
    let report = await Doctor().examine(LocalAmphora(configurationFile: configFile))
    if json { print(try report.json()) } else { print(report.text) }
    Glibc.exit(report.exitCode)
  }
}

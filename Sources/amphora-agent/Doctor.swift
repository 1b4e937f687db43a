// `amphora-agent doctor`.

import AmphoraAgent
import ArgumentParser
import Glibc

struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say what is wrong with this amphora, and what mends it.",
    discussion: """
      Works while the agent is down and without the controller; changes nothing,
      unless told to.

      With --fix, what is on disk is applied again first: the namespace with its
      settings, interfaces as their files say, and units that are missing, not
      enabled or not running though no controller has stopped them. Each change
      is one line; what is right is left alone. The agent may run meanwhile.

      EXAMPLES:
        amphora-agent doctor
        amphora-agent doctor --fix

      Exit codes: 0 nothing is wrong, 1 warnings, 2 failures; with --fix, those
      that remain.
      """)

  @Option(help: "The configuration file.")
  var configFile = "/etc/octavia/amphora-agent.conf"

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(help: "Apply again what is on disk, then look.")
  var fix = false

  func run() async throws {
    let amphora = LocalAmphora(configurationFile: configFile)
    var repair: Repair.Outcome?
    if fix {
      guard geteuid() == 0 else {
        note("amphora-agent doctor: --fix needs root: sudo amphora-agent doctor --fix")
        Glibc.exit(2)
      }
      let outcome = await Repair.ofThisMachine(amphora).run()
      if !json { print(outcome.text) }
      repair = outcome
    }
    let report = await Doctor().examine(amphora)
    if json { print(try report.json(after: repair)) } else { print(report.text) }
    Glibc.exit(report.exitCode)
  }
}

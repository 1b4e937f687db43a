// `amphora-agent config`.

import AmphoraAgent
import ArgumentParser
import Glibc

struct ConfigCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Judge the agent's configuration file, or show what it comes to.",
    subcommands: [Check.self, Show.self])

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Say everything that is wrong with a configuration file, with line numbers.",
      discussion: """
        Judges the file as the agent does at its start and when a controller uploads one. Environment variables
        OS_<GROUP>__<OPTION> override the file; those of this command count, not those of a running agent.

        EXAMPLE: amphora-agent config check

        Exit codes: 0 complete and valid, 1 valid, but with warnings, 2 the agent would not start with it.
        """)

    @Argument(help: "The configuration file.")
    var file = "/etc/octavia/amphora-agent.conf"

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
      let verdict = ConfigurationVerdict(file: file)
      print(json ? try verdict.json() : verdict.text)
      Glibc.exit(verdict.exitCode)
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show the value of each option that the agent uses, and where it comes from.",
      discussion: """
        In front of each option stands the line of the file, or `environment` with the variable below, or `default`.
        Secrets are shown as (set). A running agent may have other environment variables than this command, and takes
        up only some options while it runs.

        EXAMPLES:
          amphora-agent config show
          amphora-agent config show --all     with what stands in the file but is not used, such as misspelt options

        Exit codes: 0 shown, 2 the file is not valid; what is wrong is on standard error.
        """)

    @Argument(help: "The configuration file.")
    var file = "/etc/octavia/amphora-agent.conf"

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(help: "Also list what the agent does not use.")
    var all = false

    func run() throws {
      do {
        let listing = try ConfigurationListing(
          file: file, includesUnused: all)
        print(json ? try listing.json() : listing.text)
      } catch let error as ConfigurationError {
        note("\(error)")
        Glibc.exit(2)
      }
    }
  }
}

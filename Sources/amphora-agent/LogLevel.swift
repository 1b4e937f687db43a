// `amphora-agent log-level`: another log level for a while, without a restart and without touching the configuration.

import AmphoraAgent
import ArgumentParser
import Glibc

struct LogLevelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log-level",
    abstract: "Show the running agent's log level, or set it for a while.",
    discussion: """
      Without a level it shows the one in force. A level that is set ends with its time, with `log-level configured`, with
      the agent, or when a controller pushes a configuration (PUT /1.0/config) whose debug option differs from the one
      before; the configuration file is not changed. Lines go where the agent's lines go: journalctl -u amphora-agent -f

      EXAMPLES:
        amphora-agent log-level                  what is it now?
        amphora-agent log-level debug --for 10m  ten minutes of detail
        amphora-agent log-level configured       enough of it

      Exit codes: 0 done, 1 the agent is not running, does not answer or refuses, 64 wrong arguments.
      """)

  enum Level: String, ExpressibleByArgument, CaseIterable {
    case debug
    case info
    case configured
  }

  @Argument(help: "debug, info, or configured: back to what the configuration says.")
  var level: Level?

  @Option(name: .customLong("for"), help: "How long: a number with s, m or h, at most 24h.")
  var time = "10m"

  @Option(help: "The configuration file.")
  var configFile = "/etc/octavia/amphora-agent.conf"

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard let span = TimeSpan(time), span.seconds <= ControlCommand.longest else {
      throw ValidationError("--for takes a number with s, m or h, such as 90s, 10m or 2h, and at most 24h.")
    }
  }

  func run() throws {
    let paths = LocalAmphora(configurationFile: configFile).paths
    do throws(AgentControl.Failure) {
      if let command { _ = try AgentControl.ask("\(command)", paths) }
      let report = LogLevelReport(try AgentControl.status(paths))
      print(json ? report.json() : report.text())
    } catch {
      fail("amphora-agent log-level: \(error)")
    }
  }

  private var command: ControlCommand? {
    // Validated before.
    let seconds = TimeSpan(time)?.seconds ?? 600
    return switch level {
    case .debug: .logLevel(.debug, seconds: seconds)
    case .info: .logLevel(.info, seconds: seconds)
    case .configured: .configuredLogLevel
    case nil: nil
    }
  }
}

// `amphora-agent heartbeat`.

import AmphoraAgent
import ArgumentParser
import Glibc

struct HeartbeatCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "heartbeat",
    abstract: "Show the heartbeat that would be sent now, or send one.",
    discussion: """
      Works while the agent is down. Without options nothing is sent and nothing changes: the message is built as the
      agent builds it, with its size, the controllers' addresses, and whether VRRP asks for silence. The traffic in it is
      what the agent has not reported yet.

      --once sends one signed heartbeat to each controller: with the states of now, with zeros for the traffic, which the
      agent itself reports, and without a sequence number. While the agent is down, it makes controllers believe that
      this amphora lives, for as long as their heartbeat_timeout.

      EXAMPLES:
        amphora-agent heartbeat
        amphora-agent heartbeat --once

      Exit codes: 0 would be (was) sent, 1 not whole or not to all controllers, 2 not at all.
      """)

  enum Mode: EnumerableFlag {
    case dryRun
    case once

    static func help(for value: Mode) -> ArgumentHelp? {
      value == .once ? "Send one heartbeat now." : "Show it only (the default)."
    }
  }

  @Flag(exclusivity: .exclusive)
  var mode = Mode.dryRun

  @Option(help: "The configuration file.")
  var configFile = "/etc/octavia/amphora-agent.conf"

  @Flag(help: "Print JSON.")
  var json = false

  func run() async throws {
    let amphora = LocalAmphora(configurationFile: configFile)
    do {
      let configuration = try amphora.configuration.get()
      let preview = try await HeartbeatPreview.build(configuration, paths: amphora.paths)
      switch mode {
      case .dryRun:
        print(json ? try preview.json() : preview.report)
        Glibc.exit(preview.exitCode)
      case .once:
        let heartbeat = try SingleHeartbeat.send(preview, configuration)
        print(json ? try heartbeat.json() : heartbeat.text)
        Glibc.exit(heartbeat.exitCode)
      }
    } catch {
      note("amphora-agent heartbeat: \(error)")
      Glibc.exit(2)
    }
  }
}

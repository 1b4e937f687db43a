// `amphora-agent status`.

import AmphoraAgent
import ArgumentParser
import FoundationEssentials
import Glibc

struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show this amphora on one screen: role, agent, load balancers, members, network, certificates.",
    discussion: """
      Works while the agent is down and without the controller; changes nothing. Of many listeners and members those that
      matter are shown: what is not up, then what is busy. Needs root. Colours go with NO_COLOR=1, and where output is no
      terminal; there COLUMNS says the width.

      EXAMPLES:
        amphora-agent status
        amphora-agent status --watch                     each second, with rates, until Ctrl-C
        amphora-agent status --json | jq '.loadBalancers[].pools[].members[] | select(.state != "UP")'

      Exit codes: 0 shown, whatever it shows; 1 not root. 'amphora-agent doctor' has one for each verdict.
      """)

  @Option(help: "The configuration file.")
  var configFile = "/etc/octavia/amphora-agent.conf"

  @Flag(help: "Redraw each second, with rates instead of totals. With --json, one line each second.")
  var watch = false

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(help: "Show all listeners, pools, members and certificates, also when there are many.")
  var all = false

  func run() async throws {
    guard geteuid() == 0 else { fail("amphora-agent status: only root can see all of it; try again with sudo") }
    let environment = ProcessInfo.processInfo.environment
    if watch {
      try await StatusWatch(
        configurationFile: configFile, environment: environment, showsAll: all, printsJSON: json
      ).run()
      return
    }
    let snapshot = try await AmphoraSnapshot.gather(LocalAmphora(configurationFile: configFile))
    if json {
      print(try snapshot.json())
    } else {
      let style = ScreenStyle.standardOutput(showsAll: all, environment: environment)
      print(StatusScreen(snapshot, style: style).text(), terminator: "")
    }
  }
}

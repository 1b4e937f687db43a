// amphoractl: what an operator outside the amphorae types.

import ArgumentParser
import Glibc

@main
struct Amphoractl: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "amphoractl",
    abstract: "Runs amphorae without the rest of OpenStack: load balancers, certificates, heartbeats, single calls.",
    discussion: """
      Settings come from ~/.config/amphora/config.yaml, AMPHORA_… variables and --set KEY=VALUE; `amphoractl config` \
      shows them.

      EXAMPLE: amphoractl render load-balancer.json --output /tmp/files

      \(ExitStatus.help)
      """,
    subcommands: [
      ApplyCommand.self,
      ShowCommand.self,
      FailoverCommand.self,
      DeleteCommand.self,
      RenderCommand.self,
      ConfigDriveCommand.self,
      CACommand.self,
      HeartbeatCommand.self,
      AmphoraCommand.self,
      ConfigCommand.self,
      CompletionCommand.self,
    ])

  /// As ArgumentParser's own, but a wrong command line ends with status 2, and messages go where ours go.
  static func main() async {
    // A reader that goes away shows as EPIPE.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try await asyncParseAsRoot()
      if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
    } catch {
      let isUsage = exitCode(for: error) != .success
      let message = fullMessage(for: error)
      if !message.isEmpty { StandardStream.write(message + "\n", to: isUsage ? 2 : 1) }
      Glibc.exit(isUsage ? ExitStatus.usage.rawValue : ExitStatus.done.rawValue)
    }
  }
}

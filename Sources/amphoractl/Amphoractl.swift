// amphoractl: what an operator outside the amphorae types.

import ArgumentParser

@main
struct Amphoractl: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "amphoractl",
    abstract: "Runs amphorae without the rest of OpenStack: load balancers, certificates, heartbeats, single calls.")
}

// The multi-call binary of the image. The names that controllers' configurations and people's fingers know are links to it.

import AmphoraAgent
import ArgumentParser
import Glibc

/// Dispatches by the name the program was called by, then by its first argument.
@main
enum Main {
  static func main() async {
    let name = CommandLine.arguments.first.map { $0.split(separator: "/").last.map(String.init) ?? $0 } ?? ""
    let arguments = Array(CommandLine.arguments.dropFirst())
    switch name {
    // Run every few seconds by keepalived: nothing else is set up for them.
    case "haproxy-vrrp-check": exit(VRRPCheck.run(sockets: arguments))
    case "amphora-health-checker": exit(HealthCheckCommand.run(arguments))
    case "prometheus-proxy": await AmphoraAgentCommand.main(["prometheus-proxy"] + arguments)
    case "amphora-interface": await AmphoraAgentCommand.main(["interface"] + arguments)
    // keepalived follows links before it runs a check: amphora-health-checker arrives under the program's own name.
    case _ where arguments.first == "sctp": exit(HealthCheckCommand.run(arguments))
    default: await AmphoraAgentCommand.main(arguments)
    }
  }
}

struct AmphoraAgentCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "amphora-agent",
    abstract: "The agent inside an amphora: takes a controller's orders and runs the load balancer.",
    discussion: """
      In the image, systemd starts `amphora-agent serve`. The other commands are for the boot and for operators; they
      work while the agent is down.
      """,
    version: AgentVersion.current,
    subcommands: [
      Serve.self, Init.self, Interface.self, Netns.self, VRRPCheckCommand.self, HealthCheck.self, Prometheus.self,
      DoctorCommand.self, LogLevelCommand.self, Explain.self, StatusCommand.self, ConfigCommand.self,
      HeartbeatCommand.self, SupportBundleCommand.self,
    ])
}

struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve the API on :9443 and send heartbeats.",
    discussion: """
      Exits with status 1 when the configuration or the certificates are not usable, saying what is wrong and where.
      SIGTERM ends it after the requests in progress; haproxy and keepalived go on.

      EXAMPLE: amphora-agent serve --config-file /etc/octavia/amphora-agent.conf
      """)

  @Option(help: "The configuration file (oslo INI).")
  var configFile = "/etc/octavia/amphora-agent.conf"

  @Option(help: "Who runs haproxy and keepalived: systemd, direct (this process), or auto (systemd where it runs).")
  var supervisor = SupervisorChoice.auto

  func run() async throws {
    do {
      try await AgentProgram(configurationFile: configFile, supervisor: supervisor).run()
    } catch {
      fail("amphora-agent: \(error)")
    }
  }
}

extension SupervisorChoice: ExpressibleByArgument {}

struct Interface: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Bring interfaces of the current network namespace up or down, as their files say.",
    discussion: """
      EXAMPLE: ip netns exec amphora-haproxy amphora-agent interface up eth1

      Exit codes: 0 done, 1 wrong arguments, 2 an interface could not be configured.
      """)

  @Option(help: "The configuration file; it names the folder of the interface files.")
  var configFile = "/etc/octavia/amphora-agent.conf"

  @Argument(help: "up or down, then an interface's name or: all.")
  var words: [String] = []

  func run() async throws {
    let result = await InterfaceProgram.run(configurationFile: configFile, words: words)
    for line in result.lines { print(line) }
    for line in result.warnings { note(line) }
    Glibc.exit(result.exitCode)
  }
}

struct Netns: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Manage the namespace amphora-haproxy.", subcommands: [Up.self], defaultSubcommand: Up.self)

  struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make the namespace with its settings and interfaces from what is on disk; may be repeated.",
      discussion: "Run by amphora-netns.service at boot. EXAMPLE: amphora-agent netns up")

    @Option(help: "The configuration file; it names the folder of the interface files.")
    var configFile = "/etc/octavia/amphora-agent.conf"

    func run() async throws {
      do {
        let failures = try await NamespaceProgram.up(configurationFile: configFile)
        for failure in failures { print(failure) }
        if !failures.isEmpty { Glibc.exit(2) }
      } catch {
        fail("amphora-agent netns up: \(error)")
      }
    }
  }
}

struct VRRPCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vrrp-check", abstract: "Ask haproxy's stats sockets whether they answer; for keepalived.",
    discussion: "Exit codes: 0 all answer, 1 one is missing or silent, else the number of empty answers.")

  @Argument(help: "Paths of stats sockets.")
  var sockets: [String] = []

  func run() throws { Glibc.exit(VRRPCheck.run(sockets: sockets)) }
}

struct HealthCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "health-check",
    abstract: "Ask a member of an SCTP pool whether it is there, in this network namespace; for keepalived.",
    usage: "amphora-agent health-check sctp [-t SECONDS] ADDRESS PORT",
    discussion: """
      EXAMPLE: ip netns exec amphora-haproxy amphora-agent health-check sctp -t 3 192.0.2.21 9

      Exit codes: 0 up, 1 refused, unreachable or wrong arguments, 2 no answer in time, 3 an answer of another kind.
      """)

  @Argument(parsing: .captureForPassthrough, help: .hidden)
  var words: [String] = []

  func run() throws { Glibc.exit(HealthCheckCommand.run(words)) }
}

struct Prometheus: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prometheus-proxy",
    abstract: "Serve metrics to tenants' PROMETHEUS listeners, on 127.0.0.1:9102 of the namespace amphora-haproxy.",
    discussion: """
      Run by prometheus-proxy.service; works while the agent is down. SIGTERM ends it with status 0.

      EXAMPLE: prometheus-proxy --rejected
      """)

  @Flag(help: "Print each line of haproxy's that is not forwarded.")
  var rejected = false

  func run() { PrometheusProgram.run(printsRejected: rejected) }
}

/// Writes a line to standard error.
func note(_ message: String) {
  let bytes = Array((message + "\n").utf8)
  _ = write(2, bytes, bytes.count)
}

/// Ends the program with a message on standard error.
func fail(_ message: String) -> Never {
  note(message)
  exit(1)
}

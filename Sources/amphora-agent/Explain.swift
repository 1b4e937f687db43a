// `amphora-agent explain`.

import AmphoraAgent
import AmphoraProtocol
import ArgumentParser
import Glibc

struct Explain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what a configuration means in Octavia's terms.", subcommands: [HAProxy.self])

  struct HAProxy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "haproxy",
      abstract: "Print haproxy.cfg with comments: which listener, pool, member, and how each is doing.",
      discussion: """
        The file's own lines are printed as they are, so that haproxy accepts the output too; lines that begin with #:
        are added. States come from haproxy's stats socket, when it answers. Octavia's configuration has ids only, no
        names. Works while the agent is down; private keys are not read.

        EXAMPLES:
          amphora-agent explain haproxy | less
          amphora-agent explain haproxy --json 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10

        Exit codes: 0 printed, 1 there is no such load balancer, or no configuration that can be read.
        """)

    @Option(help: "The agent's configuration file.")
    var configFile = "/etc/octavia/amphora-agent.conf"

    @Flag(help: "Print JSON: objects with their line numbers.")
    var json = false

    @Argument(help: "The load balancer's id; needed where there are several.")
    var loadBalancer: String?

    func run() async throws {
      let paths = LocalAmphora(configurationFile: configFile).paths
      do {
        let explanation = try HAProxyExplanation.read(try choose(paths), paths)
        if json { return print(try explanation.json()) }
        // Bytes, not text: what is not UTF-8 must come out as it is.
        var rest = explanation.annotated[...]
        while !rest.isEmpty {
          let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
          guard count > 0 || errno == EINTR else { return }
          rest = rest.dropFirst(max(0, count))
        }
      } catch {
        fail("amphora-agent explain haproxy: \(error)")
      }
    }

    private func choose(_ paths: AgentPaths) throws -> LoadBalancerID {
      let known = LoadBalancerStore(paths: paths).ids()
      if let loadBalancer {
        guard let id = LoadBalancerID(loadBalancer), known.contains(id) else {
          let list = known.map(\.text).joined(separator: ", ")
          throw Unknown(description: "no load balancer \(loadBalancer) below \(paths.base); there are: \(list)")
        }
        return id
      }
      guard let first = known.first else { throw Unknown(description: "no load balancer below \(paths.base)") }
      guard known.count == 1 else {
        throw Unknown(description: "say which load balancer: \(known.map(\.text).joined(separator: ", "))")
      }
      return first
    }
  }

  private struct Unknown: Error, CustomStringConvertible { let description: String }
}

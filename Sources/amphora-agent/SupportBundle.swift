// `amphora-agent support-bundle`.

import AmphoraAgent
import ArgumentParser
import Glibc

struct SupportBundleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "support-bundle",
    abstract: "Pack what helps to find a fault into one file, without secrets.",
    discussion: """
      The file has the doctor's findings, configurations, certificates without keys, haproxy's statistics, addresses,
      routes and counters of both namespaces, and logs. Private keys, passwords, cookies, tokens and the heartbeat key
      are removed; addresses of clients and members are not. MANIFEST.txt in it lists what could not be had, and why.
      Works as root only, while the agent is down too, and takes a minute at most.

      EXAMPLES:
        amphora-agent support-bundle --since 6h
        ssh AMPHORA sudo amphora-agent support-bundle --output - > bundle.tar.zst

      Exit codes: 0 written, 1 written, but some parts could not be had, 2 not written.

      FILES: /var/tmp/amphora-support-ID-TIME.tar.zst, or .tar.gz where zstd(1) is not installed.
      """)

  @Option(help: "The file to write, which must not exist; - for standard output.")
  var output: String?

  @Option(help: "How far back the journal goes: a number with s, m, h or d.")
  var since = "1h"

  @Option(help: "The configuration file.")
  var configFile = "/etc/octavia/amphora-agent.conf"

  func validate() throws {
    guard TimeSpan(since) != nil else {
      throw ValidationError("--since takes a number with s, m, h or d, such as 90m; not \(since).")
    }
  }

  func run() async throws {
    guard geteuid() == 0 else { end("works as root only; try: sudo amphora-agent support-bundle") }
    do {
      let program = SupportBundleProgram(
        amphora: LocalAmphora(configurationFile: configFile), output: output,
        since: .seconds(TimeSpan(since)?.seconds ?? 3600))
      let result = try await program.run { note($0) }
      if output != "-" { print(result.file) }
      Glibc.exit(result.problems > 0 ? 1 : 0)
    } catch {
      end("\(error)")
    }
  }

  private func end(_ message: String) -> Never {
    note("amphora-agent support-bundle: \(message)")
    Glibc.exit(2)
  }
}

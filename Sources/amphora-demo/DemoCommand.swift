// `make demo`: the product's main job, step by step, on one machine and without OpenStack.

import AmphoraLab
import ArgumentParser
import Glibc
import Synchronization

@main
struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "amphora-demo",
    abstract: "Run a load balancer through the amphora agent, on this machine.",
    discussion: """
      Makes a sandbox of network, mount and process namespaces, so that nothing on the host changes, and in it a
      controller, an amphora, a client and two members. Prints one line per step. Needs root.

      Exit codes: 0 all steps succeeded, 1 a step failed, 130 interrupted.

      With DEMO_HOLD=1 in the environment it stays up after the steps until Ctrl-C.
      """)

  @Option(help: "The amphora-agent binary; by default the one beside this program.")
  var agent: String?

  func run() async throws {
    do {
      try Sandbox.enter()
    } catch {
      print("amphora-demo: \(error)")
      throw ExitCode(1)
    }
    Interrupt.install()
    let demo = Demo(agent: agent, holds: getenv("DEMO_HOLD") != nil)
    // The sandbox ends with this process, and takes every process, namespace and mount in it along.
    if try await !demo.run() { throw ExitCode(Interrupt.isRequested ? 130 : 1) }
  }
}

/// Ctrl-C and SIGTERM, noticed between steps and while waiting.
enum Interrupt {
  private static let requested = Atomic<Bool>(false)

  static var isRequested: Bool { requested.load(ordering: .relaxed) }

  static func install() {
    // As the first process of its namespace it would not even receive signals that it does not handle.
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number) { _ in Interrupt.requested.store(true, ordering: .relaxed) }
    }
  }

  /// Waits for Ctrl-C.
  static func wait() async {
    while !isRequested { try? await Task.sleep(for: .milliseconds(100)) }
  }
}

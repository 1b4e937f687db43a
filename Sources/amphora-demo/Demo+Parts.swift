// What several steps of the demo use.

import Addresses
import AmphoraController
import AmphoraLab
import AmphoraProtocol

extension Demo {
  /// Makes the load balancer what the stage wants, and prints the procedure's steps.
  func apply(_ stage: DemoStage, _ title: String) async throws {
    let document = try stage.document()
    try await procedure(title) { _ = try await stage.procedures.apply(document, progress: $0) }
  }

  /// Runs a procedure, with a line per step.
  func procedure(_ title: String, _ body: (@escaping ProgressHandler) async throws -> Void) async throws {
    if Interrupt.isRequested { throw CancellationError() }
    out.show("    \(title)")
    try await body { [out] progress in
      if Interrupt.isRequested { throw CancellationError() }
      switch progress.phase {
      case .started, .performed: break
      case .finished: out.procedureStep(progress, succeeded: true)
      case .tolerated, .failed: out.procedureStep(progress, succeeded: false)
      }
    }
  }

  func hold(_ stage: DemoStage) async {
    guard let amphora = try? stage.amphora, let entrance = try? stage.driver.entrance(of: amphora) else { return }
    // This process has numbers of its own for processes; on the host the agent is the newest with this command line.
    let enter = "nsenter --all --target $(pgrep -nf 'amphora-agent serve')"
    out.show(
      """

        Everything stays up until Ctrl-C. From another terminal, as root:

          \(enter) curl -s localhost:9443                            # inside the amphora; refused without TLS
          \(enter) ip netns exec amphora-haproxy ip addr             # the traffic namespace
          \(enter) cat /var/lib/octavia/\(stage.id)/haproxy.cfg
          \(enter) ip netns exec amphora-haproxy curl -s http://\(DemoStage.vip)/   # through the load balancer

          \(enter) cat /run/amphora-agent/haproxy-\(stage.id).service.log
          nsenter --all --target $(pgrep -nx amphora-demo) tail -f \(stage.driver.files(of: amphora))/agent.log
          nsenter --all --target $(pgrep -nx amphora-demo) nsenter \(entrance.joined(separator: " ")) bash

      """)
    await Interrupt.wait()
  }

  static func members(_ message: HeartbeatMessage) -> [String] {
    (message.pools ?? []).flatMap { $0.members.map(\.status) }
  }

  static func text(_ message: HeartbeatMessage) -> String {
    let listeners = message.listeners.map(\.status).joined(separator: ",")
    return "#\(message.sequence ?? -1): listener \(listeners), members \(members(message).joined(separator: ", "))"
  }

  static func ip(_ text: String) throws -> IPAddress {
    guard let address = IPAddress(text) else { throw DemoFailure(description: "'\(text)' is no address") }
    return address
  }
}

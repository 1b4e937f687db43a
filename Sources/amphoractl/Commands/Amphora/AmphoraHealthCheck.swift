// amphoractl amphora health: whether an amphora does its work, for alarms and people.

import AmphoraController
import AmphoraProtocol
import ArgumentParser

struct AmphoraHealthCheck: AmphoraRequest {
  static let configuration = CommandConfiguration(
    commandName: "health", abstract: "Whether the amphora does its work, and what does not.",
    discussion: """
      Asks the agent's own extension GET /1.0/health; upstream's agent does not have it. The status is 1 when a check
      fails, as for any failure, and 3 when the amphora does not answer.

      EXAMPLE: amphoractl amphora health web-1
      """)

  @OptionGroup var target: AmphoraOptions

  func call(_ client: AmphoraClient, _ output: Output) async throws {
    let health = try await client.health()
    var table = Table(["CHECK", "STATUS", "DETAIL"])
    for check in health.checks {
      let isGood = check.status == .pass
      table.append([
        Table.Cell(check.name),
        Table.Cell(check.status.rawValue, style: isGood ? output.style.good : output.style.bad),
        Table.Cell(check.detail),
      ])
    }
    try output.result(health, text: table.text(style: output.style))
    guard health.status == .degraded else { return }
    let names = health.checks.filter { $0.status == .fail }.map(\.name).joined(separator: ", ")
    throw CommandFailure(.failed, Terminal.safe("\(target.amphora) is degraded: \(names)"))
  }
}

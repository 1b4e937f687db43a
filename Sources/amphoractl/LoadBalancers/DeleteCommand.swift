// amphoractl delete: removes a load balancer with everything that was made for it.

import AmphoraController
import AmphoraProtocol
import AmphoraLab
import ArgumentParser

struct DeleteCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "Delete a load balancer with its amphorae and ports.",
    discussion: "EXAMPLE: amphoractl delete 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10 --yes")

  @OptionGroup var global: GlobalOptions

  @Argument(help: "The load balancer's id, or the beginning of it.")
  var loadBalancer: String

  @Flag(help: "Show the plan and change nothing.")
  var dryRun = false

  @Flag(name: .shortAndLong, help: "Do not ask.")
  var yes = false

  func execute(_ context: CommandContext) async throws {
    let id = try context.loadBalancer(loadBalancer)
    let tools = try context.loadBalancerTools(agent: nil)
    try await tools.defineSubnets(of: id)
    let amphorae = try tools.state.record(id)?.amphorae ?? []
    let plan = try tools.procedures.planDeletion(of: id)
    try await PlanDisplay(context: context, verb: "delete", isDryRun: dryRun, isConfirmed: yes)
      .run(plan, with: tools.procedures)
    if !dryRun { for amphora in amphorae { try context.records.remove(amphora.id) } }
  }
}

// amphoractl failover: replaces amphorae by new ones.

import AmphoraController
import AmphoraLab
import AmphoraProtocol
import ArgumentParser

struct FailoverCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "failover",
    abstract: "Replace one amphora, or all amphorae of a load balancer, by new ones.",
    discussion: """
      With --amphora, only that one is replaced; it may be dead. Without, all are, the one that has the VIP last.

      EXAMPLE: amphoractl failover --amphora 6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8
      """)

  @OptionGroup var global: GlobalOptions
  @OptionGroup var build: BuildOptions

  @Argument(help: "The load balancer's id, or the beginning of it; not needed with --amphora.")
  var loadBalancer: String?

  @Option(help: ArgumentHelp("The amphora to be replaced.", valueName: "id"))
  var amphora: String?

  @Flag(help: "Show the plan and change nothing.")
  var dryRun = false

  @Flag(name: .shortAndLong, help: "Do not ask.")
  var yes = false

  func validate() throws {
    guard loadBalancer != nil || amphora != nil else { throw ValidationError("name a load balancer or an --amphora") }
    if let amphora, AmphoraID(amphora) == nil { throw ValidationError("'\(amphora)' is no id of an amphora") }
  }

  func execute(_ context: CommandContext) async throws {
    let tools = try context.loadBalancerTools(agent: build.agent)
    let chosen = amphora.flatMap { AmphoraID($0) }
    let id: LoadBalancerID
    if let loadBalancer {
      id = try context.loadBalancer(loadBalancer)
    } else {
      guard let chosen, let found = try tools.state.loadBalancer(with: chosen) else {
        throw CommandFailure(
          .usage, "no load balancer has the amphora \(amphora ?? "")", hint: "amphoractl show lists.")
      }
      id = found
    }
    try await tools.defineSubnets(of: id)
    let plan = try await tools.procedures.planFailover(of: id, amphora: chosen)
    try await PlanDisplay(context: context, verb: "fail over", isDryRun: dryRun, isConfirmed: yes)
      .run(plan, with: tools.procedures)
    if !dryRun { try forgetCertificates(tools, plan, context) }
  }

  private func forgetCertificates(
    _ tools: LoadBalancerTools, _ plan: ProcedurePlan, _ context: CommandContext
  ) throws {
    guard case .failOver(let replaced) = plan.operation else { return }
    for amphora in replaced where try tools.state.loadBalancer(with: amphora) == nil {
      try context.records.remove(amphora)
    }
  }
}

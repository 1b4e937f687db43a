// amphoractl apply: makes a load balancer what its document says.

import AmphoraController
import AmphoraLab
import ArgumentParser

struct ApplyCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "apply",
    abstract: "Create or change a load balancer as its document says.",
    discussion: """
      FILE holds `loadbalancer`, the Octavia v2 API's object with its children, and `context` with `topology` (SINGLE or \
      ACTIVE_STANDBY) and `subnets` (by id: cidr, gateway_ip, host_routes), in JSON or YAML. Members with a `subnet_id` are \
      reached through a port in that subnet; certificates are referred to as file:///PATH.

      Amphorae are made of network, mount and process namespaces on this machine (needs root) and go on running when the \
      command has ended. The plan is shown first. What an interrupted run left is continued; a second run changes nothing.

      EXAMPLE: amphoractl apply load-balancer.yaml
      """)

  @OptionGroup var global: GlobalOptions
  @OptionGroup var build: BuildOptions

  @Argument(help: "The document; - is standard input.", completion: .file(extensions: ["yaml", "yml", "json"]))
  var file: String

  @Flag(help: "Show the plan and change nothing.")
  var dryRun = false

  @Flag(name: .shortAndLong, help: "Do not ask.")
  var yes = false

  func execute(_ context: CommandContext) async throws {
    let document = try DocumentFile.read(file)
    let tools = try context.loadBalancerTools(agent: build.agent)
    await tools.driver.define(subnetsOf: document)
    let plan = try await tools.procedures.plan(document)
    try await PlanDisplay(context: context, verb: "apply", isDryRun: dryRun, isConfirmed: yes)
      .run(plan, with: tools.procedures)
  }
}

// How failures of procedures end a command.

import AmphoraController

extension ProcedureError: ExplainedError {
  var failure: CommandFailure {
    switch self {
    case .step(let name, let reason):
      let cause = CommandFailure(explaining: reason)
      return CommandFailure(
        cause.status, "\(name): \(cause.message)",
        hint: "What was done is on record; the same command continues with this step.")
    case .unknownLoadBalancer, .unknownAmphora:
      return CommandFailure(.usage, description, hint: "amphoractl show lists load balancers.")
    case .unchangeable, .document, .beingDeleted: return CommandFailure(.usage, description)
    case .locked, .state, .inconsistent, .notBuilt, .outdatedPlan: return CommandFailure(.failed, description)
    }
  }
}

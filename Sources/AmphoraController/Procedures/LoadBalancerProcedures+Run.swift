// Carrying out a plan: what must survive a crash is on disk before the next thing happens.

import AmphoraProtocol

extension LoadBalancerProcedures {
  /// Does a plan's remaining steps.
  func run(_ plan: ProcedurePlan, _ progress: ProgressHandler) async throws {
    guard !plan.isEmpty else { return try state.removeJournal(plan.loadBalancer) }
    var run = ProcedureRun(plan: plan, state: state)
    try run.begin()
    let agents = AgentConnections(settings)
    let execution = StepExecution(
      compute: compute, network: network, settings: settings, secrets: secrets, agents: agents, desired: plan.desired)
    let result: Result<Void, any Error>
    do {
      try await run.steps(execution, progress)
      result = .success(())
    } catch {
      result = .failure(error)
    }
    await agents.shutdown()
    try result.get()
  }
}

/// One run of a plan.
private struct ProcedureRun {
  private let plan: ProcedurePlan
  private let state: StateDirectory
  private var record: LoadBalancerRecord
  private var journal: ProcedureJournal

  init(plan: ProcedurePlan, state: StateDirectory) {
    self.plan = plan
    self.state = state
    record = plan.record
    journal = ProcedureJournal(operation: plan.operation, steps: plan.steps, completed: plan.completed)
  }

  /// Puts the chosen ids on disk, and what is going to be done with them.
  mutating func begin() throws {
    record.status =
      plan.operation == .delete ? .pendingDelete : record.status == .pendingCreate ? .pendingCreate : .pendingUpdate
    for planned in plan.remaining { expect(planned.step) }
    // The document first: whatever comes after, a later run knows what was wanted.
    if let desired = plan.desired { try state.write(desired, of: plan.loadBalancer) }
    try state.write(record)
    try state.write(journal, of: plan.loadBalancer)
  }

  /// A configuration that is about to be changed counts as unknown until the step is done.
  private mutating func expect(_ step: ProcedureStep) {
    switch step {
    case .updateListeners(let amphora):
      let listeners = plan.desired?.loadBalancer.listeners ?? []
      record.change(amphora) {
        $0.listenersDigest = nil
        $0.hasHAProxy = $0.hasHAProxy || listeners.contains { !$0.protocol.usesLVS }
        for listener in listeners where listener.protocol.usesLVS && !$0.lvsListeners.contains(listener.id) {
          $0.lvsListeners.append(listener.id)
        }
      }
    case .configureVRRP(let amphora): record.change(amphora) { $0.vrrpDigest = nil }
    default: break
    }
  }

  mutating func steps(_ execution: StepExecution, _ progress: ProgressHandler) async throws {
    for (index, planned) in plan.steps.enumerated() where index >= journal.completed {
      let start = ContinuousClock.now
      func tell(_ phase: ProcedureProgress.Phase, _ detail: String) throws {
        try progress(
          ProcedureProgress(
            number: index + 1, count: plan.steps.count, step: planned.step, name: planned.name, phase: phase,
            elapsed: ContinuousClock.now - start, detail: detail))
      }
      try tell(.started, "")
      var end = ProcedureProgress.Phase.finished
      let detail: String
      do {
        try Task.checkCancellation()
        detail = try await execution.perform(planned, on: &record)
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        guard planned.mayFail else {
          record.status = .error
          try state.write(record)
          try tell(.failed, "\(error)")
          throw ProcedureError.step(name: planned.name, reason: error)
        }
        (end, detail) = (.tolerated, "\(error)")
      }
      try tell(.performed, detail)
      try complete(planned.step, index)
      try tell(end, detail)
    }
  }

  private mutating func complete(_ step: ProcedureStep, _ index: Int) throws {
    journal.completed = index + 1
    if step == .forget { return try state.forget(plan.loadBalancer) }
    try state.write(record)
    if journal.completed == plan.steps.count {
      try state.removeJournal(plan.loadBalancer)
    } else {
      try state.write(journal, of: plan.loadBalancer)
    }
  }
}

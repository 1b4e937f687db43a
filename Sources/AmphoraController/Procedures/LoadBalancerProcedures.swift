// The public face: what can be done with a load balancer. Each is a plan first, then its steps, one after the other.

public import AmphoraProtocol
import FoundationEssentials

/// Creates, changes, replaces and deletes load balancers with drivers for machines and networks.
///
/// All memory is a ``StateDirectory``. Before anything is made, its id is on disk; after each step the journal is. When the
/// process dies, the same call by another process continues with the first step that is not on record, and no step makes
/// anything twice.
public struct LoadBalancerProcedures: Sendable {
  /// What is remembered.
  public let state: StateDirectory
  let compute: any ComputeDriver
  let network: any NetworkDriver
  let settings: ControllerSettings
  let secrets: (any SecretSource)?
  let newID: @Sendable () -> String

  /// Puts procedures together.
  ///
  /// - Parameters:
  ///   - state: what is remembered.
  ///   - compute: makes machines.
  ///   - network: makes ports.
  ///   - settings: the controller's certificates and patience.
  ///   - secrets: certificates and secrets that documents refer to.
  ///   - newID: makes UUIDs.
  public init(
    state: StateDirectory, compute: any ComputeDriver, network: any NetworkDriver, settings: ControllerSettings,
    secrets: (any SecretSource)? = nil, newID: @escaping @Sendable () -> String = { randomUUID() }
  ) {
    self.state = state
    self.compute = compute
    self.network = network
    self.settings = settings
    self.secrets = secrets
    self.newID = newID
  }

  /// A random UUID in its text form.
  public static func randomUUID() -> String { UUID().uuidString.lowercased() }

  // MARK: Plans

  /// What would be done to make a load balancer what the document says; nothing is changed.
  public func plan(_ document: LoadBalancerDocument) async throws -> ProcedurePlan {
    try document.check()
    let id = document.id
    var desired = document
    let package = try await TLSPackage.collect(for: document.loadBalancer, from: secrets)
    desired.context.certificates.merge(package.fileIDs) { $1 }
    let base = try state.record(id)
    var record = try base ?? newRecord(desired)
    try check(desired, against: record)
    record.subnets = try await subnets(of: desired)
    if let journal = try state.journal(id), journal.operation == .apply, try state.desired(id) == desired {
      return ProcedurePlan(
        loadBalancer: id, operation: .apply, steps: journal.steps, completed: journal.completed, desired: desired,
        record: record, base: base)
    }
    var planner = Planner(record, desired: desired, newID: newID)
    try planner.apply()
    return ProcedurePlan(
      loadBalancer: id, operation: .apply, steps: planner.steps, completed: 0, desired: desired,
      record: planner.record, base: base)
  }

  /// What would be done to replace amphorae; nothing is changed.
  ///
  /// - Parameters:
  ///   - id: the load balancer.
  ///   - amphora: the one to be replaced; nil replaces all, the one that has the VIP last.
  public func planFailover(of id: LoadBalancerID, amphora: AmphoraID? = nil) async throws -> ProcedurePlan {
    let (record, desired) = try known(id)
    if record.status == .pendingDelete { throw ProcedureError.beingDeleted(id) }
    if let journal = try state.journal(id), case .failOver(let chosen) = journal.operation,
      amphora.map({ chosen == [$0] }) ?? true
    {
      return ProcedurePlan(
        loadBalancer: id, operation: journal.operation, steps: journal.steps, completed: journal.completed,
        desired: desired, record: record, base: record)
    }
    var planner = Planner(record, desired: desired, newID: newID)
    let chosen: [AmphoraID]
    if let amphora {
      guard let old = record.amphora(amphora) else { throw ProcedureError.unknownAmphora(amphora) }
      chosen = [amphora]
      try planner.failOver(amphora, role: old.role)
    } else {
      chosen = try await failoverOrder(record)
      for (index, amphora) in chosen.enumerated() {
        let role: AmphoraRole = record.topology == .single ? .standalone : index == 0 ? .backup : .master
        try planner.failOver(amphora, role: role)
      }
    }
    return ProcedurePlan(
      loadBalancer: id, operation: .failOver(amphorae: chosen), steps: planner.steps, completed: 0, desired: desired,
      record: planner.record, base: record)
  }

  /// What would be done to delete a load balancer; nothing is changed.
  public func planDeletion(of id: LoadBalancerID) throws -> ProcedurePlan {
    guard let record = try state.record(id) else { throw ProcedureError.unknownLoadBalancer(id) }
    let journal = try state.journal(id)
    if let journal, journal.operation == .delete {
      return ProcedurePlan(
        loadBalancer: id, operation: .delete, steps: journal.steps, completed: journal.completed, desired: nil,
        record: record, base: record)
    }
    guard let desired = try state.desired(id) else {
      throw ProcedureError.state(path: state.path, reason: "desired.json of \(id) is missing")
    }
    var planner = Planner(record, desired: desired, newID: newID)
    planner.delete()
    return ProcedurePlan(
      loadBalancer: id, operation: .delete, steps: planner.steps, completed: 0, desired: nil, record: planner.record,
      base: record)
  }

  // MARK: Doing

  /// Carries out a plan; fails without doing anything when the load balancer was changed since the plan was made.
  public func execute(_ plan: ProcedurePlan, progress: @escaping ProgressHandler = { _ in }) async throws {
    try await locked(plan.loadBalancer) {
      let journal = try state.journal(plan.loadBalancer)
      guard try state.record(plan.loadBalancer) == plan.base,
        plan.completed == 0 || journal?.completed == plan.completed
      else { throw ProcedureError.outdatedPlan(plan.loadBalancer) }
      try await run(plan, progress)
    }
  }

  /// Makes a load balancer what the document says; true when anything was to be done.
  @discardableResult
  public func apply(
    _ document: LoadBalancerDocument, progress: @escaping ProgressHandler = { _ in }
  ) async throws -> Bool {
    let id = document.id
    return try await locked(id) {
      let plan = try await plan(document)
      try await run(plan, progress)
      return !plan.isEmpty
    }
  }

  /// Replaces an amphora, or all amphorae of a load balancer.
  public func failOver(
    _ id: LoadBalancerID, amphora: AmphoraID? = nil, progress: @escaping ProgressHandler = { _ in }
  ) async throws {
    try await locked(id) { try await run(try await planFailover(of: id, amphora: amphora), progress) }
  }

  /// Replaces an amphora, whosever it is: what a health monitor does with one that went silent.
  public func failOver(amphora: AmphoraID, progress: @escaping ProgressHandler = { _ in }) async throws {
    guard let id = try state.loadBalancer(with: amphora) else { throw ProcedureError.unknownAmphora(amphora) }
    try await failOver(id, amphora: amphora, progress: progress)
  }

  /// Deletes a load balancer and everything made for it.
  public func delete(_ id: LoadBalancerID, progress: @escaping ProgressHandler = { _ in }) async throws {
    try await locked(id) { try await run(try planDeletion(of: id), progress) }
  }

  /// Holds the load balancer's lock meanwhile.
  private func locked<Value>(_ id: LoadBalancerID, _ body: () async throws -> Value) async throws -> Value {
    let lock = try state.lock(id)
    defer {
      try? state.removeIfEmpty(id)
      withExtendedLifetime(lock) {}
    }
    return try await body()
  }
}

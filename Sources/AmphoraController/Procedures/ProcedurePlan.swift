// What is going to be done, before it is done.

public import AmphoraProtocol

/// A procedure's steps, with all ids chosen.
public struct ProcedurePlan: Sendable {
  /// What is done.
  public enum Operation: Codable, Hashable, Sendable {
    /// The load balancer becomes what its document says.
    case apply
    /// These amphorae are replaced, one after the other.
    case failOver(amphorae: [AmphoraID])
    /// Everything is deleted.
    case delete
  }

  /// The load balancer.
  public let loadBalancer: LoadBalancerID
  /// What is done.
  public let operation: Operation
  /// All steps, those included that an interrupted run has done.
  public let steps: [PlannedStep]
  /// How many of the steps are done: not zero when this continues an interrupted run.
  public let completed: Int
  /// The document that the load balancer becomes; nil when it is deleted.
  public let desired: LoadBalancerDocument?
  /// The load balancer at the start of the plan, with what will be made.
  public let record: LoadBalancerRecord
  /// The load balancer on disk when the plan was made.
  let base: LoadBalancerRecord?

  /// The steps that are to be done.
  public var remaining: ArraySlice<PlannedStep> { steps[completed...] }
  /// Whether there is nothing to do.
  public var isEmpty: Bool { remaining.isEmpty }
}

/// The steps of an interrupted run, on disk until the last one is done.
struct ProcedureJournal: Codable, Hashable {
  var operation: ProcedurePlan.Operation
  var steps: [PlannedStep]
  var completed: Int
}

/// News of a running procedure.
public struct ProcedureProgress: Sendable {
  /// What happened to the step.
  public enum Phase: Hashable, Sendable {
    /// It begins.
    case started
    /// Its effect is there, and not yet on record: a crash now makes the next run repeat it.
    case performed
    /// It is done and on record.
    case finished
    /// It failed, and the procedure goes on.
    case tolerated
    /// It failed, and the procedure ends.
    case failed
  }

  /// The step's number, from 1.
  public let number: Int
  /// The number of steps.
  public let count: Int
  /// The step.
  public let step: ProcedureStep
  /// The step in words.
  public let name: String
  /// What happened.
  public let phase: Phase
  /// The time since the step began.
  public let elapsed: Duration
  /// What came of it; the reason of a failure.
  public let detail: String
}

/// Hears of progress; when it throws, the procedure ends at once, as if the process had died.
public typealias ProgressHandler = @Sendable (ProcedureProgress) throws -> Void

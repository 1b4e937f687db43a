// Why a procedure cannot start, or did not come to its end.

public import AmphoraProtocol

/// A procedure that ended early.
public enum ProcedureError: Error, Sendable {
  /// There is no record of such a load balancer.
  case unknownLoadBalancer(LoadBalancerID)
  /// No load balancer has such an amphora.
  case unknownAmphora(AmphoraID)
  /// Another process is at work on it.
  case locked(LoadBalancerID, process: Int32?)
  /// What the document asks for cannot be done to a load balancer that exists.
  case unchangeable(String)
  /// It is half deleted.
  case beingDeleted(LoadBalancerID)
  /// The state directory, or a file in it, cannot be used.
  case state(path: String, reason: String)
  /// The document lacks something.
  case document(DocumentError)
  /// The state on disk does not fit the step.
  case inconsistent(String)
  /// The load balancer was changed since the plan was made.
  case outdatedPlan(LoadBalancerID)
  /// A step failed; running the procedure again continues with it.
  case step(name: String, reason: any Error)
  /// The machine is not there in time, or will never be.
  case notBuilt(AmphoraID, reason: String)
}

extension ProcedureError: CustomStringConvertible {
  /// The error in words.
  public var description: String {
    switch self {
    case .unknownLoadBalancer(let id): "there is no load balancer \(id)"
    case .unknownAmphora(let id): "no load balancer has an amphora \(id)"
    case .locked(let id, let process):
      "load balancer \(id) is being changed by another process\(process.map { " (\($0))" } ?? ""); wait until it is done"
    case .unchangeable(let what): "\(what) cannot be changed; delete the load balancer and create it anew"
    case .beingDeleted(let id): "load balancer \(id) is half deleted; run its deletion again"
    case .state(let path, let reason): "\(path): \(reason)"
    case .document(let error): "\(error)"
    case .inconsistent(let what): "the state on disk does not fit: \(what)"
    case .outdatedPlan(let id): "load balancer \(id) was changed since the plan was made; plan again"
    case .step(let name, let reason): "\(name): \(reason)"
    case .notBuilt(let id, let reason): "amphora \(id) \(reason)"
    }
  }
}

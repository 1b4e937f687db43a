// What a client tells while it is patient: ten minutes without a word are long.

public import AmphoraProtocol

/// A step of a request to an agent.
public struct RequestProgress: Hashable, Sendable {
  /// What has happened.
  public enum Step: Hashable, Sendable {
    /// An attempt begins.
    case began
    /// An attempt failed; `nextIn` is the pause before the next, nil when there is none.
    case failed(reason: String, nextIn: Duration?)
    /// The agent did what was asked.
    case succeeded
    /// The agent says no, and is not asked again.
    case refused(status: Int)
  }

  /// The amphora that is asked.
  public let amphora: AmphoraID
  /// The request, as `PUT /1.0/vrrp/start`.
  public let request: String
  /// The number of the attempt, from 1.
  public let attempt: Int
  /// How many attempts there are at most.
  public let attempts: Int
  /// What has happened.
  public let step: Step
}

extension RequestProgress: CustomStringConvertible {
  /// The step in words.
  public var description: String {
    let what = "\(request) to amphora \(amphora), attempt \(attempt) of \(attempts)"
    return switch step {
    case .began: what
    case .failed(let reason, let nextIn?): "\(what): \(reason); again in \(nextIn)"
    case .failed(let reason, nil): "\(what): \(reason)"
    case .succeeded: "\(what): done"
    case .refused(let status): "\(what): refused with \(status)"
    }
  }
}

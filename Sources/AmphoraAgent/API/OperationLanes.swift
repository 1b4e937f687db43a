// Order for requests that change things (contract agent-api §1.6, §5 W26): one after the other per object, side by side
// across objects, and a repeat of the request that came last joins it instead of doing the work twice. Controllers repeat
// a request when its answer takes longer than 60 s.

/// What a changing request works on.
package enum Lane: Hashable, Sendable {
  /// A load balancer with its certificates, or a UDP/SCTP listener; by id.
  case object(String)
  case network
  case vrrp
  /// The agent's own files.
  case agent
}

/// Runs operations in lanes.
package actor OperationLanes<Result: Sendable> {
  private struct Tail {
    let number: Int
    let fingerprint: String
    let task: Task<Result, Never>
  }

  private var tails: [Lane: Tail] = [:]
  private var counter = 0

  package init() {}

  /// Runs an operation after those before it in its lane, or joins the lane's last one when that is the same request.
  ///
  /// The operation goes on when the caller is gone: half of a change helps nobody.
  ///
  /// - Parameter fingerprint: equal for equal requests, body included.
  package func run(_ lane: Lane, fingerprint: String, _ operation: @escaping @Sendable () async -> Result) async
    -> Result
  {
    // Only the last one may be joined: with another request between them, the repeat means something else.
    if let tail = tails[lane], tail.fingerprint == fingerprint { return await tail.task.value }
    let before = tails[lane]?.task
    let task = Task {
      _ = await before?.value
      return await operation()
    }
    counter += 1
    let number = counter
    tails[lane] = Tail(number: number, fingerprint: fingerprint, task: task)
    let result = await task.value
    if tails[lane]?.number == number { tails[lane] = nil }
    return result
  }

  /// The number of lanes with work, for tests and for waiting until everything is done.
  package var busyLanes: Int { tails.count }

  /// The fingerprint of a lane's last request, for tests.
  package func lastFingerprint(_ lane: Lane) -> String? { tails[lane]?.fingerprint }
}

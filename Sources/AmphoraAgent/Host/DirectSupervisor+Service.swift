// What direct supervision keeps about a service, in memory and on disk.

extension DirectSupervisor {
  enum Verb: Sendable { case start, stop, restart, reload }

  /// A service and its process, if it runs.
  struct Service {
    var unit: ServiceUnit
    var enabled = false
    var process: RunningProcess?
    /// Changes with each start and stop, so that a watcher of an earlier process knows that it is not asked any more.
    var generation = 0
    var restarts = RestartPacing()
  }

  /// The record by which the next run of the agent knows the service.
  struct Record: Codable {
    var unit: ServiceUnit
    var enabled: Bool
  }
}

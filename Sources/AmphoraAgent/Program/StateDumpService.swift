// Takes SIGUSR1 for as long as the process lives.

import ServiceLifecycle
import UnixSignals

/// Writes the state to the journal when it is asked for by signal.
struct StateDumpService: Service {
  let dump: StateDump

  /// Signals that come sooner after a dump are dropped: nobody can fill the journal with them.
  private static let pause = Duration.seconds(1)

  func run() async throws {
    let signals = await UnixSignalsSequence(trapping: .sigusr1)
    // Not ended by the shutdown: without a trap, the signal would end the process in the middle of it.
    Task {
      var last: ContinuousClock.Instant?
      for await _ in signals {
        if let last, last.duration(to: .now) < Self.pause { continue }
        last = .now
        // On a thread of its own: those for blocking work may be what is stuck.
        BackgroundThread.detach(name: "state dump") { dump.write() }
      }
    }
    try? await gracefulShutdown()
  }
}

// The one face of "somebody runs haproxy and keepalived": systemd in the image, the agent itself elsewhere.

import Glibc
import Logging

/// A verb that a supervisor could not carry out, with the text that becomes `details` of a 500 answer.
package struct SupervisorError: Error, CustomStringConvertible, Sendable {
  package let verb: String
  package let unit: String
  /// What the tool or the program said.
  package let output: String

  package init(_ verb: String, _ unit: String, output: String) {
    self.verb = verb
    self.unit = unit
    self.output = output
  }

  package var description: String { "\(verb) \(unit): \(output)" }
}

/// A place in a program's output.
package struct OutputMark: Sendable {
  /// Bytes of its log file by then.
  package var offset = 0
  /// Seconds since 1970.
  package var time: Int64 = 0
}

/// Runs, watches and restarts services.
///
/// Every call is idempotent: starting what runs and stopping what does not succeed.
package protocol ServiceSupervisor: Sendable {
  /// Makes the unit known, replacing an older description of it.
  func install(_ unit: ServiceUnit) async throws(SupervisorError)
  /// Has the unit started at boot.
  func enable(_ name: String) async throws(SupervisorError)
  /// Has the unit not started at boot any more.
  func disable(_ name: String) async throws(SupervisorError)
  /// Starts the unit; returns when it is ready to serve.
  func start(_ name: String) async throws(SupervisorError)
  /// Stops the unit; returns when its processes are gone.
  func stop(_ name: String) async throws(SupervisorError)
  /// Stops the unit if it runs, and starts it.
  func restart(_ name: String) async throws(SupervisorError)
  /// Has the running program read its configuration again; fails with `… is not active, cannot reload.` when none runs.
  func reload(_ name: String) async throws(SupervisorError)
  /// Where the unit's output ends now.
  func outputMark(_ name: String) async -> OutputMark
  /// What the unit's program has written since, for the details of an answer; empty when that is unknown.
  func output(_ name: String, since mark: OutputMark) async -> String
  /// Forgets the unit.
  func uninstall(_ name: String) async throws(SupervisorError)
  /// Makes sure that the namespace exists now, and at each boot before the services.
  func ensureNamespace() async throws(SupervisorError)
}

extension ServiceSupervisor {
  /// Takes a unit away that nothing belongs to any more, and goes on past what fails: it may be gone already.
  func remove(_ unit: String, _ logger: Logger) async {
    do throws(SupervisorError) {
      try await disable(unit)
    } catch {
      logger.debug("unit not disabled", metadata: ["unit": "\(unit)", "output": "\(error.output)"])
    }
    do throws(SupervisorError) {
      try await uninstall(unit)
    } catch {
      logger.warning("unit not removed", metadata: ["unit": "\(unit)", "output": "\(error.output)"])
    }
  }
}

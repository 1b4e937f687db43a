// `amphora-agent doctor --fix`: what is on disk becomes the kernel's and systemd's state again. It decides nothing: files
// are the truth, and what is as they say is left alone.
//
// An agent may run beside it. Each request to the kernel names what it adds or deletes, finds it done or gone without
// harm, and a file that changes meanwhile is applied once more; files are only read. Units go through the same code as a
// controller's requests, where every verb may be repeated.

package import Logging

/// Reapplies what is on disk.
package struct Repair: Sendable {
  /// What was done about what.
  package struct Outcome: Codable, Hashable, Sendable {
    /// One line each, in order.
    package internal(set) var changes: [String] = []
    /// What could not be mended, one line each.
    package internal(set) var failures: [String] = []

    /// One line for each change and failure.
    package var text: String {
      let lines = changes.map { "FIXED  \($0)" } + failures.map { "NOT FIXED  \($0)" }
      return lines.isEmpty
        ? "Nothing differs from what is on disk; nothing was changed." : lines.joined(separator: "\n")
    }
  }

  let amphora: LocalAmphora
  /// Who runs haproxy and keepalived; nil leaves them to a running agent (direct supervision).
  let supervisor: (any ServiceSupervisor)?
  /// Also reads the image's sysctl files when the namespace has to be made.
  let systemSettings: Bool
  let logger: Logger
  /// Called before each step on an interface; tests change files from it.
  var onStep: InterfaceConfigurator.StepHook = { _ in }

  /// - Parameters:
  ///   - supervisor: who runs haproxy and keepalived; nil leaves them alone.
  ///   - systemSettings: as in ``NamespaceSetup/up(systemSettings:)``.
  package init(
    _ amphora: LocalAmphora, supervisor: (any ServiceSupervisor)?, systemSettings: Bool = true, logger: Logger
  ) {
    self.amphora = amphora
    self.supervisor = supervisor
    self.systemSettings = systemSettings
    self.logger = logger
  }

  /// The repair of the machine that this program runs on.
  package static func ofThisMachine(_ amphora: LocalAmphora) -> Repair {
    // What fails is among the outcome's lines; steps that may fail are not worth a word here.
    let logger = Logger(label: "doctor") { _ in SwiftLogNoOpLogHandler() }
    let supervisor = SystemdSupervisor(
      paths: amphora.paths, agent: AgentExecutable.path, configurationFile: amphora.configurationFile, logger: logger)
    return Repair(
      amphora, supervisor: SupervisorChoice.auto.resolved == .systemd ? supervisor : nil, logger: logger)
  }

  /// Mends from the bottom up: services need interfaces, interfaces need the namespace.
  package func run() async -> Outcome {
    var outcome = Outcome()
    guard await mendNamespace(&outcome) else { return outcome }
    await moveNICs(&outcome)
    await mendInterfaces(&outcome)
    await mendUnits(&outcome)
    return outcome
  }
}

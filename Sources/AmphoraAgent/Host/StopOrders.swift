// Which services a controller has stopped: what runs or not after a crash does not tell an order from an accident.
//
// A file per service below /run: it survives the agent, and a reboot forgets it, for systemd starts an enabled unit at boot
// whether or not it was stopped before.

package import Files

/// The services that were stopped on request and not started again.
///
/// Its calls block.
package struct StopOrders: Sendable {
  private let folder: String

  package init(paths: AgentPaths) { folder = "\(paths.runtime)/stopped" }

  /// The units' names.
  package var units: Set<String> { Set(FileRead.names(in: folder).filter { !DurableFile.isTemporary($0) }) }

  package func contains(_ unit: String) -> Bool { FileRead.exists("\(folder)/\(unit)") }

  /// Notes that a unit is to be stopped.
  package func add(_ unit: String) throws(DurableFile.Failure) {
    try DurableFile.createDirectory(folder, mode: 0o755)
    try DurableFile.write([], to: "\(folder)/\(unit)", mode: 0o644)
  }

  /// Forgets about it.
  package func remove(_ unit: String) throws(DurableFile.Failure) {
    if contains(unit) { try DurableFile.remove("\(folder)/\(unit)") }
  }
}

// What is on disk about UDP and SCTP listeners; reading only. A listener is known when it has a configuration (contract
// services §5.1). All files lie in one folder; what is not a listener's configuration must not end in `.conf`.

package import AmphoraProtocol
package import Files

/// The UDP and SCTP listeners on disk.
///
/// Its calls block.
package struct LVSStore: Sendable {
  package let paths: AgentPaths

  package init(paths: AgentPaths) { self.paths = paths }

  /// The ids of the known listeners, sorted.
  ///
  /// None when the folder cannot be read; where a wrong none would do harm, ``list()`` says so.
  package func ids() -> [ListenerID] { (try? list()) ?? [] }

  /// The ids of the known listeners, sorted.
  package func list() throws(DurableFile.Failure) -> [ListenerID] { try ids(suffix: ".conf") }

  /// Whether the listener is known.
  package func exists(_ id: ListenerID) -> Bool { FileRead.exists(paths.lvsConfiguration(of: id)) }

  /// The bytes of the configuration.
  package func configuration(of id: ListenerID) throws(DurableFile.Failure) -> [UInt8] {
    try FileRead.bytes(paths.lvsConfiguration(of: id))
  }

  /// The configuration's facts.
  package func parsed(_ id: ListenerID) throws(DurableFile.Failure) -> LVSConfiguration {
    LVSConfiguration(parsing: String(decoding: try configuration(of: id), as: UTF8.self))
  }

  /// Whether the listener's keepalived lives.
  package func isRunning(_ id: ListenerID) -> Bool {
    FileRead.liveProcess(pidFile: paths.lvsPIDFile(of: id), named: "keepalived") != nil
  }

  /// Whether a delete has taken the configuration away and not finished.
  func isDeleted(_ id: ListenerID) -> Bool {
    FileRead.exists(paths.deletedLVSConfiguration(of: id)) && !exists(id)
  }

  /// The ids of which an upload or a delete that ended half-way has left something.
  func remains() throws(DurableFile.Failure) -> [ListenerID] {
    Array(Set(try ids(suffix: ".conf.new") + ids(suffix: ".conf.deleted")))
  }

  private func ids(suffix: String) throws(DurableFile.Failure) -> [ListenerID] {
    let prefix = "octavia-keepalivedlvs-"
    return try FileRead.entriesIfAny(of: paths.lvsDirectory).compactMap { name in
      guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
      return ListenerID(name.dropFirst(prefix.count).dropLast(suffix.count))
    }
  }
}

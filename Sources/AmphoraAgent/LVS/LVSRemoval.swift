// DELETE /listeners/{id} for UDP and SCTP listeners, and what an upload or a delete that was cut short leaves. A listener
// begins with the rename of its configuration into place, and ends with its rename away; all else is made before the one,
// and removed after the other.

package import AmphoraProtocol
import Files
import Logging

extension LVSListeners {
  /// Removes a listener; an unknown one is removed already (contract agent-api §3.7b).
  package func delete(_ id: ListenerID) async throws {
    let (isDeleted, isKnown, wasRunning) = try await BlockingIO.run { [store] in
      (store.isDeleted(id), store.exists(id), store.isRunning(id))
    }
    if isDeleted { return try await finishDelete(id) }
    guard isKnown else { return }
    let unit = ServiceUnit.unitName(of: id)
    do throws(LVSError) {
      // Also when it does not run: it may just be started again after a crash, and would come back without supervision.
      try await run(.stop, id)
    } catch {
      guard case .actionFailed(_, _, let output) = error else { throw error }
      if wasRunning { throw LVSError.stopBeforeDeleteFailed(output: output) }
      logger.debug("not stopped before the delete", metadata: ["unit": "\(unit)", "output": "\(output)"])
    }
    let (path, mark) = (paths.lvsConfiguration(of: id), paths.deletedLVSConfiguration(of: id))
    try await BlockingIO.run { try DurableFile.move(path, to: mark) }
    do throws(SupervisorError) {
      try await supervisor.disable(unit)
    } catch {
      // The listener is still there then, so that the repetition finds it.
      try await BlockingIO.run { try DurableFile.move(mark, to: path) }
      throw LVSError.disableFailed(id, output: error.output)
    }
    try await finishDelete(id)
  }

  /// Removes the configuration that was refused, of a listener that never came to be.
  package func removeRefused(_ id: ListenerID) async throws {
    let path = paths.rejectedLVSConfiguration(of: id)
    try await BlockingIO.run { if FileRead.exists(path) { try DurableFile.remove(path) } }
  }

  /// Finishes deletes and takes back first uploads that ended half-way; for the start, when nothing else is at work.
  package func clearRemains() async {
    do {
      for id in try await BlockingIO.run({ [store] in try store.remains() }) {
        do {
          // Since the boot systemd may be trying to start what is not there.
          if !store.exists(id) { try? await supervisor.stop(ServiceUnit.unitName(of: id)) }
          if store.isDeleted(id) { try await finishDelete(id) } else { await takeBackUpload(id) }
        } catch {
          logger.warning(
            "could not clean up after an interrupted delete", metadata: ["listener": "\(id)", "error": "\(error)"])
        }
      }
    } catch {
      logger.warning("could not look for interrupted deletes", metadata: ["error": "\(error)"])
    }
  }

  /// Removes what belongs to a listener that is not known any more; may be repeated.
  func finishDelete(_ id: ListenerID) async throws {
    let unit = ServiceUnit.unitName(of: id)
    await supervisor.remove(unit, logger)
    try await BlockingIO.run { [self] in
      try removePIDFiles(of: id)
      for path in [paths.stagedLVSConfiguration(of: id), paths.rejectedLVSConfiguration(of: id)]
      where FileRead.exists(path) {
        try DurableFile.remove(path)
      }
      try stopped.remove(unit)
      // The mark goes last, so that a delete that was cut short can be repeated.
      try DurableFile.remove(paths.deletedLVSConfiguration(of: id))
    }
  }

  /// Removes what an upload has made, when it was the first one and did not come to its end.
  func takeBackUpload(_ id: ListenerID) async {
    if !store.exists(id) { await supervisor.remove(ServiceUnit.unitName(of: id), logger) }
    _ = try? await BlockingIO.run { [paths] in
      // Of an earlier listener of this id; the present one is known.
      for path in [paths.stagedLVSConfiguration(of: id), paths.deletedLVSConfiguration(of: id)]
      where FileRead.exists(path) {
        try DurableFile.remove(path)
      }
    }
  }
}

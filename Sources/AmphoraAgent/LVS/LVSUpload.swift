// PUT …/udp_listener: a configuration replaces the one in use only after keepalived has looked at it; nothing is started.

import AmphoraCrypto
package import AmphoraProtocol
import Files
import Logging

extension LVSListeners {
  /// Stores a configuration (contract agent-api §3.9).
  ///
  /// - Returns: the MD5 of the body, in hexadecimal.
  package func upload(_ body: [UInt8], to id: ListenerID) async throws -> String {
    // What a delete has left must not be taken for a part of this.
    if try await BlockingIO.run({ [store] in store.isDeleted(id) }) { try await finishDelete(id) }
    do {
      try await store(body, as: id)
    } catch {
      await takeBackUpload(id)
      throw error
    }
    return Digest.hex(Digest.md5(body))
  }

  private func store(_ body: [UInt8], as id: ListenerID) async throws {
    let isPair = configuration.value.loadBalancerTopology == .activeStandby
    try await BlockingIO.run { [paths] in
      try DurableFile.createDirectory(paths.lvsDirectory, mode: 0o755)
      try LVSScripts.installMemberCheck(paths)
      if isPair { try LVSScripts.installVRRPCheck(paths) }
    }
    let unit = ServiceUnit.lvs(id, logFacility: configuration.value.administrativeLogFacility, paths: paths)
    var enableFailure: SupervisorError?
    do {
      try await supervisor.ensureNamespace()
      try await stage(body, id)
      try await supervisor.install(unit)
      do throws(SupervisorError) { try await supervisor.enable(unit.name) } catch { enableFailure = error }
    } catch let error as SupervisorError {
      throw LVSError.enableFailed(output: error.output)
    }
    // Last, because this is what makes the listener known: before it nothing has happened, after it all has.
    try await BlockingIO.run { [paths] in
      try DurableFile.move(paths.stagedLVSConfiguration(of: id), to: paths.lvsConfiguration(of: id))
    }
    // It depends on the listeners there are; what a crash leaves out here, the next start does.
    if isPair { try await checkScripts.update() }
    // The configuration stays all the same, as haproxy's does.
    if let enableFailure { throw LVSError.enableFailed(output: enableFailure.output) }
  }

  /// Puts the configuration aside, unless keepalived says that it is none (contract agent-api §5 W12).
  private func stage(_ body: [UInt8], _ id: ListenerID) async throws {
    let staged = paths.stagedLVSConfiguration(of: id)
    try await BlockingIO.run { try DurableFile.write(body, to: staged, mode: 0o644) }
    switch await KeepalivedCheck.run(staged) {
    case .usable: break
    case .doubtful(let words):
      // Also for a pool without members, so it is nothing to look into.
      logger.debug(
        "keepalived warns about a listener's configuration", metadata: ["listener": "\(id)", "output": "\(words)"])
    case .unusable(let words):
      logger.notice("keepalived refuses a listener", metadata: ["listener": "\(id)", "output": "\(words)"])
      try await BlockingIO.run { [paths] in try DurableFile.move(staged, to: paths.rejectedLVSConfiguration(of: id)) }
      throw LVSError.rejected(output: words)
    }
  }
}

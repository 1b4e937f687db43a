// What an upload or a delete that was cut short leaves, and how it goes. A load balancer begins with the rename of its
// haproxy.cfg into place, and ends with its rename away; all else is made before the one, and removed after the other.

import AmphoraProtocol
import Files
import Logging

extension LoadBalancers {
  /// Finishes deletes and takes back first uploads that ended half-way; for the start, when nothing else is at work.
  package func clearRemains() async {
    do {
      for id in try await BlockingIO.run({ [store] in store.remains() }) {
        do {
          // Since the boot systemd may be trying to start what is not there.
          if !store.exists(id) { try? await supervisor.stop(ServiceUnit.unitName(of: id)) }
          if isDeleted(id) { try await finishDelete(id) } else { await takeBackUpload(id) }
        } catch {
          logger.warning("remains of a delete stay", metadata: ["lb": "\(id)", "error": "\(error)"])
        }
      }
    } catch {
      logger.warning("remains were not looked for", metadata: ["error": "\(error)"])
    }
  }

  /// Whether a delete has taken the configuration away and not finished.
  func isDeleted(_ id: LoadBalancerID) -> Bool {
    FileRead.exists(paths.deletedConfiguration(of: id)) && !store.exists(id)
  }

  /// Removes what belongs to a load balancer that is not known any more (contract agent-api §3.7); may be repeated.
  func finishDelete(_ id: LoadBalancerID) async throws {
    let unit = ServiceUnit.unitName(of: id)
    let (directory, mark) = (paths.directory(of: id), paths.deletedConfiguration(of: id))
    try await BlockingIO.run { [paths] in
      try? DurableFile.remove(paths.statsSocket(of: id))
      try? DurableFile.removeTree(paths.certificateDirectory(of: id))
      for name in FileRead.names(in: directory) where "\(directory)/\(name)" != mark {
        try DurableFile.removeTree("\(directory)/\(name)")
      }
    }
    // After the files: on a full disk there is room for the script only now.
    if FileRead.exists(paths.vrrpCheckScript) { try await checkScripts.update(removed: id) }
    await supervisor.remove(unit, logger)
    try await BlockingIO.run { [stopped] in try stopped.remove(unit) }
    metrics.forget(id)
    // The mark goes last, so that a delete that was cut short can be repeated.
    try await BlockingIO.run { try DurableFile.removeTree(directory) }
  }

  /// Removes what an upload has made, when it was the first one and did not come to its end.
  func takeBackUpload(_ id: LoadBalancerID) async {
    let isKnown = store.exists(id)
    if !isKnown { await supervisor.remove(ServiceUnit.unitName(of: id), logger) }
    _ = try? await BlockingIO.run { [paths] in
      try DurableFile.remove(paths.stagedConfiguration(of: id))
      // A refused configuration stays there for whoever looks for the reason.
      if !isKnown { DurableFile.removeIfEmpty(paths.directory(of: id)) }
    }
  }
}

extension LoadBalancerStore {
  /// The ids with a folder of which an upload or a delete that ended half-way has left something.
  func remains() -> [LoadBalancerID] {
    let others = [paths.vrrpDirectory, paths.lvsDirectory, paths.services, paths.certificates]
    return FileRead.names(in: paths.base).compactMap { LoadBalancerID($0) }.filter { id in
      let folder = paths.directory(of: id)
      guard FileRead.isFolder(folder), !others.contains(folder) else { return false }
      return FileRead.exists(paths.stagedConfiguration(of: id)) || FileRead.exists(paths.deletedConfiguration(of: id))
        || FileRead.names(in: folder).isEmpty
    }
  }
}

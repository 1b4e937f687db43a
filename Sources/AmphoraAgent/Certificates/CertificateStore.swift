// Tenants' TLS material on the encrypted RAM disk: PEM bundles, CAs, CRLs and crt-lists alike (contract agent-api §3.10).

import AmphoraCrypto
package import AmphoraProtocol
import Files

/// The files of load balancers' certificates.
package struct CertificateStore: Sendable {
  let paths: AgentPaths

  package init(paths: AgentPaths) { self.paths = paths }

  /// Stores a file; returns the MD5 of its bytes in hexadecimal.
  package func put(_ body: [UInt8], _ name: CertificateFileName, of id: LoadBalancerID) async throws -> String {
    try await BlockingIO.run {
      // Private keys: nobody but root has business here; haproxy reads them before it drops its rights.
      let folder = paths.certificateDirectory(of: id)
      try DurableFile.createDirectory(folder, mode: 0o700)
      do throws(DurableFile.Failure) {
        try DurableFile.write(body, to: paths.certificate(name, of: id), mode: 0o600)
      } catch {
        DurableFile.removeIfEmpty(folder)
        throw error
      }
      // After the new bytes: a crash in between makes the controller send them again.
      if isDeleted(name, of: id) { try DurableFile.remove(paths.tombstone(name, of: id)) }
    }
    return Digest.hex(Digest.md5(body))
  }

  /// The MD5 of the stored bytes in hexadecimal; nil when there is no such file, or it was deleted.
  package func md5(_ name: CertificateFileName, of id: LoadBalancerID) async throws -> String? {
    try await BlockingIO.run {
      if isDeleted(name, of: id) { return nil }
      do {
        return Digest.hex(Digest.md5(try FileRead.bytes(paths.certificate(name, of: id))))
      } catch let error as DurableFile.Failure where error.isMissing {
        return nil
      }
    }
  }

  /// Removes folders that a crash left without a file; for the start.
  func clearRemains() {
    for id in FileRead.names(in: paths.certificates).compactMap({ LoadBalancerID($0) }) {
      DurableFile.removeIfEmpty(paths.certificateDirectory(of: id))
    }
  }

  /// Removes a file; a missing one is removed already.
  ///
  /// One that a configuration still names is only marked as deleted, so that haproxy can be started again with it.
  package func delete(_ name: CertificateFileName, of id: LoadBalancerID) async throws {
    try await BlockingIO.run {
      guard FileRead.exists(paths.certificate(name, of: id)) else { return }
      let configurations = [paths.configuration(of: id), paths.lastGoodConfiguration(of: id)]
      if named(by: configurations, of: id).contains(name) {
        try DurableFile.write([UInt8](), to: paths.tombstone(name, of: id), mode: 0o600)
      } else {
        try DurableFile.remove(paths.certificate(name, of: id))
      }
    }
  }
}

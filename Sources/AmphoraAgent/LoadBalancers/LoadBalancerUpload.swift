// PUT …/haproxy: a configuration becomes active only after haproxy has checked it; it is neither started nor reloaded.

import AmphoraCrypto
package import AmphoraProtocol
import Files
import Glibc
import Logging

extension LoadBalancers {
  /// Stores a configuration (contract agent-api §3.4).
  ///
  /// - Returns: the MD5 of the bytes received, in hexadecimal: the answer's ETag.
  package func upload(_ body: [UInt8], amphora: AmphoraID, to id: LoadBalancerID) async throws -> String {
    guard let received = String(validating: body, as: UTF8.self) else { throw LoadBalancerError.notText }
    // What a delete has left must not be taken for a part of this.
    if isDeleted(id) { try await finishDelete(id) }
    do {
      try await store(HAProxyConfiguration.removingGroup(received), amphora: amphora, as: id)
    } catch {
      await takeBackUpload(id)
      throw error
    }
    return Digest.hex(Digest.md5(body))
  }

  private func store(_ text: String, amphora: AmphoraID, as id: LoadBalancerID) async throws {
    let haproxy = configuration.value.haproxyCommand
    let staged = paths.stagedConfiguration(of: id)
    try await BlockingIO.run { [paths] in
      try UserGroupFragment.restore(paths.userGroupFragment)
      try DurableFile.createDirectory(paths.directory(of: id), mode: 0o755)
      try DurableFile.write(Array(text.utf8), to: staged, mode: 0o600)
    }
    try await check(staged, id, amphora: amphora, haproxy: haproxy)
    let unit = ServiceUnit.haproxy(id, amphora: amphora, command: haproxy, paths: paths)
    var enableFailure: SupervisorError?
    do throws(SupervisorError) {
      try await supervisor.ensureNamespace()
      try await supervisor.install(unit)
      do throws(SupervisorError) { try await supervisor.enable(unit.name) } catch { enableFailure = error }
    } catch {
      throw LoadBalancerError.enableFailed(output: error.output)
    }
    // Last, because this is what makes the load balancer known: before it nothing has happened, after it all has.
    try await BlockingIO.run { [paths] in try DurableFile.move(staged, to: paths.configuration(of: id)) }
    // The configuration stays all the same (contract agent-api §3.4 (8)).
    if let enableFailure { throw LoadBalancerError.enableFailed(output: enableFailure.output) }
  }

  /// Has haproxy check the staged file; a refused one is kept as `…-failed`, for whoever looks for the reason.
  private func check(_ staged: String, _ id: LoadBalancerID, amphora: AmphoraID, haproxy: String) async throws {
    let result = try await Command.run(
      haproxy, ["-c", "-L", PeerName.of(amphoraID: amphora.text), "-f", staged, "-f", paths.userGroupFragment])
    guard !result.isSuccess else { return }
    try await BlockingIO.run { [paths] in try DurableFile.move(staged, to: paths.rejectedConfiguration(of: id)) }
    logger.notice("haproxy refuses the configuration", metadata: ["lb": "\(id)", "output": "\(result.output)"])
    throw LoadBalancerError.rejected(output: result.output)
  }
}

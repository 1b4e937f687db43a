// What is on disk about load balancers; reading only. A load balancer is known when its directory has a haproxy.cfg
// (contract services §2.4).

package import AmphoraProtocol
package import Files

/// The load balancers on disk.
///
/// Its calls block.
package struct LoadBalancerStore: Sendable {
  package let paths: AgentPaths

  package init(paths: AgentPaths) { self.paths = paths }

  /// The ids of the known load balancers, sorted.
  ///
  /// None when the folder cannot be read; where a wrong none would do harm, ``list()`` says so.
  package func ids() -> [LoadBalancerID] { (try? list()) ?? [] }

  /// The ids of the known load balancers, sorted.
  package func list() throws(DurableFile.Failure) -> [LoadBalancerID] {
    try FileRead.entriesIfAny(of: paths.base).compactMap { LoadBalancerID($0) }.filter(exists)
  }

  /// Whether the load balancer is known.
  package func exists(_ id: LoadBalancerID) -> Bool { FileRead.exists(paths.configuration(of: id)) }

  /// The bytes of the active configuration.
  package func configuration(of id: LoadBalancerID) throws(DurableFile.Failure) -> [UInt8] {
    try FileRead.bytes(paths.configuration(of: id))
  }

  /// The active configuration's facts.
  package func parsed(_ id: LoadBalancerID) throws -> HAProxyConfiguration {
    try HAProxyConfiguration(parsing: String(decoding: configuration(of: id), as: UTF8.self))
  }

  /// As ``parsed(_:)``; nil when the load balancer was deleted meanwhile, for reads wait for nobody.
  package func parsedIfKnown(_ id: LoadBalancerID) throws -> HAProxyConfiguration? {
    do {
      return try parsed(id)
    } catch let error as DurableFile.Failure where error.isMissing {
      return nil
    }
  }

  /// Whether the load balancer's haproxy lives.
  package func isRunning(_ id: LoadBalancerID) -> Bool {
    FileRead.liveProcess(pidFile: paths.pidFile(of: id), named: "haproxy") != nil
  }
}

// The answers of GET /1.0/info and /1.0/details, put together.

package import AmphoraProtocol
import Files

/// Describes the amphora.
package struct AmphoraFacts: Sendable {
  private let packages: PackageDatabase
  private let store: LoadBalancerStore
  private let counters: @Sendable () async -> [String: DetailsBody.Network]

  /// - Parameter counters: bytes through the namespace's interfaces, by name.
  package init(
    packages: PackageDatabase, store: LoadBalancerStore,
    counters: @escaping @Sendable () async -> [String: DetailsBody.Network]
  ) {
    self.packages = packages
    self.store = store
    self.counters = counters
  }

  /// Names and versions.
  package func info() async throws -> InfoBody {
    let versions = try await packages.versions()
    return InfoBody(
      hostname: HostFacts.hostname(), haproxyVersion: versions.haproxy, keepalivedVersion: versions.keepalived,
      ipvsadmVersion: versions.ipvsadm)
  }

  /// The amphora's state in numbers.
  package func details() async throws -> DetailsBody {
    let info = try await info()
    let networks = await counters()
    return try await BlockingIO.run { [store] in
      let known = store.ids()
      let lvsStore = LVSStore(paths: store.paths)
      let lvs = lvsStore.ids()
      let frontends = try known.flatMap { try store.parsedIfKnown($0)?.frontends.map(\.name) ?? [] }
      return DetailsBody(
        info: info, networks: networks, haproxyCount: known.count { store.isRunning($0) },
        lvsListenerProcessCount: lvs.count { lvsStore.isRunning($0) },
        cpuCount: HostFacts.cpuCount(), cpu: HostFacts.cpu(), memory: HostFacts.memory(), disk: HostFacts.disk(),
        load: HostFacts.load(), activeTunedProfiles: HostFacts.tunedProfiles(),
        listeners: Set(frontends + lvs.map(\.text)).sorted())
    }
  }
}

// All that can be seen of an amphora at one moment, for `status`, its JSON, and the support bundle.

import AmphoraProtocol
import FoundationEssentials
import Glibc

/// An amphora at one moment.
package struct AmphoraSnapshot: Codable, Hashable, Sendable {
  /// Seconds since 1970.
  package var time: Double
  /// nil when the configuration file does not say.
  package var amphoraID: String?
  /// `SINGLE` or `ACTIVE_STANDBY`.
  package var topology: String?
  /// What is wrong with the configuration file.
  package var configurationProblems: [String]
  package var image: ImageFacts
  package var machine: MachineFacts
  package var agent: AgentFacts
  /// nil where VRRP is not set up.
  package var vrrp: VRRPFacts?
  package var loadBalancers: [LoadBalancerFacts]
  /// UDP and SCTP listeners.
  package var lvsListeners: [LVSFacts]
  package var network: NetworkFacts
  package var certificates: [CertificateFacts]

  /// One JSON object.
  package func json(isPretty: Bool = true) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if isPretty { encoder.outputFormatting.insert(.prettyPrinted) }
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}

extension AmphoraSnapshot {
  /// Looks at everything, and changes nothing.
  ///
  /// Takes a few milliseconds, and a second for each haproxy that does not answer. What cannot be read is said in the
  /// snapshot; it fails only where no thread can be had.
  package static func gather(_ amphora: LocalAmphora) async throws -> AmphoraSnapshot {
    let paths = amphora.paths
    let command = (try? amphora.configuration.get())?.haproxyCommand ?? "haproxy"
    async let image = ImageFacts.gather(haproxyCommand: command)
    let (balancers, listeners) = try await BlockingIO.run {
      (LoadBalancerStore(paths: paths).ids(), LVSStore(paths: paths).ids())
    }
    let states = await ServiceStates.gather(
      paths,
      units: [ServiceStates.agentUnit, ServiceUnit.vrrpName] + balancers.map(ServiceUnit.unitName)
        + listeners.map(ServiceUnit.unitName))
    let found = await image
    return try await BlockingIO.run { look(amphora, balancers, states, found) }
  }

  private static func look(
    _ amphora: LocalAmphora, _ balancers: [LoadBalancerID], _ states: ServiceStates, _ image: ImageFacts
  ) -> AmphoraSnapshot {
    let (paths, namespace) = (amphora.paths, amphora.interfaces.namespace)
    let configuration = try? amphora.configuration.get()
    let agent = AgentFacts.gather(amphora, states)
    let network = NetworkFacts.gather(namespace)
    var snapshot = AmphoraSnapshot(
      time: now(), amphoraID: configuration?.amphoraID, topology: configuration?.loadBalancerTopology.rawValue,
      configurationProblems: [], image: image, machine: .gather(paths, namespace), agent: agent,
      vrrp: .gather(paths, network), loadBalancers: balancers.map { .gather($0, paths, states, agent.status) },
      lvsListeners: LVSFacts.gather(paths, states), network: network, certificates: CertificateFacts.gather(amphora))
    if case .failure(let error) = amphora.configuration {
      snapshot.configurationProblems = error.problems.map { "\($0)" }
    }
    return snapshot
  }

  private static func now() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
  }
}

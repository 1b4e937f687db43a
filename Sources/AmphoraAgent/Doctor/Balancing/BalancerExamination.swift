// The checks of haproxy: each load balancer is looked at once, then every rule judges what was seen.

import AmphoraProtocol
import Files

/// One thing that can be wrong with a load balancer.
///
/// A rule is silent where another one reports what it builds on: of a haproxy that does not run nobody asks the socket.
protocol BalancerRule: Sendable {
  /// As ``DoctorCheck/name``.
  var name: String { get }
  func findings(_ seen: BalancerObservation) -> [Finding]
}

/// The check of every load balancer on disk that was not stopped on request.
package struct BalancerExamination: DoctorCheck {
  package let name = "haproxy"
  let rules: [any BalancerRule]
  private let asksHAProxyProgram: Bool
  private let patience: Duration

  /// - Parameters:
  ///   - asksHAProxyProgram: whether to have `haproxy -c` judge the file, the only part that starts a program.
  ///   - patience: how long haproxy may take to answer its socket, which it does in milliseconds; as heartbeats have it.
  package init(asksHAProxyProgram: Bool = true, patience: Duration = .seconds(2)) {
    self.asksHAProxyProgram = asksHAProxyProgram
    self.patience = patience
    rules =
      (asksHAProxyProgram ? [SyntaxRule()] : []) + [
        ProcessRule(), SocketRule(), RunningConfigurationRule(), ListenerRule(), ConnectionRule(), FileLimitRule(),
        MemoryRule(), PoolRule(), RejectedConfigurationRule(),
      ]
  }

  package func run(_ amphora: LocalAmphora) async -> [Finding] {
    var findings: [Finding] = []
    // One after the other: a haproxy that checks thousands of certificates takes a processor and much memory.
    for (id, isStopped) in (try? await BlockingIO.run { Self.loadBalancers(amphora.paths) }) ?? [] {
      if isStopped {
        findings.append(.pass(ProcessRule().name, "\(id) was stopped on request, so it is not looked at"))
      } else if let seen = await observe(id, amphora) {
        findings += rules.flatMap { $0.findings(seen) }
      }
    }
    return findings
  }

  /// The load balancers, and those whose first configuration was refused; and which of them were stopped.
  private static func loadBalancers(_ paths: AgentPaths) -> [(LoadBalancerID, Bool)] {
    let (store, stopped) = (LoadBalancerStore(paths: paths), StopOrders(paths: paths))
    return FileRead.names(in: paths.base).compactMap { LoadBalancerID($0) }
      .filter { store.exists($0) || FileRead.exists(paths.rejectedConfiguration(of: $0)) }
      .map { ($0, stopped.contains(ServiceUnit.unitName(of: $0))) }
  }

  private func observe(_ id: LoadBalancerID, _ amphora: LocalAmphora) async -> BalancerObservation? {
    let patience = patience
    async let reading = BlockingIO.run { BalancerObservation.read(id, amphora.paths, patience: patience) }
    let file = amphora.paths.configuration(of: id)
    let isKnown = FileRead.exists(file)
    let syntax = isKnown && asksHAProxyProgram ? await HAProxySyntax.of(file, in: amphora) : .accepted
    guard var seen = try? await reading else { return nil }
    seen.syntax = syntax
    if seen.hasFreshRejection, asksHAProxyProgram {
      seen.rejectedSyntax = await HAProxySyntax.of(amphora.paths.rejectedConfiguration(of: id), in: amphora)
    }
    return seen
  }
}

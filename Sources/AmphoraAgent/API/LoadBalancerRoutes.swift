// Routes 4 to 7 of the contract: configuration, actions, delete; the latter two for UDP and SCTP listeners as well.

import AmphoraCrypto
import AmphoraProtocol

extension AgentAPI {
  func uploadHAProxy(_ id: LoadBalancerID, _ amphora: AmphoraID, _ body: [UInt8]) async throws -> APIResponse {
    .ok(202, eTag: try await loadBalancers.upload(body, amphora: amphora, to: id))
  }

  func downloadHAProxy(_ id: LoadBalancerID) async throws -> APIResponse {
    let stored = try await loadBalancers.download(id)
    return .text(stored, eTag: Digest.hex(Digest.md5(stored)))
  }

  func control(_ id: ServiceObjectID, _ action: ServiceAction) async throws -> APIResponse {
    if try await isListener(id) {
      let action = try await lvs.control(action, id.asListener)
      return .ok(202, details: "keepalivedlvs listener \(id) \(action.pastTense)")
    }
    return switch try await loadBalancers.control(action, id.asLoadBalancer) {
    case .start: .ok(202, details: "Configuration file is valid\nhaproxy daemon for \(id) started")
    case let done: .ok(202, details: "Listener \(id) \(done.pastTense)")
    }
  }

  /// Starts what should run since the boot and does not, in turn with the controller's requests.
  package func startUntriedConfigurations() async throws {
    for id in try await loadBalancers.idsWithUntriedConfiguration() {
      _ = await lanes.run(.object(id.text), fingerprint: "boot") {
        await loadBalancers.startAtBoot(id)
        return .ok(200)
      }
    }
  }

  func deleteService(_ id: ServiceObjectID) async throws -> APIResponse {
    if try await isListener(id) {
      try await lvs.delete(id.asListener)
    } else {
      try await loadBalancers.delete(id.asLoadBalancer)
      try await lvs.removeRefused(id.asListener)
    }
    return .ok(200)
  }

  /// Whether the id is a UDP or SCTP listener's and no load balancer's (contract agent-api §3.0 BACKEND).
  private func isListener(_ id: ServiceObjectID) async throws -> Bool {
    if try await loadBalancers.owns(id.asLoadBalancer) { return false }
    return try await lvs.owns(id.asListener)
  }
}

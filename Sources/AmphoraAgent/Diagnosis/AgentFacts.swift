// The agent: what it says itself, and when it says nothing, what its process and systemd tell.

import Files

/// The agent's process and its own account.
package struct AgentFacts: Codable, Hashable, Sendable {
  package var service: ServiceFacts
  /// What it said over its socket; nil when it did not answer.
  package var status: AgentStatus?
  /// Why it did not.
  package var silence: String?
  /// Where heartbeats should go, and how often; nil when the configuration cannot be read.
  package var destinations: [String]?
  package var heartbeatInterval: Double?

  static func gather(_ amphora: LocalAmphora, _ states: ServiceStates) -> AgentFacts {
    var status: AgentStatus?
    var silence: String?
    do {
      status = try AgentControl.status(amphora.paths, within: .seconds(1))
    } catch {
      silence = "\(error)"
    }
    let pid = status?.pid ?? ProcessStatus.pids(named: "amphora-agent", argument: "serve").first
    var facts = AgentFacts(
      service: states.service(ServiceStates.agentUnit, pid: pid), status: status, silence: silence)
    if case .success(let configuration) = amphora.configuration {
      facts.destinations = configuration.controllerEndpoints.map(\.description)
      facts.heartbeatInterval = configuration.heartbeatInterval.inSeconds
    }
    return facts
  }
}

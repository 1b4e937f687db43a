// The configuration in force. Some options change while the agent runs (PUT /1.0/config), so it is read at each use.

import Synchronization

/// Holds the configuration in force.
package final class LiveConfiguration: Sendable {
  private let current: Mutex<AgentConfiguration>

  package init(_ configuration: AgentConfiguration) { current = Mutex(configuration) }

  /// The configuration now.
  package var value: AgentConfiguration { current.withLock { $0 } }

  /// Puts the live options of a new configuration into force; returns what is in force then.
  package func adopt(_ new: AgentConfiguration) -> AgentConfiguration {
    current.withLock { current in
      current = current.adoptingLiveOptions(of: new)
      return current
    }
  }
}

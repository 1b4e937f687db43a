// The level of the agent's log: the configured one, or for a time one that an operator has set.

import Synchronization

/// The level below which lines are dropped; changes while the agent runs.
package final class LogLevel: Sendable {
  /// A level that an operator has set.
  package struct Order: Hashable, Sendable {
    package let isDebug: Bool
    /// Seconds since 1970 by the wall clock, to tell of it.
    package let until: Double
  }

  private struct State {
    var isConfiguredDebug: Bool
    var order: Order?
    var timer: Task<Void, Never>?
    /// Tells a timer that ends late from the order that followed.
    var generation = 0
  }

  /// What is in force: read with each line.
  private let debug: Atomic<Bool>
  private let state: Mutex<State>

  /// - Parameter debug: as configured.
  package init(debug: Bool) {
    self.debug = Atomic(debug)
    state = Mutex(State(isConfiguredDebug: debug))
  }

  /// Whether DEBUG lines are written.
  package var isDebug: Bool { debug.load(ordering: .relaxed) }

  /// Whether they are by the configuration.
  package var isConfiguredDebug: Bool { state.withLock { $0.isConfiguredDebug } }

  /// The operator's order in force.
  package var order: Order? { state.withLock { $0.order } }

  /// Puts a configuration's level into force.
  ///
  /// One that differs from the former configuration's is the later word, and ends an operator's order. One that says the
  /// same, as a controller sends it with other options changed, leaves the order as it is, which ends in its time.
  package func configure(debug isDebug: Bool) {
    state.withLock { state in
      guard isDebug != state.isConfiguredDebug else { return }
      state.isConfiguredDebug = isDebug
      end(&state)
    }
  }

  /// Sets another level for a time, instead of one that was set before.
  ///
  /// - Parameter onEnd: called when the time is over; not when something else ended it before.
  package func set(debug isDebug: Bool, for time: Duration, onEnd: @escaping @Sendable () -> Void = {}) {
    state.withLock { state in
      end(&state)
      self.debug.store(isDebug, ordering: .relaxed)
      state.order = Order(isDebug: isDebug, until: UnixTime.precise + AgentMetrics.seconds(time))
      let generation = state.generation
      state.timer = Task { [weak self] in
        guard (try? await Task.sleep(for: time, tolerance: .zero)) != nil else { return }
        if self?.expire(generation) == true { onEnd() }
      }
    }
  }

  /// Ends an operator's order; whether there was one.
  @discardableResult
  package func restore() -> Bool {
    state.withLock { state in
      defer { end(&state) }
      return state.order != nil
    }
  }

  private func expire(_ generation: Int) -> Bool {
    state.withLock { state in
      guard state.generation == generation else { return false }
      end(&state)
      return true
    }
  }

  private func end(_ state: inout State) {
    state.timer?.cancel()
    state.timer = nil
    state.order = nil
    state.generation += 1
    debug.store(state.isConfiguredDebug, ordering: .relaxed)
  }
}

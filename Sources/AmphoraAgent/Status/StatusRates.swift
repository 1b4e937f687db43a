// How fast counters grow between two looks.

/// The changes from one snapshot to the next, per second.
struct StatusRates: Sendable {
  /// What is growing at the moment, with both directions in bytes.
  struct Traffic: Hashable, Sendable {
    var bytesIn: Double
    var bytesOut: Double
  }

  private(set) var interfaces: [String: Traffic] = [:]
  private(set) var listeners: [String: Traffic] = [:]

  /// nil when there is no earlier look, or both are of the same moment.
  init?(from before: AmphoraSnapshot?, to now: AmphoraSnapshot) {
    guard let before, now.time - before.time > 0.01 else { return nil }
    let seconds = now.time - before.time
    // A counter that went back has begun anew: haproxy was reloaded, the interface was made again.
    func rate(_ old: some BinaryInteger, _ new: some BinaryInteger) -> Double {
      max(0, Double(new) - Double(old)) / seconds
    }
    let links = Dictionary(before.network.interfaces.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    for link in now.network.interfaces {
      guard let old = links[link.name] else { continue }
      interfaces[link.name] = Traffic(
        bytesIn: rate(old.receivedBytes, link.receivedBytes), bytesOut: rate(old.sentBytes, link.sentBytes))
    }
    let earlier = Dictionary(before.listeners.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    for listener in now.listeners {
      guard let old = earlier[listener.id], let oldIn = old.bytesIn, let oldOut = old.bytesOut,
        let bytesIn = listener.bytesIn, let bytesOut = listener.bytesOut
      else { continue }
      listeners[listener.id] = Traffic(bytesIn: rate(oldIn, bytesIn), bytesOut: rate(oldOut, bytesOut))
    }
  }
}

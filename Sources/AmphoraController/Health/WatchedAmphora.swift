// The records of a ledger. Classes, so that 100,000 of them change in place; they never leave the ledger.

import AmphoraProtocol

/// A verified heartbeat on its way into the ledger.
struct IncomingHeartbeat {
  let message: HeartbeatMessage
  var source = DatagramSource()
  /// How long it waited between arrival and reading.
  var delay: Duration = .zero
  /// The beginning of the datagram's digest.
  var digest: UInt64 = 0
}

/// A load balancer whose amphorae are watched.
final class WatchedLoadBalancer {
  var view: LoadBalancerView

  init(_ view: LoadBalancerView) { self.view = view }
}

/// An amphora that is watched.
final class WatchedAmphora {
  let id: AmphoraID
  var loadBalancer: WatchedLoadBalancer?
  var status = AmphoraStatus.allocated
  /// Whether it was told to be stale.
  var isBusy = false
  var window = SequenceWindow()
  var repeated = 0
  var restarts = 0
  private var lastUpdate: Duration?
  private var lastHeard: Duration?
  private var message: HeartbeatMessage?
  private var source = DatagramSource()
  private var mismatch: ListenerMismatch?
  private var heartbeats = 0
  private var traffic = AmphoraTraffic()

  init(_ id: AmphoraID) { self.id = id }

  /// Keeps what was said, whatever it is worth.
  func heard(_ heartbeat: IncomingHeartbeat, now: Duration) {
    // Two that were read together still came one after the other.
    let arrival = now - heartbeat.delay
    traffic.add(heartbeat.message, previous: message, interval: lastHeard.map { arrival - $0 })
    message = heartbeat.message
    source = heartbeat.source
    heartbeats += 1
    lastHeard = arrival
  }

  /// Draws the conclusions of a verdict about the amphora itself.
  func judge(_ verdict: HealthVerdict, now: Duration, into events: inout [HealthEvent]) {
    if let difference = verdict.mismatch, difference != mismatch { events.append(.listenersDiffer(id, difference)) }
    mismatch = verdict.mismatch
    guard verdict.recordsAlive else { return }
    if let lastUpdate {
      if isBusy || status == .failoverStopped { events.append(.back(id, silentFor: now - lastUpdate)) }
    } else {
      events.append(.appeared(id))
    }
    if status == .failoverStopped { status = .allocated }
    isBusy = false
    lastUpdate = now
  }

  /// The row of the contract; nil while no heartbeat was accepted: such an amphora is never failed over.
  var row: HealthRow? {
    guard let lastUpdate, status != .deleted else { return nil }
    return HealthRow(
      amphora: id, lastUpdate: lastUpdate, isBusy: isBusy, status: status,
      loadBalancerStatus: loadBalancer?.view.provisioningStatus)
  }

  func stale(now: Duration, timeout: Duration) -> StaleAmphora {
    let isHeard = lastHeard.map { now - $0 <= timeout } ?? false
    let cause: StaleAmphora.Cause =
      if isHeard, let mismatch { .listenersDiffer(mismatch) } else { .silence }
    return StaleAmphora(
      amphora: id, loadBalancer: loadBalancer?.view.id, silentFor: now - (lastUpdate ?? .zero), cause: cause)
  }

  func health(now: Duration) -> AmphoraHealth {
    AmphoraHealth(
      amphora: id, loadBalancer: loadBalancer?.view.id, status: status, age: lastUpdate.map { now - $0 },
      isStale: isBusy, message: message, source: message == nil ? nil : source.description, mismatch: mismatch,
      heartbeats: heartbeats, repeated: repeated, restarts: restarts, traffic: traffic)
  }
}

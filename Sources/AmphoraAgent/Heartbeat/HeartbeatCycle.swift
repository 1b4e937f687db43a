// One heartbeat from gate to commit. Everything here blocks and runs on the sender's own thread.

import AmphoraProtocol
import Glibc
import Logging

/// The parts of the configuration that heartbeats depend on.
struct HeartbeatSettings: Sendable, Equatable {
  var amphoraID: String?
  var key: Secret?
  var interval: Duration
  var endpoints: [ControllerEndpoint]

  init(_ configuration: AgentConfiguration) {
    amphoraID = configuration.amphoraID
    key = configuration.heartbeatKey
    interval = configuration.heartbeatInterval
    endpoints = configuration.controllerEndpoints
  }

  /// What is needed to build a message; nil when the configuration lacks it.
  var identity: (id: String, key: HeartbeatKey)? {
    guard let amphoraID, let key else { return nil }
    return (amphoraID, HeartbeatKey(key.revealed))
  }

  /// How long collecting may take: 2 s, and less than the distance to the next heartbeat.
  var collectionBudget: Duration { min(.seconds(2), interval * 4 / 5) }
}

/// The state heartbeats are made of: counters, sequence number, sockets.
struct HeartbeatCycle: Sendable {
  private let sources: [any HeartbeatSource]
  private let paths: AgentPaths
  private let destinations: Destinations
  private let sockets = HeartbeatSockets()
  private var counters: CounterStore?
  private var sequence = 0
  private var sentStates: HeartbeatStates?
  private var log: ChangeLog

  init(sources: [any HeartbeatSource], paths: AgentPaths, destinations: Destinations, logger: Logger) {
    self.sources = sources
    self.paths = paths
    self.destinations = destinations
    log = ChangeLog(logger: logger)
  }

  /// Sends one heartbeat, or notes why not.
  mutating func beat(_ settings: HeartbeatSettings, status: inout HeartbeatStatus) {
    if case .closed(let reason) = VRRPGate.read(paths) { return skip(.vrrpDown, reason, &status) }
    guard let (id, key) = settings.identity else { return skip(.notConfigured, nil, &status) }
    let target: (endpoint: ControllerEndpoint, destination: ResolvedDestination)
    switch destinations.next() {
    case .send(let endpoint, let destination): target = (endpoint, destination)
    case .unconfigured: return skip(.noDestination, nil, &status)
    case .resolving: return skip(.resolving, nil, &status)
    case .unresolvable: return skip(.unresolvable, nil, &status)
    }
    let report = collect(within: settings.collectionBudget)
    status.problems = report.problems
    let message = message(id, report)
    let datagram: HeartbeatDatagram
    do {
      guard let sealed = try HeartbeatDatagram.seal(message, key: key) else { return skip(.tooLarge, nil, &status) }
      datagram = sealed
    } catch {
      return skip(.buildFailed, "zlib: \(error)", &status)
    }
    let code = sockets.send(datagram.bytes, to: target.destination)
    guard code == 0 else { return sendingFailed(code, target, &status) }
    note(datagram, message, target.destination, &status)
    sentStates = HeartbeatStates(report)
    commit(Set(message.listeners.map(\.id)))
  }

  /// Looks whether a controller should hear of a change before the next heartbeat is due.
  ///
  /// Listeners that are gone do not count: a restart of haproxy would be reported as an error, for a moment's sake.
  mutating func hasChanged(within budget: Duration) -> Bool {
    guard let sentStates else { return false }
    if case .closed = VRRPGate.read(paths) { return false }
    let report = collect(within: budget)
    guard report.problems.isEmpty else { return false }
    return HeartbeatStates(report).isNews(since: sentStates)
  }

  /// Whether the last collection had trouble; looking for changes then waits for the next heartbeat.
  private(set) var hasProblems = false

  /// Asks all sources, and takes note of the counters' new totals.
  mutating func collect(within budget: Duration) -> HeartbeatReport {
    let deadline = ContinuousClock.now + budget
    var report = HeartbeatReport()
    for (index, source) in sources.enumerated() {
      report.append(source.collect(within: (deadline - .now) / (sources.count - index)))
    }
    // The file is read at the first need: an agent that comes up in a gated amphora must not fix an old state.
    if counters == nil { counters = CounterStore(path: CounterStore.path(paths)) }
    counters?.observe(report.listeners)
    hasProblems = !report.problems.isEmpty
    log.note(
      "sources", report.problems.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: "; "),
      .error)
    return report
  }

  /// The message for a report; nothing in it counts as sent.
  mutating func message(_ id: String, _ report: HeartbeatReport) -> HeartbeatMessage {
    defer { sequence += 1 }
    var listenersSeen: Set<String> = []
    let listeners = report.listeners.filter { listenersSeen.insert($0.id).inserted }.map { reading in
      let unsent = counters?.unsent(reading.id) ?? ListenerCounters()
      // Receivers hold `conns` in 32 bits (contract §2.2).
      let stats = HeartbeatMessage.Stats(
        bytesOut: unsent.bout, bytesIn: unsent.bin, connections: min(reading.connections, Int(Int32.max)),
        totalConnections: unsent.stot, requestErrors: unsent.ereq)
      return HeartbeatMessage.Listener(id: reading.id, status: reading.status, stats: stats)
    }
    var poolsSeen: Set<String> = []
    let pools = report.pools.filter { poolsSeen.insert($0.key).inserted }
    return HeartbeatMessage(id: id, sequence: sequence, listeners: listeners, pools: pools)
  }

  private mutating func commit(_ ids: Set<String>) {
    do {
      try counters?.commit(ids) { [sources] in
        sources.reduce(into: Optional(Set())) { all, source in
          guard let names = source.configuredListeners() else { return all = nil }
          all?.formUnion(names)
        }
      }
      log.note("counters", "", .error)
    } catch {
      log.note(
        "counters", "counters are not stored, a restart of the agent would report traffic twice: \(error)", .error)
    }
  }
}

// Notes on the outcome.
extension HeartbeatCycle {
  private mutating func skip(_ reason: HeartbeatStatus.SkipReason, _ detail: String?, _ status: inout HeartbeatStatus) {
    status.skip(reason, detail)
    let text = detail.map { "\(reason.rawValue): \($0)" } ?? reason.rawValue
    log.note("silence", "no heartbeat: \(text)", reason == .resolving ? .debug : .error)
  }

  private mutating func sendingFailed(
    _ code: CInt, _ target: (endpoint: ControllerEndpoint, destination: ResolvedDestination),
    _ status: inout HeartbeatStatus
  ) {
    let text = "cannot send to \(target.destination): \(String(cString: strerror(code)))"
    status.sendErrors += 1
    status.lastSendError = text
    log.note("send to \(target.endpoint)", text, .error)
    destinations.sendingFailed(to: target.endpoint)
  }

  private mutating func note(
    _ datagram: HeartbeatDatagram, _ message: HeartbeatMessage, _ destination: ResolvedDestination,
    _ status: inout HeartbeatStatus
  ) {
    let size = datagram.bytes.count
    status.sent += 1
    status.silence = nil
    status.silenceDetail = nil
    status.last = HeartbeatStatus.Sent(
      destination: destination.description, bytes: size, time: UnixTime.precise, sequence: message.sequence ?? 0,
      form: datagram.form.rawValue)
    if size > HeartbeatSize.unfragmented { status.fragmented += 1 }
    if size > HeartbeatSize.comfortable || datagram.form != .complete { status.nearLimit += 1 }
    if datagram.form == .withoutPools { status.withoutPools += 1 }
    log.note("silence", "", .error)
    let level: Logger.Level = size > HeartbeatSize.comfortable || datagram.form != .complete ? .error : .warning
    log.note("size", HeartbeatSize.remark(size, datagram.form), level)
  }
}

/// Sizes that an operator should know of (contract heartbeat-and-config §2.9, §7 row 1).
private enum HeartbeatSize {
  /// Above this a datagram does not fit one Ethernet frame of a tunnelled network.
  static let unfragmented = 1400
  /// Above this the limit of 65,507 bytes is near.
  static let comfortable = 60_000

  /// The remark does not contain the size, so that it is logged once per change and not each time.
  static func remark(_ size: Int, _ form: HeartbeatDatagram.Form) -> String {
    if form == .withoutPools {
      return "heartbeat exceeds one datagram: sent without pools, so that controllers see stale pool and member states"
    }
    if form != .complete { return "heartbeat barely fits one datagram (\(form.rawValue)): use fewer members" }
    if size > comfortable { return "heartbeat is larger than \(comfortable) bytes: close to the limit of one datagram" }
    return size > unfragmented ? "heartbeat is larger than \(unfragmented) bytes and travels in fragments" : ""
  }
}

// The heartbeat that the agent would send now, without sending or storing anything: composed by the sender's own code.

package import AmphoraProtocol
import FoundationEssentials
import Logging

/// A heartbeat that was built and not sent.
///
/// The increments are those since the totals in the agent's state file, so that a restart of haproxy that the running agent
/// has seen since then may make its own differ.
package struct HeartbeatPreview: Sendable {
  /// The sizes, in bytes.
  package struct Sizes: Encodable, Hashable, Sendable {
    /// The JSON text.
    package let message: Int
    /// The zlib stream.
    package let compressed: Int
    /// With the digest: the UDP payload.
    package let datagram: Int
    /// The largest UDP payload.
    package let limit: Int
  }

  /// The message as it would stand in the datagram.
  package let message: HeartbeatMessage
  /// Its text.
  package let text: String
  /// Nil when nothing fits one datagram.
  package let sizes: Sizes?
  /// What was done to make it fit.
  package let form: String?
  /// The state of keepalived.
  package let gate: VRRPGate
  /// The controllers in configured order.
  package let destinations: [DestinationLookup]
  /// What could not be read, by object.
  package let problems: [String: String]
  /// Why nothing would be sent; nil when it would.
  package let silence: String?
  /// Seconds between heartbeats.
  package let interval: Int

  /// Composes the heartbeat that an amphora's agent would send now.
  ///
  /// - Parameter sources: asked as the agent asks them; those of the amphora unless told.
  package static func build(
    _ configuration: AgentConfiguration, paths: AgentPaths, sources: [any HeartbeatSource]? = nil,
    resolver: @escaping Destinations.Resolver = ResolvedDestination.resolve
  ) async throws -> HeartbeatPreview {
    let destinations = await DestinationLookup.all(configuration.controllerEndpoints, resolver: resolver)
    return try await BlockingIO.run {
      let sources = sources ?? [HAProxyHeartbeatSource(paths: paths), LVSHeartbeatSource(paths: paths)]
      return try HeartbeatPreview(configuration, paths: paths, sources: sources, destinations: destinations)
    }
  }

  private init(
    _ configuration: AgentConfiguration, paths: AgentPaths, sources: [any HeartbeatSource],
    destinations: [DestinationLookup]
  ) throws {
    let settings = HeartbeatSettings(configuration)
    var cycle = HeartbeatCycle(
      sources: sources, paths: paths, destinations: Destinations { _ in nil },
      logger: Logger(label: "preview") { _ in SwiftLogNoOpLogHandler() })
    let report = cycle.collect(within: settings.collectionBudget)
    let whole = cycle.message(settings.amphoraID ?? "", report)
    // The digest is as long whatever the key.
    let key = HeartbeatKey(settings.key?.revealed ?? "")
    let datagram = try HeartbeatDatagram.seal(whole, key: key)
    // Read back what would be on the wire: its form may lack something.
    let sent = try datagram.map { try HeartbeatEnvelope.open($0.bytes, keys: [key]) } ?? whole.encoded()
    message = try HeartbeatMessage(json: sent)
    text = String(decoding: sent, as: UTF8.self)
    sizes = datagram.map {
      Sizes(
        message: sent.count, compressed: $0.bytes.count - HeartbeatEnvelope.digestBytes, datagram: $0.bytes.count,
        limit: HeartbeatEnvelope.maximumPayloadIPv4)
    }
    form = datagram?.form.rawValue
    gate = VRRPGate.read(paths)
    problems = report.problems
    interval = Int(settings.interval.components.seconds)
    self.destinations = destinations
    silence = Self.silence(settings, gate, fits: datagram != nil, destinations)
  }

  private static func silence(
    _ settings: HeartbeatSettings, _ gate: VRRPGate, fits: Bool, _ destinations: [DestinationLookup]
  ) -> String? {
    if case .closed(let reason) = gate { return "\(HeartbeatStatus.SkipReason.vrrpDown.rawValue): \(reason)" }
    let reason: HeartbeatStatus.SkipReason? =
      if settings.identity == nil {
        .notConfigured
      } else if destinations.isEmpty {
        .noDestination
      } else if destinations.allSatisfy({ $0.destination == nil }) {
        .unresolvable
      } else if !fits {
        .tooLarge
      } else {
        nil
      }
    return reason?.rawValue
  }

  /// 0 when all is well; 1 when a part is missing or the size is near its limit; 2 when nothing would be sent.
  package var exitCode: Int32 {
    if silence != nil { return 2 }
    let isReduced = form != HeartbeatDatagram.Form.complete.rawValue || !problems.isEmpty
    return isReduced || destinations.contains { $0.destination == nil } ? 1 : 0
  }
}

/// A controller as configured, and the address it has now.
package struct DestinationLookup: Sendable, Hashable {
  package let endpoint: ControllerEndpoint
  /// Nil when the name could not be resolved in time.
  package let destination: ResolvedDestination?

  /// How long name servers may take.
  private static let limit = Duration.seconds(3)

  /// Looks all endpoints up side by side, each once.
  package static func all(
    _ endpoints: [ControllerEndpoint], resolver: @escaping Destinations.Resolver = ResolvedDestination.resolve
  ) async -> [DestinationLookup] {
    var seen: Set<ControllerEndpoint> = []
    let unique = endpoints.filter { seen.insert($0).inserted }
    let (answers, feed) = AsyncStream.makeStream(of: (ControllerEndpoint, ResolvedDestination?)?.self)
    var found: [ControllerEndpoint: ResolvedDestination] = [:]
    var open: Set<ControllerEndpoint> = []
    for endpoint in unique {
      if let literal = ResolvedDestination.literal(endpoint) {
        found[endpoint] = literal
      } else if BackgroundThread.detach(name: "resolve", { feed.yield((endpoint, resolver(endpoint))) }) {
        open.insert(endpoint)
      }
    }
    let alarm = Task {
      try await Task.sleep(for: limit)
      feed.yield(nil)
    }
    defer { alarm.cancel() }
    if !open.isEmpty {
      for await answer in answers {
        guard let (endpoint, destination) = answer else { break }
        found[endpoint] = destination
        open.remove(endpoint)
        if open.isEmpty { break }
      }
    }
    return unique.map { DestinationLookup(endpoint: $0, destination: found[$0]) }
  }
}

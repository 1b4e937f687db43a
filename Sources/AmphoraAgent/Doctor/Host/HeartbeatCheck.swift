// Whether heartbeats can leave: what they are made of is set, and there is a way to their destinations.

import FoundationEssentials
import Glibc

/// Whether controllers are told that this amphora lives.
struct HeartbeatCheck: DoctorCheck {
  let name = "heartbeat"
  var machine = Machine()
  /// For all names together; a name server that is silent must not make the doctor so.
  var patience = Duration.seconds(2)
  var resolver: Destinations.Resolver = ResolvedDestination.resolve

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    guard let configuration = amphora.validConfiguration else { return [] }
    let lacking = [
      ("amphora_id", configuration.amphoraID == nil), ("heartbeat_key", configuration.heartbeatKey == nil),
      ("controller_ip_port_list", configuration.controllerEndpoints.isEmpty),
    ].filter(\.1).map(\.0)
    guard lacking.isEmpty else {
      return [
        .failure(
          name,
          "\(configuration.file) does not set \(lacking.joined(separator: ", ")): no heartbeats, so controllers replace "
            + "this amphora", remedy: amphora.configureAgain)
      ]
    }
    let findings = await judge(Set(configuration.controllerEndpoints), amphora)
    // What cannot leave does not need to be looked at any closer.
    if findings.contains(where: { $0.verdict == .failure }) { return findings }
    return findings + (await flow(configuration, amphora))
  }

  private func judge(_ endpoints: Set<ControllerEndpoint>, _ amphora: LocalAmphora) async -> [Finding] {
    let resolved = await resolve(endpoints)
    let unknown = endpoints.subtracting(resolved.keys).map(\.host).sorted()
    let ways = resolved.map { (endpoint: $0.key, failure: Self.wayFailure(to: $0.value)) }
    let blocked = ways.filter { $0.failure != nil }.sorted { $0.endpoint.description < $1.endpoint.description }
    let usable = ways.count - blocked.count
    func finding(_ evidence: String, _ remedy: String) -> Finding {
      usable == 0
        ? .failure(name, evidence, remedy: remedy)
        : .warning(name, "\(evidence); \(usable) of \(endpoints.count) are in reach", remedy: remedy)
    }
    var findings: [Finding] = []
    if !unknown.isEmpty {
      findings.append(
        finding(
          "no address for \(unknown.joined(separator: ", ")) (most images ask no name server)",
          "put addresses into the controllers' [health_manager] controller_ip_port_list, then: \(amphora.configureAgain)"
        ))
    }
    if let first = blocked.first, let failure = first.failure {
      let all = blocked.map(\.endpoint.description).joined(separator: ", ")
      findings.append(finding("no way to \(all): \(failure)", Self.routeRemedy))
    }
    return findings
  }

  /// What brings the management network up again: the image's (systemd-networkd), or ifupdown's of other images.
  private static var routeRemedy: String {
    access("/run/systemd/netif", F_OK) == 0 ? "systemctl restart systemd-networkd" : "systemctl restart networking"
  }

  /// The addresses found in time.
  private func resolve(_ endpoints: Set<ControllerEndpoint>) async -> [ControllerEndpoint: ResolvedDestination] {
    let (answers, feed) = AsyncStream.makeStream(of: (ControllerEndpoint, ResolvedDestination?)?.self)
    var found: [ControllerEndpoint: ResolvedDestination] = [:]
    var waiting = 0
    for endpoint in endpoints {
      found[endpoint] = ResolvedDestination.literal(endpoint)
      if found[endpoint] != nil { continue }
      let isStarted = BackgroundThread.detach(name: "resolve") { [resolver] in
        feed.yield((endpoint, resolver(endpoint)))
      }
      if isStarted { waiting += 1 }
    }
    guard waiting > 0 else { return found }
    let alarm = Task {
      try await Task.sleep(for: patience)
      feed.yield(nil)
    }
    defer { alarm.cancel() }
    for await answer in answers {
      guard let (endpoint, destination) = answer else { break }
      found[endpoint] = destination
      waiting -= 1
      if waiting == 0 { break }
    }
    return found
  }

  /// Why the kernel would not send there; nil when it would.
  ///
  /// connect(2) on a UDP socket looks the route up and sends nothing (udp(7)).
  private static func wayFailure(to destination: ResolvedDestination) -> String? {
    let descriptor = socket(destination.family, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return String(cString: strerror(errno)) }
    defer { close(descriptor) }
    let result = destination.socketAddress.withUnsafeBytes { bytes in
      bytes.baseAddress.map {
        connect(descriptor, $0.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
      } ?? -1
    }
    return result == 0 ? nil : String(cString: strerror(errno))
  }
}

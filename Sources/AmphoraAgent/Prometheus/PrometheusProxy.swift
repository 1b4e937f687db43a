// `prometheus-proxy`: metrics of the load balancer for tenants, behind their PROMETHEUS listener (contract services §7).
//
// A process of its own, so that tenants' scrapes take neither the agent's time nor its memory.

import Addresses
import Glibc
package import Netlink
import Synchronization

/// Serves metrics on an address of the traffic namespace.
package final class PrometheusProxy: Sendable {
  /// Where things are; the defaults are the contract's.
  package struct Places: Sendable {
    /// nil for the namespace of the process.
    package var namespace: NetworkNamespace?
    /// Port of this program, which controllers' configurations name.
    package var port: UInt16 = 9102
    /// Port of haproxy's exporter.
    package var exporterPort: UInt16 = 9101
    /// Where the agent tells of itself.
    package var agentSocket = AgentPaths().controlSocket

    /// Makes a set of places.
    package init(namespace: NetworkNamespace?) { self.namespace = namespace }
  }

  private let places: Places
  let onRejected: (@Sendable (String) -> Void)?
  private let log: @Sendable (String) -> Void
  private let open = Atomic<Int>(0)
  /// More than the few scrapers of a tenant; the rest waits in the kernel's queue.
  private static let mostConnections = 16

  /// Makes a proxy; `log` gets a line for what goes wrong, `onRejected` each line of haproxy's that is not forwarded.
  package init(
    _ places: Places, log: @escaping @Sendable (String) -> Void, onRejected: (@Sendable (String) -> Void)? = nil
  ) {
    self.places = places
    self.log = log
    self.onRejected = onRejected
  }

  /// Serves until `isOver`, or for ever; blocks.
  ///
  /// When the namespace is missing or the port is taken, it tries again every second. When the namespace is made anew, it
  /// moves over: a listening socket stays in the one it was opened in.
  package func run(until isOver: () -> Bool = { false }) {
    var lastFailure = ""
    while !isOver() {
      do {
        let identity = try places.namespace?.identity()
        let listener = try listen()
        lastFailure = ""
        serve(listener) { isOver() || (try? places.namespace?.identity()) != identity }
      } catch {
        // Once per change: an amphora that waits for its controller has no namespace for minutes.
        if lastFailure != "\(error)" { report("not serving: \(error)") }
        lastFailure = "\(error)"
        poll(nil, 0, 1000)
      }
    }
  }

  private func serve(_ listener: consuming TimedSocket, until isOver: () -> Bool) {
    while !isOver() {
      var entry = pollfd(fd: listener.descriptor, events: Int16(POLLIN), revents: 0)
      let isFull = open.load(ordering: .relaxed) >= Self.mostConnections
      guard poll(&entry, isFull ? 0 : 1, isFull ? 20 : 1000) > 0 else { continue }
      guard let client = listener.accept() else {
        // Without descriptors left, it would be asked again at once.
        poll(nil, 0, 20)
        continue
      }
      open.add(1, ordering: .relaxed)
      let descriptor = client.release()
      let isStarted = BackgroundThread.detach(name: "scrape") { [self] in
        PrometheusScrape(proxy: self).serve(TimedSocket(takingOwnershipOf: descriptor))
        open.subtract(1, ordering: .relaxed)
      }
      if !isStarted {
        close(descriptor)
        open.subtract(1, ordering: .relaxed)
      }
    }
  }

  private static let loopback = IPAddress("127.0.0.1") ?? .any(.v4)

  private func listen() throws -> TimedSocket {
    let address = SocketAddress(Self.loopback, port: places.port)
    return try inNamespace {
      let socket = try TimedSocket(for: address)
      try socket.listen(at: address)
      return socket
    }
  }

  /// The exporter's name in requests.
  var exporterName: String { "127.0.0.1:\(places.exporterPort)" }

  /// A connection to haproxy's exporter.
  func connect(until deadline: ContinuousClock.Instant) throws -> TimedSocket {
    let address = SocketAddress(Self.loopback, port: places.exporterPort)
    let socket = try inNamespace { try TimedSocket(for: address) }
    try socket.connect(to: address, until: deadline)
    return socket
  }

  private func inNamespace(_ body: @escaping @Sendable () throws -> TimedSocket) throws -> TimedSocket {
    if let namespace = places.namespace { return try namespace.runBlocking(body) }
    return try body()
  }

  /// What the agent says of itself; a scrape does not fail for want of it.
  func agentMetrics() -> String {
    let answer = try? StatsSocket(path: places.agentSocket, timeout: .milliseconds(500)).query(
      "\(ControlCommand.metrics)")
    let text = answer.map { String(decoding: $0, as: UTF8.self) } ?? ""
    let isUp = text.hasPrefix("# ") && text.hasSuffix("\n")
    return """
      # HELP amphora_agent_up Whether the agent of the amphora answers.
      # TYPE amphora_agent_up gauge
      amphora_agent_up \(isUp ? 1 : 0)
      \(isUp ? text : "")
      """
  }

  func report(_ line: String) { log(line) }
}

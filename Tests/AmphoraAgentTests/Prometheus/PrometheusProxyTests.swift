// The proxy between a client and an exporter that fails as it is told (contract services §7.2, §7.3).

import Glibc
import Netlink
import Synchronization
import Testing
import TestSupport

@testable import AmphoraAgent

/// A namespace with the proxy at its place, and room for an exporter.
private final class ProxyLab: Sendable {
  let lab: InterfaceLab
  let log = Mutex<[String]>([])
  private let isOver = Atomic<Bool>(false)

  init() throws {
    lab = try InterfaceLab()
    try makeNamespace()
  }

  func makeNamespace() throws {
    try lab.inside.create()
    _ = try lab.inside.runBlocking {
      try NamespaceProcess.run("/sbin/ip", ["link", "set", "lo", "up"], within: .seconds(5))
    }
  }

  func start() {
    var places = PrometheusProxy.Places(namespace: lab.inside)
    places.agentSocket = "\(lab.folder.path)/metrics.sock"
    let proxy = PrometheusProxy(places) { [weak self] line in self?.log.withLock { $0.append(line) } }
    BackgroundThread.detach(name: "proxy") { [self] in proxy.run { isOver.load(ordering: .relaxed) } }
  }

  func end() { isOver.store(true, ordering: .relaxed) }

  /// The listening socket of an exporter.
  func exporter() throws -> LabSocket { try LabSocket(.tcp, at: "127.0.0.1", port: 9101, in: lab.inside) }

  /// A request as scrapers send it.
  static let get = "GET /any HTTP/1.1\r\nHost: x\r\n\r\n"

  /// Sends a request; what comes until the end, and whether the end was a reset.
  func ask(_ request: String = ProxyLab.get) async throws -> (text: String, isReset: Bool) {
    try await onThread { [self] in
      let client = try LabSocket(.tcp, at: "127.0.0.1", in: lab.inside)
      try client.connect("127.0.0.1", 9102)
      try #require(client.isConnected(within: .seconds(10)))
      try client.send(request)
      return try client.receiveAll()
    }
  }

  /// Asks until the proxy listens.
  func untilServing() async throws {
    try await poll("the proxy listens") {
      let client = try LabSocket(.tcp, at: "127.0.0.1", in: lab.inside)
      try client.connect("127.0.0.1", 9102)
      return client.isConnected(within: .seconds(1))
    }
  }
}

@Suite(.enabled(if: InterfaceLab.isPossible, InterfaceLab.why)) struct PrometheusProxyTests {
  private static let metrics = "# TYPE haproxy_process_listeners gauge\nhaproxy_process_listeners 3\n"
  private static let good = "HTTP/1.1 200 OK\r\ncontent-length: \(metrics.utf8.count)\r\n\r\n\(metrics)"

  /// Runs a scrape against an exporter that answers with a text.
  private func scrape(_ lab: ProxyLab, _ exporter: LabSocket, _ answer: String, _ request: String = ProxyLab.get)
    async throws
    -> (text: String, isReset: Bool)
  {
    async let result = lab.ask(request)
    try await onThread {
      let connection = try exporter.accept()
      #expect(try connection.receiveText().hasPrefix("GET /metrics HTTP/1.1\r\n"))
      try connection.send(answer)
    }
    return try await result
  }

  private func withProxy(_ body: (ProxyLab) async throws -> Void) async throws {
    let lab = try ProxyLab()
    lab.start()
    defer { lab.end() }
    try await lab.untilServing()
    try await body(lab)
  }

  @Test func `a GET of any path has the contract's headers and both parts' metrics`() async throws {
    try await withProxy { lab in
      let agent = try UnixServer("\(lab.lab.folder.path)/metrics.sock") { _ in
        Array("# TYPE amphora_agent_x gauge\namphora_agent_x 1\n".utf8)
      }
      let exporter = try lab.exporter()
      let (text, isReset) = try await scrape(lab, exporter, Self.good)
      #expect(
        text.hasPrefix(
          "HTTP/1.1 200 OK\r\ncache-control: no-cache\r\ncontent-type: text/plain; version=0.0.4\r\nconnection: close\r\n\r\n# HELP octavia_loadbalancer_cpu "
        ), "\(text)")
      #expect(text.contains("\n# TYPE octavia_loadbalancer_listeners gauge\noctavia_loadbalancer_listeners 3\n"))
      #expect(text.hasSuffix("\namphora_agent_up 1\n# TYPE amphora_agent_x gauge\namphora_agent_x 1\n"))
      #expect(!isReset)
      let head = try await scrape(lab, exporter, Self.good, "HEAD / HTTP/1.1\r\n\r\n").text
      #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n") && head.hasSuffix("\r\nconnection: close\r\n\r\n"))
      withExtendedLifetime(agent) {}
    }
  }

  @Test func `without the agent, or with one that is silent, the rest is there`() async throws {
    try await withProxy { lab in
      let exporter = try lab.exporter()
      #expect(try await scrape(lab, exporter, Self.good).text.hasSuffix("\namphora_agent_up 0\n"))
      let silent = try UnixServer("\(lab.lab.folder.path)/metrics.sock") { _ in nil }
      #expect(try await scrape(lab, exporter, Self.good).text.hasSuffix("\namphora_agent_up 0\n"))
      withExtendedLifetime(silent) {}
    }
  }

  @Test(arguments: ["HTTP/1.1 503 No\r\n\r\n", "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\n"])
  func `an answer that is none is an empty 502`(answer: String) async throws {
    try await withProxy { lab in
      let exporter = try lab.exporter()
      let (text, _) = try await scrape(lab, exporter, answer)
      #expect(text == "HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\n\r\n")
      #expect(lab.log.withLock { $0.count == 1 && $0[0].hasPrefix("no metrics: ") })
    }
  }

  @Test func `without haproxy it is an empty 502 at once, with a silent one before haproxy gives up, and then goes on`()
    async throws
  {
    try await withProxy { lab in
      #expect(try await lab.ask().text == "HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\n\r\n")
      var exporter: LabSocket? = try lab.exporter()
      let start = ContinuousClock.now
      #expect(try await lab.ask().text.hasPrefix("HTTP/1.1 502 "))
      // haproxy waits 5 s.
      #expect(ContinuousClock.now - start >= .seconds(3) && ContinuousClock.now - start < .seconds(5))
      exporter = nil
      exporter = try lab.exporter()
      let again = try #require(exporter)
      #expect(try await scrape(lab, again, Self.good).text.hasPrefix("HTTP/1.1 200 "))
    }
  }

  @Test func `a part is not taken for the whole: its end is a reset`() async throws {
    try await withProxy { lab in
      let exporter = try lab.exporter()
      let (text, isReset) = try await scrape(
        lab, exporter, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhapro")
      #expect(isReset, "\(text)")
    }
  }

  @Test func `other methods are 405, and what is no request gets nothing`() async throws {
    try await withProxy { lab in
      let text = try await lab.ask("POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n").text
      #expect(text.hasPrefix("HTTP/1.1 405 Method Not Allowed\r\nallow: GET, HEAD\r\n"))
      let form = try await lab.ask("POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nx=1").text
      #expect(form == text, "a body in the same segment does not hide the head's end")
      #expect(try await lab.ask(String(repeating: "x", count: 40_000)).text.isEmpty)
    }
  }

  @Test func `it waits for the namespace, and moves over when that is made anew`() async throws {
    let lab = try ProxyLab()
    try lab.lab.inside.delete(ifExists: true)
    lab.start()
    defer { lab.end() }
    try await poll("it says so") { lab.log.withLock { $0.contains { $0.contains("not serving") } } }
    for _ in 1...2 {
      try lab.makeNamespace()
      try await lab.untilServing()
      let exporter = try lab.exporter()
      #expect(try await scrape(lab, exporter, Self.good).text.contains("octavia_loadbalancer_listeners 3"))
      try lab.lab.inside.delete(ifExists: true)
    }
  }
}

// `amphora-agent heartbeat`: what it shows, what it sends, and that neither touches what the agent counts.

import AmphoraProtocol
import Files
import Glibc
import Testing

@testable import AmphoraAgent

/// A source with a fixed report.
private struct FixedSource: HeartbeatSource {
  var report = HeartbeatReport()
  func collect(within budget: Duration) -> HeartbeatReport { report }
  func configuredListeners() -> Set<String>? { nil }
}

@Suite struct HeartbeatPreviewTests {
  private let folder: LabFolder
  private var state: String { "\(folder.path)/stats_counters.json" }

  init() throws { folder = try LabFolder() }

  private func source(_ bin: Int, members: Int = 0) -> FixedSource {
    var source = FixedSource()
    source.report.listeners = [
      ListenerReading(id: "L", status: "OPEN", connections: 7, counters: .init(bin: bin, bout: 0, ereq: 0, stot: 3))
    ]
    let ids = (0..<members).map { _ in "\(UInt64.random(in: .min ... .max))-\(UInt64.random(in: .min ... .max))" }
    source.report.pools = [.init(key: "P:L", status: "UP", members: ids.map { .init(id: $0, status: "UP") })]
    return source
  }

  private func preview(_ configuration: AgentConfiguration, _ source: FixedSource) async throws -> HeartbeatPreview {
    try await HeartbeatPreview.build(configuration, paths: folder.paths, sources: [source]) { endpoint in
      endpoint.host == "named"
        ? ResolvedDestination.literal(ControllerEndpoint("127.0.0.1:\(endpoint.port)") ?? endpoint) : nil
    }
  }

  @Test func `traffic is what the state file does not have yet, and the file stays as it is`() async throws {
    let text = #"{"L":{"bin":100,"bout":0,"ereq":0,"stot":1}}"#
    try folder.write("stats_counters.json", text)
    let before = try FileRead.entries(of: folder.path)
    for _ in 1...2 {
      let preview = try await preview(HeartbeatLab.configuration("192.0.2.5:5555"), source(130))
      #expect(preview.message.listeners.first?.stats?.bytesIn == 30)
      #expect(preview.message.listeners.first?.stats?.totalConnections == 2)
      #expect(preview.message.sequence == 0)
      #expect(preview.silence == nil && preview.exitCode == 0)
    }
    #expect(FileRead.text(state) == text)
    #expect(try FileRead.entries(of: folder.path) == before)
  }

  @Test func `without a state file none is made`() async throws {
    let preview = try await preview(HeartbeatLab.configuration("192.0.2.5:5555"), source(130))
    #expect(preview.message.listeners.first?.stats?.bytesIn == 130)
    #expect(try FileRead.entries(of: folder.path).isEmpty)
  }

  @Test func `the report has sizes, addresses and the message, and not the key`() async throws {
    let configuration = try HeartbeatLab.configuration("192.0.2.5:5555, named:5556, unknown:5557", key: "top secret")
    let preview = try await preview(configuration, source(5))
    let sizes = try #require(preview.sizes)
    #expect(sizes.datagram == sizes.compressed + 64 && sizes.message == preview.text.utf8.count)
    #expect(
      preview.report == """
        Size      message \(sizes.message) bytes, compressed \(sizes.compressed), datagram \(sizes.datagram) of at most 65507
        Form      complete
        To        192.0.2.5:5555
                  named:5556 at 127.0.0.1:5556
                  unknown:5557: cannot be resolved
                  one in turn every 1 s
        VRRP      not set up, asks for no silence
        Silence   no: this would be sent

        {
          "id": "\(HeartbeatLab.amphoraID)",
          "seq": 0,
          "listeners": {
            "L": {
              "status": "OPEN",
              "stats": {
                "tx": 0,
                "rx": 5,
                "conns": 7,
                "totconns": 3,
                "ereq": 0
              }
            }
          },
          "pools": {
            "P:L": {
              "status": "UP",
              "members": {}
            }
          },
          "ver": 3
        }
        """)
    // One controller will not hear it.
    #expect(preview.exitCode == 1)
    let json = try JSONTree(preview.json())
    guard case .object(let members) = json else { throw LabFailure("no object", code: EINVAL) }
    #expect(members["message"] == (try JSONTree(preview.text)))
    #expect(!(try preview.json()).contains("top secret"))
  }

  @Test func `what keeps the agent silent is said`() async throws {
    func silence(_ configuration: AgentConfiguration, _ source: FixedSource? = nil) async throws -> String {
      let preview = try await preview(configuration, source ?? self.source(1))
      #expect(preview.exitCode == 2)
      return try #require(preview.silence)
    }
    #expect(try await silence(HeartbeatLab.configuration("")) == "no controller is configured")
    #expect(try await silence(HeartbeatLab.configuration("unknown:1")) == "no controller's name can be resolved")
    #expect(
      try await silence(HeartbeatLab.configuration("192.0.2.5:1", key: nil)) == "amphora_id or heartbeat_key is not set"
    )
    folder.folder("vrrp")
    try folder.write("vrrp/octavia-keepalived.conf", "vrrp_instance x {}\n")
    let text = try await silence(HeartbeatLab.configuration("192.0.2.5:1"))
    #expect(text.hasPrefix("VRRP is configured but keepalived is not running: "))
    #expect(text.hasSuffix("vrrp/octavia-keepalived.pid cannot be read"))
  }

  @Test func `what does not fit is shown as it would be sent`() async throws {
    let preview = try await preview(HeartbeatLab.configuration("192.0.2.5:5555"), source(1, members: 6000))
    #expect(preview.form == "without pools" && preview.message.pools == nil)
    #expect(preview.exitCode == 1)
  }

  @Test func `one heartbeat has no traffic and no number, and changes no counter`() async throws {
    let text = #"{"L":{"bin":100,"bout":0,"ereq":0,"stot":1}}"#
    try folder.write("stats_counters.json", text)
    let (first, second) = (try HeartbeatReceiver(), try HeartbeatReceiver(family: AF_INET6))
    let configuration = try HeartbeatLab.configuration("127.0.0.1:\(first.port), [::1]:\(second.port), unknown:1")
    let heartbeat = try SingleHeartbeat.send(await preview(configuration, source(130)), configuration)
    for receiver in [first, second] {
      let message = try await receiver.message()
      #expect(message.id == HeartbeatLab.amphoraID && message.sequence == nil && message.defects == [])
      #expect(message.listeners == [.init(id: "L", status: "OPEN", stats: .init(connections: 7))])
      #expect(message.pools?.map(\.key) == ["P:L"])
      #expect(try await receiver.receive(within: .milliseconds(1)) == nil)
    }
    #expect(
      heartbeat.text == """
        127.0.0.1:\(first.port): sent, \(heartbeat.bytes) bytes; UDP says nothing of its arrival
        [::1]:\(second.port): sent, \(heartbeat.bytes) bytes; UDP says nothing of its arrival
        unknown:1: not sent: cannot be resolved
        """)
    #expect(heartbeat.exitCode == 1)
    #expect(FileRead.text(state) == text)
  }

  @Test func `one heartbeat is silent where the agent would be`() async throws {
    let receiver = try HeartbeatReceiver()
    folder.folder("vrrp")
    try folder.write("vrrp/octavia-keepalived.conf", "vrrp_instance x {}\n")
    let configuration = try HeartbeatLab.configuration("127.0.0.1:\(receiver.port)")
    let heartbeat = try SingleHeartbeat.send(await preview(configuration, source(1)), configuration)
    #expect(heartbeat.attempts.isEmpty && heartbeat.exitCode == 2)
    #expect(heartbeat.text.hasPrefix("not sent: VRRP is configured but keepalived is not running"))
    #expect(try await receiver.receive(within: .milliseconds(1)) == nil)
  }
}

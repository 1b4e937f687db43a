// What the demo's steps work on.

import Addresses
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import FoundationEssentials
import Netlink
import Synchronization

/// The controller, the hosts and the load balancer of the demo.
final class DemoStage: Sendable {
  static let vip = "203.0.113.10"
  let driver: NamespaceDriver
  let procedures: LoadBalancerProcedures
  let client: NetworkNamespace
  let members: [HTTPMember]
  let heartbeats: HeartbeatWatch
  private let wanted: Mutex<Wanted>

  /// What the load balancer is to be.
  struct Wanted {
    var connectionLimit = 2000
    var members = [("10.0.1.21", "red"), ("10.0.1.22", "red")]
  }

  init(
    driver: NamespaceDriver, procedures: LoadBalancerProcedures, client: NetworkNamespace, members: [HTTPMember],
    heartbeats: HeartbeatWatch
  ) {
    self.driver = driver
    self.procedures = procedures
    self.client = client
    self.members = members
    self.heartbeats = heartbeats
    wanted = Mutex(Wanted())
  }

  let id = LoadBalancerID(unchecked: "0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10")

  /// The load balancer's only amphora.
  var amphora: AmphoraID {
    get throws {
      guard let amphora = try procedures.state.record(id)?.servingAmphorae.first?.id else {
        throw DemoFailure(description: "no amphora serves")
      }
      return amphora
    }
  }

  func change(_ body: (inout Wanted) -> Void) { wanted.withLock { body(&$0) } }

  /// The document of the load balancer as it is to be now.
  func document() throws -> LoadBalancerDocument {
    let wanted = wanted.withLock { $0 }
    let members = wanted.members.enumerated().map { index, member in
      """
      {"id": "f0000000-0000-4000-8000-00000000000\(index + 1)", "address": "\(member.0)", "protocol_port": 8080,
       "subnet_id": "\(member.1)"}
      """
    }.joined(separator: ", ")
    let json = """
      {"loadbalancer": {"id": "\(id)", "project_id": "7ac5d5c0c9f14b6f8e7d6c5b4a392817", "vip_address": "\(Self.vip)",
        "vip_subnet_id": "vip", "listeners": [{"id": "c1a7b3de-0000-4000-8000-000000000001", "protocol": "HTTP",
          "protocol_port": 80, "connection_limit": \(wanted.connectionLimit),
          "default_pool": {"id": "d0000000-0000-4000-8000-000000000001", "protocol": "HTTP",
            "lb_algorithm": "ROUND_ROBIN", "members": [\(members)],
            "healthmonitor": {"id": "e0000000-0000-4000-8000-000000000001", "type": "HTTP", "delay": 1, "timeout": 1,
              "max_retries": 1, "max_retries_down": 2, "http_method": "GET", "url_path": "/",
              "expected_codes": "200"}}}]},
       "context": {"topology": "SINGLE", "haproxy_version": "2.6", "subnets": {
         "vip": {"cidr": "203.0.113.0/24", "gateway_ip": "203.0.113.1", "host_routes": []},
         "red": {"cidr": "10.0.1.0/24", "gateway_ip": "10.0.1.1", "host_routes": []},
         "blue": {"cidr": "10.0.2.0/24", "gateway_ip": "10.0.2.1", "host_routes": []}}}}
      """
    return try LoadBalancerDocument(json: Data(json.utf8))
  }

  /// A request through the VIP.
  func get() async -> ProbeResult {
    do {
      return await HTTPProbe.get(try Demo.ip(Self.vip), port: 80, from: client)
    } catch {
      return ProbeResult(status: nil, body: "", failure: "\(error)")
    }
  }

  /// Waits until this many different members answer; a new member is checked once before it gets requests.
  func waitForAnswers(from count: Int) async throws {
    let deadline = ContinuousClock.now + .seconds(10)
    var seen: Set<String> = []
    var last = ProbeResult(status: nil, body: "", failure: nil)
    while seen.count < count {
      guard ContinuousClock.now < deadline else {
        throw DemoFailure(description: "only \(seen.sorted()) answer; last: \(last)")
      }
      last = await get()
      if last.status == 200 { seen.insert(last.body) } else { try await Task.sleep(for: .milliseconds(20)) }
    }
  }
}

/// Waits for heartbeats that say something.
final class HeartbeatWatch: Sendable {
  private let latest = Mutex<HeartbeatMessage?>(nil)
  private let receiver: HeartbeatReceiver

  init(_ receiver: HeartbeatReceiver) {
    self.receiver = receiver
    Task { [weak self] in
      for await heartbeat in receiver.heartbeats { self?.latest.withLock { $0 = heartbeat.message } }
    }
  }

  /// The first heartbeat from now on that fulfils the condition, 15 s at most.
  func wait(for condition: (HeartbeatMessage) -> Bool) async throws -> HeartbeatMessage {
    latest.withLock { $0 = nil }
    let deadline = ContinuousClock.now + .seconds(15)
    while ContinuousClock.now < deadline {
      if Interrupt.isRequested { throw CancellationError() }
      if let message = latest.withLock({ $0 }), condition(message) { return message }
      try await Task.sleep(for: .milliseconds(20))
    }
    throw DemoFailure(
      description:
        "no such heartbeat in 15 s; last: \(latest.withLock { $0.map { "\($0)" } ?? "none" }); \(receiver.counters)")
  }
}

/// Requests without pause, from several clients at once.
final class Load: Sendable {
  private let isRunning = Atomic<Bool>(true)
  private let counted = Mutex<(count: Int, failures: [String])>((0, []))

  var result: (Int, [String]) { counted.withLock { $0 } }

  func stop() { isRunning.store(false, ordering: .relaxed) }

  func run(_ stage: DemoStage) async {
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          while self.isRunning.load(ordering: .relaxed) {
            let result = await stage.get()
            self.counted.withLock { state in
              state.count += 1
              if result.status != 200 { state.failures.append("\(result)") }
            }
          }
        }
      }
    }
  }
}

// What the demo's steps work on.

import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Netlink
import Synchronization

/// The hosts and the load balancer of the demo.
final class DemoStage: Sendable {
  let lab: Lab
  let amphora: LabAmphora
  let process: AgentProcess
  let client: NetworkNamespace
  let members: [HTTPMember]
  let heartbeats: HeartbeatWatch
  private let balancer: Mutex<LabLoadBalancer>

  init(
    lab: Lab, amphora: LabAmphora, process: AgentProcess, client: NetworkNamespace, members: [HTTPMember],
    balancer: LabLoadBalancer, heartbeats: HeartbeatWatch
  ) {
    self.lab = lab
    self.amphora = amphora
    self.process = process
    self.client = client
    self.members = members
    self.heartbeats = heartbeats
    self.balancer = Mutex(balancer)
  }

  var balancerID: String { balancer.withLock { $0.id } }
  var object: ServiceObjectID { ServiceObjectID(unchecked: balancerID) }

  func changeLimit(_ limit: Int) { balancer.withLock { $0.connectionLimit = limit } }

  /// What a controller does for every change: upload, then reload, which starts haproxy if it does not run.
  func uploadAndReload() async throws {
    let balancer = balancer.withLock { $0 }
    try await amphora.client.uploadHAProxy(
      try balancer.haproxyConfiguration(), loadBalancer: LoadBalancerID(unchecked: balancer.id))
    _ = try await amphora.client.control(object, .reload)
  }

  /// A request through the VIP.
  func get() async -> ProbeResult {
    do {
      return await HTTPProbe.get(try Demo.ip("203.0.113.10"), port: 80, from: client)
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

// The demo's steps.

import Addresses
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Netlink
import Synchronization

/// A step that did not show what it should.
struct DemoFailure: Error, CustomStringConvertible {
  let description: String
}

/// Runs the steps in order; whatever happens, everything is taken down by the end of the process.
struct Demo {
  let agent: String?
  let holds: Bool
  private let out = StepPrinter()
  private let vip = "203.0.113.10"

  init(agent: String?, holds: Bool) {
    self.agent = agent
    self.holds = holds
  }

  /// Whether all steps succeeded.
  func run() async throws -> Bool {
    let start = ContinuousClock.now
    out.show("Amphora demo: a load balancer through the agent, in a sandbox of namespaces")
    do {
      try await steps()
      let seconds = (ContinuousClock.now - start).components.seconds
      out.show("Done in \(seconds) s. The sandbox is gone with this process.")
      return true
    } catch {
      out.show(
        Interrupt.isRequested ? "Interrupted; taking everything down." : "The demo failed; taking everything down.")
      return false
    }
  }

  private func steps() async throws {
    let stage = try await prepare()
    defer { for member in stage.members { member.stop() } }
    try await plug(stage)
    try await deploy(stage)
    try await health(stage)
    try await reloadUnderLoad(stage)
    if holds { await hold(stage) }
    try await takeDown(stage)
  }

  // MARK: Steps

  private func prepare() async throws -> DemoStage {
    let lab = try await out.step("networks and certificate authorities") {
      (try Lab(agent: agent), "management, VIP and member networks; server CA, client CA")
    }
    guard let id = AmphoraID("11111111-2222-4333-8444-555555555501") else { throw DemoFailure(description: "bad id") }
    let (client, members) = try await out.step("hosts: a client and two members") {
      let client = try lab.network.host("client", on: .vip, addresses: ["203.0.113.100/24"])
      let members = try (1...2).map { number in
        let namespace = try lab.network.host("member-\(number)", on: .member, addresses: ["10.0.1.2\(number)/24"])
        let member = HTTPMember(name: "member-\(number)", namespace: namespace, port: 8080)
        try member.start()
        return member
      }
      return ((client, members), "203.0.113.100; 10.0.1.21:8080, 10.0.1.22:8080")
    }
    let receiver = try await HeartbeatReceiver.bind(
      address: lab.network.controllerAddress, keys: [HeartbeatKey(lab.heartbeatKey)])
    let amphora = try await out.step("amphora booted") {
      let amphora = try await lab.bootAmphora(1, id: id)
      return (amphora, "certificate and configuration for \(id)")
    }
    let process = try await out.step("agent started, answers over mutual TLS") {
      let process = try amphora.vm.startAgent()
      let version = try await amphora.client.retrying(RetryProfile(attempts: 500, pause: .milliseconds(5))).discover()
      let info = try await amphora.client.info()
      return (process, "API \(version), haproxy \(info.haproxyVersion), keepalived \(info.keepalivedVersion)")
    }
    var balancer = LabLoadBalancer(
      amphora: id.text, vip: vip,
      members: [
        .init(id: "f0000000-0000-4000-8000-000000000001", address: "10.0.1.21", port: 8080),
        .init(id: "f0000000-0000-4000-8000-000000000002", address: "10.0.1.22", port: 8080),
      ])
    balancer.haproxyVersion = try await amphora.client.info().haproxyVersion
    return DemoStage(
      lab: lab, amphora: amphora, process: process, client: client, members: members, balancer: balancer,
      heartbeats: HeartbeatWatch(receiver))
  }

  private func plug(_ stage: DemoStage) async throws {
    let client = stage.amphora.client
    try await out.step("VIP port hot-plugged and configured") {
      let mac = "fa:16:3e:00:00:01"
      try stage.lab.network.plug(Self.mac(mac), named: "ens4", into: stage.amphora.vm.namespace, on: .vip)
      let outcome = try await client.plugVIP(
        Self.ip(vip),
        PlugVIPBody(
          subnetCIDR: "203.0.113.0/24", gateway: "203.0.113.1", macAddress: mac, vrrpIP: "203.0.113.4", mtu: 1450))
      return ((), "\(Self.text(outcome))")
    }
    try await out.step("member port hot-plugged and configured") {
      let mac = "fa:16:3e:00:00:02"
      try stage.lab.network.plug(Self.mac(mac), named: "ens5", into: stage.amphora.vm.namespace, on: .member)
      let outcome = try await client.plugNetwork(
        PlugNetworkBody(
          macAddress: mac,
          fixedIPs: [FixedIPBody(ipAddress: "10.0.1.5", subnetCIDR: "10.0.1.0/24", gateway: "10.0.1.1")], mtu: 1450))
      return ((), "\(Self.text(outcome))")
    }
  }

  private func deploy(_ stage: DemoStage) async throws {
    try await out.step("HTTP listener, ROUND_ROBIN, two members") {
      try await stage.uploadAndReload()
      return ((), "configuration checked by haproxy, haproxy started")
    }
    try await out.step("requests through the VIP") {
      try await stage.waitForAnswers(from: 2)
      var answers: [String] = []
      for _ in 0..<6 {
        let result = await stage.get()
        guard result.status == 200 else { throw DemoFailure(description: "no answer: \(result)") }
        answers.append(result.body.filter { !$0.isNewline })
      }
      guard Set(answers).count == 2 else { throw DemoFailure(description: "only one member answers: \(answers)") }
      return ((), answers.joined(separator: ", "))
    }
  }

  private func health(_ stage: DemoStage) async throws {
    try await out.step("heartbeat verified: both members up") {
      let heartbeat = try await stage.heartbeats.wait { Self.members($0).filter { $0.hasPrefix("UP") }.count == 2 }
      return ((), Self.text(heartbeat))
    }
    try await out.step("member-1 stopped: heartbeat says DOWN") {
      stage.members[0].stop()
      let heartbeat = try await stage.heartbeats.wait { Self.members($0).contains { $0.hasPrefix("DOWN") } }
      return ((), Self.text(heartbeat))
    }
    try await out.step("traffic goes on through member-2") {
      for _ in 0..<10 {
        let result = await stage.get()
        guard result.status == 200, result.body.hasPrefix("member-2") else {
          throw DemoFailure(description: "answer: \(result)")
        }
      }
      return ((), "10 of 10 requests answered")
    }
    try await out.step("member-1 started again: heartbeat says UP") {
      try stage.members[0].start()
      let heartbeat = try await stage.heartbeats.wait { Self.members($0).filter { $0.hasPrefix("UP") }.count == 2 }
      return ((), Self.text(heartbeat))
    }
  }

  private func reloadUnderLoad(_ stage: DemoStage) async throws {
    try await out.step("10 reloads under load") {
      let load = Load()
      async let requests: Void = load.run(stage)
      for limit in 1...10 {
        stage.changeLimit(2000 + limit)
        try await stage.uploadAndReload()
      }
      load.stop()
      await requests
      let (count, failures) = load.result
      guard failures.isEmpty, count > 0 else {
        throw DemoFailure(description: "\(failures.count) of \(count) requests failed, first: \(failures[0])")
      }
      return ((), "\(count) requests, none failed")
    }
  }

  private func takeDown(_ stage: DemoStage) async throws {
    try await out.step("load balancer deleted") {
      try await stage.amphora.client.deleteService(stage.object)
      let result = await stage.get()
      guard result.status == nil else { throw DemoFailure(description: "it still answers") }
      let listeners = try await stage.amphora.client.listListeners()
      guard listeners.isEmpty else { throw DemoFailure(description: "listeners are left: \(listeners)") }
      return ((), "no listener left, port closed")
    }
    try await out.step("agent stopped") {
      let status = await stage.process.stop()
      guard status == 0 else { throw DemoFailure(description: "exit status \(status)") }
      try await stage.amphora.client.shutdown()
      return ((), "exit status 0")
    }
  }

  private func hold(_ stage: DemoStage) async {
    // This process has numbers of its own for processes; on the host the agent is the newest with this command line.
    let enter = "nsenter --all --target $(pgrep -nf 'amphora-agent serve')"
    out.show(
      """

        Everything stays up until Ctrl-C. From another terminal, as root:

          \(enter) curl -s localhost:9443                            # inside the amphora; refused without TLS
          \(enter) ip netns exec amphora-haproxy ip addr             # the traffic namespace
          \(enter) cat /var/lib/octavia/\(stage.balancerID)/haproxy.cfg
          \(enter) ip netns exec amphora-haproxy curl -s http://\(vip)/   # through the load balancer

          \(enter) cat /run/amphora-agent/haproxy-\(stage.balancerID).service.log
          nsenter --all --target $(pgrep -nx amphora-demo) tail -f \(stage.process.log)   # the agent's log

      """)
    await Interrupt.wait()
  }

  // MARK: Texts

  private static func text(_ outcome: AmphoraClient.PlugOutcome) -> String {
    switch outcome {
    case .plugged(let details): details
    case .alreadyPlugged: "plugged already"
    }
  }

  private static func members(_ message: HeartbeatMessage) -> [String] {
    (message.pools ?? []).flatMap { $0.members.map(\.status) }
  }

  private static func text(_ message: HeartbeatMessage) -> String {
    let listeners = message.listeners.map(\.status).joined(separator: ",")
    return "#\(message.sequence ?? -1): listener \(listeners), members \(members(message).joined(separator: ", "))"
  }

  static func ip(_ text: String) throws -> IPAddress {
    guard let address = IPAddress(text) else { throw DemoFailure(description: "'\(text)' is no address") }
    return address
  }

  private static func mac(_ text: String) throws -> MACAddress {
    guard let mac = MACAddress(text) else { throw DemoFailure(description: "'\(text)' is no MAC address") }
    return mac
  }
}

// The demo's steps.

import Addresses
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Netlink

/// A step that did not show what it should.
struct DemoFailure: Error, CustomStringConvertible {
  let description: String
}

/// Runs the steps in order; whatever happens, everything is taken down by the end of the process.
struct Demo {
  let agent: String?
  let holds: Bool
  let out = StepPrinter()

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
    try await create(stage)
    try await health(stage)
    try await scale(stage)
    try await changesUnderLoad(stage)
    if holds { await hold(stage) }
    try await failOver(stage)
    try await takeDown(stage)
  }

  // MARK: Steps

  private func prepare() async throws -> DemoStage {
    let (driver, settings) = try await out.step("networks and certificate authorities") {
      let driver = try NamespaceDriver(
        directory: "\(Sandbox.directory)/driver", agent: agent, scratch: "\(Sandbox.directory)/machines")
      try await driver.makeManagementNetwork()
      return ((driver, try Self.settings(driver)), "management, VIP and member networks; server CA, client CA")
    }
    let procedures = LoadBalancerProcedures(
      state: try StateDirectory("\(Sandbox.directory)/state"), compute: driver, network: driver, settings: settings)
    let receiver = try await HeartbeatReceiver.bind(
      address: "\(driver.controllerAddress)", keys: [HeartbeatKey(settings.heartbeatKey)])
    return try await out.step("hosts: a client and three members") {
      // The driver learns of the networks from the document, as with amphoractl.
      let sketch = DemoStage(
        driver: driver, procedures: procedures, client: .amphoraHAProxy, members: [],
        heartbeats: HeartbeatWatch(receiver))
      await driver.define(subnetsOf: try sketch.document())
      let client = try await driver.makeHost("client", on: "vip", addresses: ["203.0.113.100/24"])
      var members: [HTTPMember] = []
      for (name, subnet, address) in [
        ("member-1", "red", "10.0.1.21"), ("member-2", "red", "10.0.1.22"), ("member-3", "blue", "10.0.2.23"),
      ] {
        let namespace = try await driver.makeHost(name, on: subnet, addresses: ["\(address)/24"])
        let member = HTTPMember(name: name, namespace: namespace, port: 8080)
        try member.start()
        members.append(member)
      }
      let stage = DemoStage(
        driver: driver, procedures: procedures, client: client, members: members, heartbeats: sketch.heartbeats)
      return (stage, "203.0.113.100; 10.0.1.21, 10.0.1.22, 10.0.2.23 on port 8080")
    }
  }

  private static func settings(_ driver: NamespaceDriver) throws -> ControllerSettings {
    let serverCA = try CertificateAuthority.create(name: "demo server CA")
    let clientCA = try CertificateAuthority.create(name: "demo client CA")
    let credentials = ControllerCredentials(
      clientPEM: try clientCA.issueControllerCertificate(name: "demo controller").pem,
      serverCAPEM: try serverCA.certificatePEM())
    var settings = ControllerSettings(
      credentials: credentials, clientCAPEM: try clientCA.certificatePEM(), heartbeatKey: "demo heartbeat key",
      heartbeatReceivers: ["\(try driver.controllerAddress):5555"]
    ) { try serverCA.issueAmphoraCertificate(id: $0) }
    settings.heartbeatInterval = 1
    settings.patience = RetryProfile(attempts: 2000, pause: .milliseconds(5))
    return settings
  }

  private func create(_ stage: DemoStage) async throws {
    try await apply(stage, "apply: HTTP listener, ROUND_ROBIN, two members")
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
    try await out.step("the same document again") {
      guard try await !stage.procedures.apply(stage.document()) else {
        throw DemoFailure(description: "it did something")
      }
      return ((), "nothing to do")
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

  private func scale(_ stage: DemoStage) async throws {
    stage.change { $0.members.append(("10.0.2.23", "blue")) }
    try await apply(stage, "apply: a third member, in another network")
    try await out.step("requests through the VIP") {
      try await stage.waitForAnswers(from: 3)
      return ((), "three members answer")
    }
  }

  private func changesUnderLoad(_ stage: DemoStage) async throws {
    try await out.step("10 changes under load") {
      let load = Load()
      async let requests: Void = load.run(stage)
      for limit in 1...10 {
        stage.change { $0.connectionLimit = 2000 + limit }
        try await stage.procedures.apply(stage.document())
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

  private func failOver(_ stage: DemoStage) async throws {
    let old = try stage.amphora
    try await out.step("power cut") {
      try await stage.driver.cutPower(of: old)
      return ((), "amphora \(old) is gone, and the VIP with it")
    }
    let start = ContinuousClock.now
    try await procedure("failover of amphora \(old)") {
      try await stage.procedures.failOver(amphora: old, progress: $0)
    }
    try await out.step("requests through the VIP") {
      try await stage.waitForAnswers(from: 1)
      let took = Int((ContinuousClock.now - start) / .milliseconds(1))
      try await stage.waitForAnswers(from: 3)
      return ((), "the first \(took) ms after the failover began; three members answer")
    }
  }

  private func takeDown(_ stage: DemoStage) async throws {
    try await procedure("delete") { try await stage.procedures.delete(stage.id, progress: $0) }
    try await out.step("nothing is left") {
      for name in ["client", "member-1", "member-2", "member-3"] { try await stage.driver.removeHost(name) }
      let left = try await stage.driver.inventory()
      guard left.isEmpty else { throw DemoFailure(description: "left: \(left)") }
      return ((), "no namespace, link, port, process or file")
    }
  }
}

// keepalived on one amphora: upload, actions, check scripts (contract agent-api §3.16, §3.17; services §3).

import Addresses
import AmphoraAgent
import AmphoraController
import AmphoraCrypto
import AmphoraLab
import AmphoraProtocol
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(2))) struct VRRPTests {
  private static let folder = "/var/lib/octavia/vrrp"
  private static let haproxyCheck = "\(folder)/check_scripts/haproxy_check_script.sh"
  private static let ok = #"{"message": "OK"}"#

  /// A pair of which only this amphora exists.
  static func configuration(_ amphora: LiveAmphora) throws -> String {
    var balancer = LabLoadBalancer(amphora: amphora.id.text, vip: LiveStage.vip, members: [])
    balancer.pair = [
      .init(id: amphora.id.text, vrrpIP: "203.0.113.4", priority: 100),
      .init(id: "99999999-2222-4333-8444-555555555502", vrrpIP: "203.0.113.5", priority: 90),
    ]
    return try balancer.keepalivedConfiguration()
  }

  static func activeStandby() -> LabAmphora.Settings {
    var settings = LabAmphora.Settings()
    settings.topology = "ACTIVE_STANDBY"
    return settings
  }

  @Test func `an upload stores configuration and scripts and starts nothing`() async throws {
    try await withAmphora(Self.activeStandby()) { amphora in
      let text = try Self.configuration(amphora)
      for _ in 1...2 {
        try expect(
          await amphora.send("PUT", "/1.0/vrrp/upload", text), 200, Self.ok,
          eTag: Digest.hex(Digest.md5(Array(text.utf8))))
        #expect(amphora.text("\(Self.folder)/octavia-keepalived.conf") == text)
        #expect(amphora.mode("\(Self.folder)/octavia-keepalived.conf") == "644")
        #expect(amphora.mode("\(Self.folder)/check_script.sh") == "755")
        #expect(amphora.mode(Self.haproxyCheck) == "644")
        #expect(amphora.names(in: Self.folder) == ["check_script.sh", "check_scripts", "octavia-keepalived.conf"])
        #expect(amphora.names(in: "\(Self.folder)/check_scripts") == ["haproxy_check_script.sh"])
      }
      try await amphora.expectNone("keepalived")
    }
  }

  @Test func `lost and altered check scripts come back with the next upload`() async throws {
    try await withAmphora(Self.activeStandby()) { amphora in
      func upload() async throws { try await amphora.client.uploadVRRP(Self.configuration(amphora)) }
      let driver = "\(Self.folder)/check_script.sh"
      try await upload()
      let text = amphora.text(driver)
      _ = try await amphora.run("/bin/rm -r \(driver) \(Self.folder)/check_scripts")
      try await upload()
      #expect(amphora.text(driver) == text)
      #expect(amphora.mode(driver) == "755")
      #expect(amphora.text(Self.haproxyCheck) == "exit 1")
      try await amphora.write("#!/bin/sh\n", to: driver, mode: 0o600)
      try await upload()
      #expect(amphora.text(driver) == text)
      #expect(amphora.mode(driver) == "755")
    }
  }

  @Test func `what was stopped on request stays so over a restart of the agent`() async throws {
    try await withAmphora(Self.activeStandby()) { amphora in
      try await Self.plug(amphora)
      try await amphora.client.uploadVRRP(Self.configuration(amphora))
      try await amphora.client.controlVRRP(.start)
      let ids = [freshID(), freshID()]
      for id in ids {
        try await amphora.client.uploadHAProxy(HAProxyUploadTests.idle(id), loadBalancer: id)
        try await amphora.client.control(ServiceObjectID(unchecked: id.text), .start)
      }
      try await amphora.client.control(ServiceObjectID(unchecked: ids[0].text), .stop)
      try await amphora.client.controlVRRP(.stop)
      try await amphora.crashAgent()
      try await amphora.killAll("haproxy")
      try await amphora.startAgent()
      try await poll("the other haproxy") { try await amphora.client.details().haproxyCount == 1 }
      #expect(amphora.exists("/run/amphora-agent/stopped/octavia-keepalived.service"))
      // The agent takes services up in the order of their names; keepalived's turn is last.
      try await amphora.client.control(ServiceObjectID(unchecked: ids[1].text), .reload)
      try await amphora.expectNone("keepalived")
      #expect(try await amphora.client.details().haproxyCount == 1)
      #expect(
        amphora.text(Self.haproxyCheck) == "haproxy-vrrp-check /var/lib/octavia/\(ids[1]).sock; exit $?")
    }
  }

  @Test func `what keepalived cannot use is 400 with its words, and the former file stays`() async throws {
    try await withAmphora(Self.activeStandby()) { amphora in
      try await Self.plug(amphora)
      let good = try Self.configuration(amphora)
      try await amphora.client.uploadVRRP(good)
      try await amphora.client.controlVRRP(.start)
      let running = try await amphora.processes("keepalived")
      let file = "\(Self.folder)/octavia-keepalived.conf"
      let cut = String(good.prefix(upTo: good.lastIndex(of: "}") ?? good.endIndex))
      for (bad, words) in [
        (cut, "missing '}'"), ("\(good)\n}\n", "Extra '}'"), ("vrrp_instance a {\n}\n", "virtual router id"),
        (good.replacing("priority 100", with: "priority"), "priority"),
      ] {
        let answer = try await amphora.send("PUT", "/1.0/vrrp/upload", bad)
        #expect(answer.status == 400, "\(words): \(answer.text)")
        #expect(try answer.json.keys == ["message", "details"])
        #expect(try answer.json.string("message") == "Invalid request")
        #expect(try answer.json.string("details").contains(words), "\(answer.text)")
        #expect(amphora.text(file) == good)
        #expect(amphora.text("\(file).new-failed") == bad)
      }
      #expect(try await amphora.client.controlVRRP(.reload).details == "keepalived reloaded")
      #expect(try await amphora.processes("keepalived").contains(try #require(running.first)))
      // A newer controller may use words that this keepalived passes over.
      let newer = "global_defs {\n  some_newer_word\n}\n\(good)"
      for text in [newer, "", good] {
        #expect(try await amphora.send("PUT", "/1.0/vrrp/upload", text).status == 200)
        #expect(amphora.text(file) == text)
      }
      #expect(amphora.names(in: Self.folder).filter { $0.hasSuffix(".new") } == [])
    }
  }

  @Test func `actions answer as the contract says`() async throws {
    try await withAmphora(Self.activeStandby()) { amphora in
      func control(_ action: String) async throws -> AgentAnswer {
        try await amphora.send("PUT", "/1.0/vrrp/\(action)")
      }
      func expectDone(_ action: String, _ details: String) async throws {
        try expect(await control(action), 202, "{\"message\": \"OK\", \"details\": \"keepalived \(details)\"}")
      }
      for action in ["start", "reload"] {
        let answer = try await control(action)
        #expect(answer.status == 500)
        #expect(try answer.json.string("message") == "Failed to \(action) octavia-keepalived service")
        #expect(try !answer.json.string("details").isEmpty)
      }
      try expect(
        await control("Restart"), 400, #"{"message": "Invalid Request", "details": "Unknown action: restart"}"#)
      try await Self.plug(amphora)
      try await amphora.client.uploadVRRP(Self.configuration(amphora))
      #expect(try await control("reload").status == 500, "a reload of a stopped service is an error")
      try await expectDone("START", "started")
      let pid = try #require(Int32((amphora.text("\(Self.folder)/octavia-keepalived.pid") ?? "").filter(\.isNumber)))
      let command = try await amphora.commandLine(pid)
      #expect(command.first == "/usr/sbin/keepalived")
      for argument in [
        "--log-facility=1", "\(Self.folder)/octavia-keepalived.conf", "\(Self.folder)/octavia-keepalived.pid",
      ] {
        #expect(command.contains(argument), "\(command)")
      }
      try await expectDone("start", "reloaded")
      try await expectDone("reload", "reloaded")
      #expect(try await amphora.processes("keepalived").contains(pid))
      for _ in 1...2 { try await expectDone("stop", "stoped") }
      try await amphora.expectNone("keepalived")
      try await expectDone("start", "started")
    }
  }

  static func plug(_ amphora: LiveAmphora, into network: LabNetwork? = nil, vrrp: String = "203.0.113.4") async throws {
    let mac = "fa:16:3e:00:01:\(String(amphora.number + 16, radix: 16))"
    try (network ?? amphora.network).plug(
      #require(MACAddress(mac)), named: "ens4", into: amphora.vm.namespace, on: .vip)
    try await amphora.client.plugVIP(
      #require(IPAddress(LiveStage.vip)),
      PlugVIPBody(subnetCIDR: "203.0.113.0/24", gateway: "203.0.113.1", macAddress: mac, vrrpIP: vrrp, mtu: 1450))
  }

  @Test func `the check script says in each state what it should`() async throws {
    try await withAmphora(Self.activeStandby()) { amphora in
      func check() -> String? { amphora.text(Self.haproxyCheck) }
      func upload() async throws { try await amphora.client.uploadVRRP(Self.configuration(amphora)) }
      func socket(_ id: LoadBalancerID) -> String { "/var/lib/octavia/\(id).sock" }
      func control(_ id: LoadBalancerID, _ action: ServiceAction) async throws {
        try await amphora.client.control(ServiceObjectID(unchecked: id.text), action)
      }
      try await upload()
      #expect(check() == "exit 1")
      #expect(try await driver(amphora) != 0, "nothing is served")

      // A UDP listener alone: its own check decides.
      let lvs = "/var/lib/octavia/lvs/octavia-keepalivedlvs-c1a7b3de-0000-4000-8000-000000000001.conf"
      try await amphora.write("", to: lvs)
      try await upload()
      #expect(check() == nil)
      #expect(try await driver(amphora) == 0, "an empty folder passes")
      _ = try await amphora.run("/bin/rm \(lvs)")

      let ids = [freshID(), freshID()].sorted { $0.text < $1.text }
      for id in ids {
        try await amphora.client.uploadHAProxy(HAProxyUploadTests.idle(id), loadBalancer: id)
      }
      try await upload()
      let both = "haproxy-vrrp-check \(socket(ids[0])) \(socket(ids[1])); exit $?"
      #expect(check() == both)
      #expect(try await driver(amphora) != 0, "no haproxy runs")
      for id in ids { try await control(id, .start) }
      #expect(check() == both)
      #expect(try await driver(amphora) == 0)

      try await control(ids[0], .stop)
      #expect(check() == "haproxy-vrrp-check \(socket(ids[1])); exit $?")
      #expect(try await driver(amphora) == 0)
      try await control(ids[1], .reload)
      #expect(check() == "haproxy-vrrp-check \(socket(ids[1])); exit $?", "a stopped one stays out")
      try await control(ids[1], .stop)
      #expect(check() == "haproxy-vrrp-check ; exit $?")
      try await control(ids[0], .start)
      #expect(check() == "haproxy-vrrp-check \(socket(ids[0])); exit $?")
      try await amphora.client.deleteService(ServiceObjectID(unchecked: ids[1].text))
      #expect(check() == "haproxy-vrrp-check \(socket(ids[0])); exit $?")
    }
  }

  /// Runs the script as keepalived does; its exit status.
  private func driver(_ amphora: LiveAmphora) async throws -> Int32 {
    try await amphora.vm.run(
      ["/usr/bin/env", "PATH=\(AmphoraVM.programs):/usr/sbin:/usr/bin:/sbin:/bin", "\(Self.folder)/check_script.sh"]
    ).status
  }

  @Test func `in SINGLE topology a load balancer's actions write no check script`() async throws {
    try await withAmphora { amphora in
      let id = freshID()
      try await amphora.client.uploadHAProxy(HAProxyUploadTests.idle(id), loadBalancer: id)
      for action in [ServiceAction.start, .reload, .stop] {
        try await amphora.client.control(ServiceObjectID(unchecked: id.text), action)
      }
      try await amphora.client.deleteService(ServiceObjectID(unchecked: id.text))
      #expect(!amphora.exists(Self.folder))
    }
  }

  @Test func `a keepalived that runs is adopted by the next agent, and killed it comes back`() async throws {
    try await withAmphora(Self.activeStandby()) { amphora in
      try await Self.plug(amphora)
      try await amphora.client.uploadVRRP(Self.configuration(amphora))
      try await amphora.client.controlVRRP(.start)
      // Its children come and go: keepalived forks before each run of the check.
      let main = try #require(Int32((amphora.text("\(Self.folder)/octavia-keepalived.pid") ?? "").filter(\.isNumber)))
      #expect(try await amphora.processes("keepalived").contains(main))
      try await amphora.crashAgent()
      try await amphora.startAgent()
      #expect(try await amphora.processes("keepalived").contains(main))
      #expect(try await amphora.client.controlVRRP(.start).details == "keepalived reloaded")
      try await amphora.killAll("keepalived")
      try await poll("another keepalived") {
        let now = try await amphora.processes("keepalived")
        return !now.isEmpty && !now.contains(main)
      }
    }
  }
}

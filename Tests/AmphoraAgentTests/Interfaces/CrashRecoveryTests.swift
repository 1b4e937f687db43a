// A plug that ends at any instruction is repaired by its repetition, and by the boot.

import Addresses
import AmphoraProtocol
import Files
import Netlink
import Synchronization
import Testing

@testable import AmphoraAgent

/// Lets a number of steps pass and then fails, as if the process had ended there.
final class CrashPoint: Sendable {
  struct Crash: Error {
    /// The step that was not taken any more.
    let step: String
  }

  private let left: Mutex<Int>

  init(after steps: Int) { left = Mutex(steps) }

  /// The hook for the steps.
  func hook(_ step: String) throws {
    try left.withLock {
      if $0 == 0 { throw Crash(step: step) }
      $0 -= 1
    }
  }
}

@Suite(.enabled(if: InterfaceLab.isPossible, InterfaceLab.why)) struct CrashRecoveryTests {
  /// What a plug without a crash leaves.
  private func goal(_ topology: Topology) async throws -> [[String]] {
    let lab = try InterfaceLab()
    try lab.addNIC("ens4", Example.mac)
    _ = try await lab.plugger().plugVIP(try VIPPlug(vip: "203.0.113.2", body: Example.bodyD), topology: topology)
    return try state(lab)
  }

  private func state(_ lab: InterfaceLab) throws -> [[String]] {
    try [
      lab.addresses("eth1"), lab.routes("-4"), lab.routes("-4", table: "1"), lab.routes("-6"),
      lab.routes("-6", table: "1"),
      lab.rules("-4"), lab.rules("-6"), lab.run("/usr/sbin/nft", "list", "ruleset"),
      [FileRead.text(lab.paths.pluggedInterfaces) ?? "", FileRead.text("\(lab.paths.interfaces)/eth1.json") ?? ""],
    ]
  }

  @Test(arguments: [Topology.single, .activeStandby])
  func `a VIP plug that ends at any step is completed by its repetition`(topology: Topology) async throws {
    let goal = try await goal(topology)
    let plug = try VIPPlug(vip: "203.0.113.2", body: Example.bodyD)
    var steps = 0
    while true {
      let lab = try InterfaceLab()
      try lab.addNIC("ens4", Example.mac)
      let crash = CrashPoint(after: steps)
      var missed = ""
      do {
        _ = try await lab.plugger(onStep: crash.hook).plugVIP(plug, topology: topology)
        break
      } catch let crash as CrashPoint.Crash {
        missed = crash.step
      }
      let outcome = try await lab.plugger().plugVIP(plug, topology: topology)
      // The masquerade rules are looked at each time; a plug that lacked only them counts as a finished one.
      #expect(
        outcome
          == (missed == "masquerade"
            ? .alreadyPlugged(.vipPort) : .plugged(.vipPort, addresses: plug.vips.all.map(\.address))))
      #expect(try state(lab) == goal, "after a crash at step \(steps)")
      #expect(try await lab.plugger().plugVIP(plug, topology: topology) == .alreadyPlugged(.vipPort))
      steps += 1
    }
    // File, list, move, MTU, up and at least an address, a route and the masquerade rules.
    #expect(steps >= 8)
  }

  @Test func `a member plug that ends at any step is completed by its repetition`() async throws {
    let mac = "02:00:00:00:00:0b"
    let plug = try NetworkPlug(body: Example.bodyF(mac: mac))
    var steps = 0
    while true {
      let lab = try InterfaceLab()
      try lab.addNIC("ens5", mac)
      do {
        _ = try await lab.plugger(onStep: CrashPoint(after: steps).hook).plugNetwork(plug, topology: .single)
        break
      } catch is CrashPoint.Crash {}
      let outcome = try await lab.plugger().plugNetwork(plug, topology: .single)
      // Before the move it is a new NIC, after it a known one.
      #expect(outcome == (steps < 2 ? .plugged(.ethernet(2), addresses: []) : .updated(.ethernet(2))))
      #expect(try lab.addresses("eth2") == ["10.0.0.5/24", "2001:db8:5::5/64"])
      #expect(try lab.routes("-4").count == 2 && lab.routes("-6").count == 2)
      #expect(FileRead.text(lab.paths.pluggedInterfaces) == "\(mac) eth2\n")
      steps += 1
    }
    #expect(steps >= 8)
  }

  @Test func `what was moved before a crash is completed by the boot`() async throws {
    let goal = try await goal(.single)
    let plug = try VIPPlug(vip: "203.0.113.2", body: Example.bodyD)
    // From 2 on the NIC is listed; before that the controller's repetition has to come.
    for steps in 2..<12 {
      let lab = try InterfaceLab()
      try lab.addNIC("ens4", Example.mac)
      await #expect(throws: CrashPoint.Crash.self) {
        try await lab.plugger(onStep: CrashPoint(after: steps).hook).plugVIP(plug, topology: .single)
      }
      let report = try await lab.plugger().restoreAll()
      #expect(report.failures.map(\.reason) == [] && report.up == [.loopback, .vipPort])
      #expect(try state(lab) == goal, "after a crash at step \(steps)")
      #expect(try await lab.plugger().plugVIP(plug, topology: .single) == .alreadyPlugged(.vipPort))
    }
  }

  @Test func `a reboot brings back all interfaces, and one broken file stops none`() async throws {
    let lab = try InterfaceLab()
    try lab.addNIC("ens4", Example.mac)
    try lab.addNIC("ens5", "02:00:00:00:00:0b")
    let plugger = lab.plugger()
    _ = try await plugger.plugVIP(try VIPPlug(vip: "203.0.113.2", body: Example.bodyD), topology: .single)
    _ = try await plugger.plugNetwork(try NetworkPlug(body: Example.bodyF(mac: "02:00:00:00:00:0b")), topology: .single)
    let addresses = try [lab.addresses("eth1"), lab.addresses("eth2")]
    let routes = try [lab.routes("-4"), lab.routes("-6"), lab.routes("-4", table: "1"), lab.routes("-6", table: "1")]
    let rules = try lab.run("/usr/sbin/nft", "list", "ruleset")

    // NICs come back under other names, even under each other's.
    try lab.inside.delete()
    try lab.addNIC("eth2", Example.mac)
    try lab.addNIC("eth1", "02:00:00:00:00:0b")
    try lab.addNIC("eth0", "02:00:00:00:00:0c")
    try lab.folder.write("{ torn", to: "interfaces/eth5.json")
    try lab.folder.write(#"{"name": "eth6", "if_type": "backend"}"#, to: "interfaces/eth6.json")
    try lab.folder.write("", to: "interfaces/.eth1.json.AbCdEf.tmp")
    let report = try await plugger.restoreAll()
    #expect(Set(report.moved) == [.vipPort, .ethernet(2)])
    #expect(report.up == [.loopback, .vipPort, .ethernet(2)])
    #expect(Set(report.failures.map(\.interface)) == ["eth5", "eth6"])
    #expect(try [lab.addresses("eth1"), lab.addresses("eth2")] == addresses)
    #expect(
      try [lab.routes("-4"), lab.routes("-6"), lab.routes("-4", table: "1"), lab.routes("-6", table: "1")] == routes)
    #expect(try lab.run("/usr/sbin/nft", "list", "ruleset") == rules)
    #expect(try NetlinkSocket(in: lab.root).link(named: "eth0") != nil)
    #expect(try lab.addresses("lo").sorted() == ["127.0.0.1/8", "::1/128"])
    #expect(!FileRead.names(in: lab.paths.interfaces).contains { $0.hasSuffix(".tmp") })

    let before = try lab.snapshot()
    #expect(try await plugger.restoreAll().moved.isEmpty)
    #expect(try lab.snapshot() == before)
  }
}

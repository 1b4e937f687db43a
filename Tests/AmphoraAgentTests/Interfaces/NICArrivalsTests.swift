// NICs that come after the boot has looked for them, with real links in namespaces.

import Addresses
import AmphoraProtocol
import Netlink
import Testing
import TestSupport

@testable import AmphoraAgent

@Suite(.enabled(if: InterfaceLab.isPossible, InterfaceLab.why), .timeLimit(.minutes(2))) struct NICArrivalsTests {
  private static let second = "02:00:00:00:00:0b"
  private static let third = "02:00:00:00:00:0c"

  /// A lab as a reboot leaves it: files and list on disk, the namespace made, no NIC yet.
  private func rebooted() throws -> InterfaceLab {
    let lab = try InterfaceLab()
    try lab.inside.create()
    try lab.folder.write("\(Example.mac) eth1\n\(Self.second) eth2\n", to: "plugged_interfaces")
    try lab.paths.store.store(try Example.file("203.0.113.2", Example.bodyA, .single))
    let member = try NetworkPlug(body: Example.bodyF(mac: Self.second))
    try lab.paths.store.store(.memberPort(.ethernet(2), fixedIPs: member.fixedIPs, mtu: member.mtu, isSRIOV: false))
    return lab
  }

  private func names(in namespace: NetworkNamespace) throws -> [String] {
    try NetlinkSocket(in: namespace).links().map(\.name).filter { $0 != "lo" }.sorted()
  }

  /// Watches for late NICs while the body runs.
  private func watching(_ lab: InterfaceLab, _ body: (InterfacePlugger) async throws -> Void) async throws {
    let plugger = lab.plugger()
    let watch = Task { await plugger.takeInLateNICs() }
    defer { watch.cancel() }
    try await body(plugger)
    watch.cancel()
    // Ends with its task, not with the next event.
    await watch.value
  }

  @Test func `the wait ends as soon as the last listed NIC is there`() async throws {
    let lab = try rebooted()
    try lab.addNIC("eth1", Example.mac, in: lab.inside)
    let plugger = lab.plugger()
    async let missing = plugger.awaitListedNICs(atMost: .seconds(60))
    let begin = ContinuousClock.now
    try await lab.awaitListener()
    try lab.addNIC("ens5", Self.second)
    #expect(try await missing == [])
    #expect(ContinuousClock.now - begin < .seconds(30))
    // Waiting moves nothing; the restore that follows does.
    #expect(try names(in: lab.root) == ["ens5"])
  }

  @Test func `the wait is bounded, and names what did not come`() async throws {
    let lab = try rebooted()
    try lab.addNIC("ens9", Self.third)
    try lab.addNIC("ens4", Example.mac)
    let begin = ContinuousClock.now
    #expect(try await lab.plugger().awaitListedNICs(atMost: .milliseconds(300)) == [.ethernet(2)])
    #expect(ContinuousClock.now - begin >= .milliseconds(300))
  }

  @Test func `without a list there is nothing to wait for`() async throws {
    let lab = try InterfaceLab()
    try lab.inside.create()
    #expect(try await lab.plugger().awaitListedNICs(atMost: .seconds(60)) == [])
  }

  @Test func `listed NICs are taken in and configured whenever they come, others stay`() async throws {
    let lab = try rebooted()
    try lab.addNIC("ens9", Self.third)
    try await watching(lab) { _ in
      try lab.addNIC("ens4", Example.mac)
      try await poll("the VIP port") {
        try lab.addresses("eth1") == ["203.0.113.2/32", "203.0.113.4/24"]
          && lab.rules("-4") == ["32000: from 203.0.113.2 lookup 1"]
      }
      // The watch goes on after the first one.
      try lab.addNIC("ens5", Self.second)
      try await poll("the member port") {
        try lab.addresses("eth2") == ["10.0.0.5/24", "2001:db8:5::5/64"]
      }
    }
    #expect(try names(in: lab.root) == ["ens9"])
    #expect(try names(in: lab.inside) == ["eth1", "eth2"])
  }

  @Test func `a NIC that came before the watch began is taken in too`() async throws {
    let lab = try rebooted()
    try lab.addNIC("ens5", Self.second)
    try await watching(lab) { _ in
      try await poll("the member port") { try lab.addresses("eth2").contains("10.0.0.5/24") }
    }
  }

  @Test func `a NIC that a request plugs is the request's`() async throws {
    let lab = try InterfaceLab()
    try await watching(lab) { plugger in
      try lab.addNIC("ens4", Example.mac)
      let plug = try VIPPlug(vip: "203.0.113.2", body: Example.bodyA)
      let outcome = try await plugger.plugVIP(plug, topology: .single)
      #expect(outcome == .plugged(.vipPort, addresses: plug.vips.all.map(\.address)))
      #expect(try await plugger.plugVIP(plug, topology: .single) == .alreadyPlugged(.vipPort))
    }
  }

  @Test func `a NIC that goes away and comes back is configured again`() async throws {
    let lab = try rebooted()
    try await watching(lab) { _ in
      for turn in 1...2 {
        try lab.addNIC("ens5", Self.second)
        try await poll("the member port, time \(turn)") {
          try lab.addresses("eth2").contains("10.0.0.5/24")
        }
        if turn == 1 { _ = try lab.ip("link delete eth2") }
      }
    }
  }
}

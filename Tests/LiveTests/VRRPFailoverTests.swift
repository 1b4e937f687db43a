// Two amphorae, one VIP: exactly one holds it, and the other takes it when that one stops serving (contract services §3,
// networking §3.4 B).

import Addresses
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Netlink
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(3))) struct VRRPFailoverTests {
  /// A pair with a client on the VIP network, in service.
  private struct Pair {
    let amphorae: [LiveAmphora]
    let client: NetworkNamespace
    let vip: IPAddress
    let object: ServiceObjectID

    /// The amphorae that hold the VIP.
    func holders(of all: [LiveAmphora]) async throws -> [LiveAmphora] {
      var holders: [LiveAmphora] = []
      for amphora in all where try await amphora.addresses("eth1").contains("\(vip)/32") { holders.append(amphora) }
      return holders
    }

    /// Waits until exactly one of these holds the VIP and the client gets an answer.
    func master(among all: [LiveAmphora]) async throws -> LiveAmphora {
      try await poll("one master that answers", within: .seconds(40)) {
        let holders = try await holders(of: all)
        guard holders.count == 1 else { return nil }
        // 503: haproxy answers, and has no members. Looked at again, because the VIP may move meanwhile.
        guard await HTTPProbe.get(vip, port: 80, from: client).status == 503 else { return nil }
        return try await self.holders(of: all).map(\.number) == [holders[0].number] ? holders[0] : nil
      }
    }
  }

  private func withPair(_ body: (Pair) async throws -> Void) async throws {
    var settings = LabAmphora.Settings()
    settings.topology = "ACTIVE_STANDBY"
    try await withAmphorae([settings, settings]) { amphorae in
      let network = amphorae[0].network
      let client = try network.host("client-\(amphorae[0].number)", on: .vip, addresses: ["203.0.113.100/24"])
      defer { try? client.delete(ifExists: true) }
      let paired = zip(amphorae, ["203.0.113.4", "203.0.113.5"]).enumerated().map { index, one in
        LabLoadBalancer.PairedAmphora(id: one.0.id.text, vrrpIP: one.1, priority: 100 - 10 * index)
      }
      var object = ServiceObjectID(unchecked: "")
      for (amphora, own) in zip(amphorae, paired) {
        var balancer = LabLoadBalancer(amphora: amphora.id.text, vip: LiveStage.vip, members: [])
        balancer.pair = paired
        object = ServiceObjectID(unchecked: balancer.id)
        try await VRRPTests.plug(amphora, into: network, vrrp: own.vrrpIP)
        // The controller asks which interface has the VRRP address, and puts it into keepalived's configuration.
        #expect(try await amphora.client.findInterface(#require(IPAddress(own.vrrpIP))) == "eth1")
        try await amphora.client.uploadHAProxy(balancer.haproxyConfiguration(), loadBalancer: object.asLoadBalancer)
        try await amphora.client.control(object, .reload)
        try await amphora.client.uploadVRRP(balancer.keepalivedConfiguration())
        try await amphora.client.controlVRRP(.start)
      }
      try await body(Pair(amphorae: amphorae, client: client, vip: #require(IPAddress(LiveStage.vip)), object: object))
    }
  }

  @Test func `a haproxy that is gone moves the VIP, and back in service it does not take it back`() async throws {
    try await withPair { pair in
      let first = try await pair.master(among: pair.amphorae)
      let second = try #require(pair.amphorae.first { $0.number != first.number })
      try await expectMasterState(first)
      #expect(try await second.routes("-4", table: "1") == [])
      // The agent would start it again at once.
      try await first.crashAgent()
      try await first.killAll("haproxy")
      #expect(try await pair.master(among: pair.amphorae).number == second.number)
      try await expectMasterState(second)
      #expect(
        try await first.addresses("eth1") == (first.number < second.number ? ["203.0.113.4/24"] : ["203.0.113.5/24"]))

      try await first.startAgent()
      try await poll("haproxy on the standby") { try await first.client.details().haproxyCount == 1 }
      #expect(try await pair.master(among: pair.amphorae).number == second.number, "nopreempt")
      // A reload on both, as for each change, moves nothing.
      for amphora in pair.amphorae {
        #expect(try await amphora.client.control(pair.object, .reload).details?.hasSuffix("reloaded") == true)
      }
      #expect(try await pair.master(among: pair.amphorae).number == second.number)
    }
  }

  /// Routes and rules that keepalived adds on the master (contract networking §3.4 B).
  private func expectMasterState(_ amphora: LiveAmphora) async throws {
    try await poll("keepalived's routes") {
      try await amphora.routes("-4", table: "1").map { $0.replacing(" proto keepalived", with: " proto 18") } == [
        "203.0.113.0/24 dev eth1 proto 18 scope link src 203.0.113.10",
        "default via 203.0.113.1 dev eth1 proto 18 onlink",
      ]
    }
    let rules = try await amphora.rules("-4")
    #expect(rules.count == 1 && rules[0].hasPrefix("100: from 203.0.113.10 lookup 1"), "\(rules)")
  }

  @Test func `a keepalived that is stopped moves the VIP, and so does a power cut`() async throws {
    try await withPair { pair in
      let first = try await pair.master(among: pair.amphorae)
      let second = try #require(pair.amphorae.first { $0.number != first.number })
      try await first.client.controlVRRP(.stop)
      #expect(try await pair.master(among: pair.amphorae).number == second.number)
      try await first.client.controlVRRP(.start)
      // Interfaces are brought up again in between: keepalived's address is none of the agent's business.
      #expect(try await second.send("PUT", "/1.0/loadbalancer/\(pair.object)/reload").status == 202)
      #expect(try await pair.master(among: pair.amphorae).number == second.number)
      await second.vm.cutPower()
      #expect(try await pair.master(among: [first]).number == first.number)
    }
  }
}

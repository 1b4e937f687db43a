// SIGKILL at every change to a file that a plug makes. Several files and the kernel cannot change in one step; what holds is
// their order: interface file, list, move, up (contract networking §2.3), and that the repetition, or the boot, finishes a
// plug that was begun (W19, W20).

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(3))) struct KilledPlugTests {
  private static let mac = "fa:16:3e:aa:bb:cc"
  private static let list = "/var/lib/octavia/plugged_interfaces"

  private func state(_ amphora: LiveAmphora, _ name: String) async throws -> AmphoraState {
    try await amphora.files().merging(amphora.interface(name, nic: "ens4")) { _, new in new }
  }

  /// Takes the port away as a cloud would that detaches it, forgets it, and attaches it anew.
  private func unplug(_ amphora: LiveAmphora, _ name: String, _ segment: LabSegment) async throws {
    _ = try await amphora.ip("link del \(name)")
    _ = try await amphora.run("/sbin/ip link del ens4")
    _ = try await amphora.run("/bin/rm -f \(Self.list) /etc/octavia/interfaces/\(name).json")
    try amphora.plugNIC(Self.mac, "ens4", on: segment)
  }

  /// Which parts may be there without which others.
  private func expectOrder(_ state: AmphoraState, _ name: String) {
    let (file, isListed) = (state["/etc/octavia/interfaces/\(name).json"], state[Self.list] != nil)
    #expect(file != nil || !isListed, "a line stands for a file")
    #expect(isListed || state["link"] == "none", "what is inside is listed")
    #expect(state["link"] != "none" || state["addresses"] == "")
    #expect((state["nic"] == "outside") == (state["link"] == "none"), "the NIC is somewhere")
  }

  @Test func `a VIP plug ends in order and is finished by the repetition`() async throws {
    try await withAmphora { amphora in
      let example = VIPExample.single
      try amphora.plugNIC(Self.mac, "ens4", on: .vip)
      var series = KillSeries(
        amphora: amphora, state: { try await state(amphora, "eth1") },
        request: {
          try await amphora.send("POST", "/1.0/plug/vip/\(example.vip)", example.body, type: "application/json")
        }, undo: { try await unplug(amphora, "eth1", .vip) })
      series.isInParts = true
      // 409 where the masquerade rules alone were missing, or the agent took a listed NIC in before the repetition came.
      series.repeated = [202, 409]
      series.inspect = { expectOrder($0, "eth1") }
      #expect(try await series.run() >= 12)
    }
  }

  @Test func `a NIC that was listed before the kill is taken in by the next agent alone`() async throws {
    try await withAmphora { amphora in
      let example = VIPExample.single
      try amphora.plugNIC(Self.mac, "ens4", on: .vip)
      func plug() async throws -> AgentAnswer {
        try await amphora.send("POST", "/1.0/plug/vip/\(example.vip)", example.body, type: "application/json")
      }
      var count = 1
      while true {
        try amphora.armKill("request \(count)")
        let answer = try? await plug()
        try #require(answer == nil, "\(count): \(answer?.text ?? "")")
        try amphora.disarmKill()
        try await amphora.expectKilled()
        if amphora.text(Self.list) != nil { break }
        try await amphora.startAgent()
        count += 1
      }
      let killed = try await state(amphora, "eth1")
      #expect(killed["link"] == "none", "the move comes after the list")
      try await amphora.startAgent()
      try await poll("the interface") { try await amphora.addresses("eth1") == example.addresses }
      try await poll("the finished plug") { try await plug().status == 409 }
      #expect(amphora.text(Self.list) == "\(Self.mac) eth1\n")
    }
  }

  @Test func `a network plug ends in order, the first one and each change`() async throws {
    try await withAmphora { amphora in
      func plug(_ addresses: String...) async throws -> AgentAnswer {
        let list = addresses.map { "{\"ip_address\": \"\($0)\", \"subnet_cidr\": \"10.0.0.0/24\"}" }
        let body = "{\"mac_address\": \"\(Self.mac)\", \"fixed_ips\": [\(list.joined(separator: ", "))]}"
        return try await amphora.send("POST", "/1.0/plug/network", body, type: "application/json")
      }
      try amphora.plugNIC(Self.mac, "ens4", on: .member)
      var first = KillSeries(
        amphora: amphora, state: { try await state(amphora, "eth2") }, request: { try await plug("10.0.0.5") },
        undo: { try await unplug(amphora, "eth2", .member) })
      first.isInParts = true
      first.inspect = { expectOrder($0, "eth2") }
      #expect(try await first.run() >= 12)

      var changed = KillSeries(
        amphora: amphora, state: { try await state(amphora, "eth2") }, request: { try await plug("10.0.0.6") },
        undo: { try await expect(plug("10.0.0.5"), status: 202) })
      changed.isInParts = true
      changed.inspect = {
        let isNew = $0["/etc/octavia/interfaces/eth2.json"]?.contains("10.0.0.6") == true
        #expect(isNew || $0["addresses"] == "10.0.0.5/24", "the file comes first")
      }
      #expect(try await changed.run() >= 6)

      try await KillSeries(
        amphora: amphora, state: { try await state(amphora, "eth2") }, request: { try await plug("10.0.0.6") }, undo: {}
      ).run()
    }
  }
}

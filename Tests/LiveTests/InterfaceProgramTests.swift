// `amphora-agent interface`, also called `amphora-interface`: for the boot and for operators (contract networking §4.1).

import AmphoraAgent
import AmphoraController
import AmphoraLab
import Testing

@Suite(.live, .timeLimit(.minutes(2))) struct InterfaceProgramTests {
  private static let failure = "Error: Could not configure interface: "

  /// Runs the program in the traffic namespace, under its own name or as the agent's command.
  private func interface(_ amphora: LiveAmphora, _ words: String, link: Bool = true) async throws -> (Int32, String) {
    let program = link ? "\(AmphoraVM.programs)/amphora-interface" : "\(amphora.vm.agent) interface"
    let result = try await amphora.run("/sbin/ip netns exec amphora-haproxy \(program) \(words)")
    return (result.status, result.output)
  }

  private func withPluggedPort(_ body: (LiveAmphora) async throws -> Void) async throws {
    try await withAmphora { amphora in
      try amphora.plugNIC(VIPPlugTests.mac, "ens4", on: .vip)
      let answer = try await amphora.send(
        "POST", "/1.0/plug/vip/203.0.113.2", VIPExample.single.body, type: "application/json")
      try #require(answer.status == 202)
      try await body(amphora)
    }
  }

  @Test(arguments: [true, false]) func `up brings back what is missing, down takes it away`(link: Bool) async throws {
    try await withPluggedPort { amphora in
      let wanted = VIPExample.single
      // It works while the agent is down.
      #expect(try await amphora.stopAgent() == 0)
      for name in ["eth1", "all"] {
        _ = try await amphora.ip("address flush dev eth1")
        _ = try await amphora.ip("link set dev eth1 down mtu 1500")
        _ = try await amphora.ip("rule del from 203.0.113.2")
        #expect(try await interface(amphora, "up \(name)", link: link) == (0, ""))
        #expect(try await amphora.addresses("eth1") == wanted.addresses)
        #expect(try await amphora.routes("-4") == wanted.routes["-4 main"])
        #expect(try await amphora.routes("-4", table: "1") == wanted.routes["-4 1"])
        #expect(try await amphora.rules("-4") == wanted.rules["-4"])
        #expect(try await amphora.ip("-o link show dev eth1").joined().contains("mtu 1450"))
        #expect(try await interface(amphora, "up \(name)", link: link) == (0, ""), "again")
      }
      #expect(try await interface(amphora, "down eth1", link: link) == (0, ""))
      #expect(try await amphora.addresses("eth1") == [])
      #expect(try await amphora.rules("-4") == [])
      #expect(try await !amphora.ip("-o link show dev eth1").joined().contains(",UP"))
    }
  }

  @Test func `wrong words have the contract's texts and exit codes`() async throws {
    try await withPluggedPort { amphora in
      let (status, text) = try await interface(amphora, "")
      #expect(status == 1)
      #expect(text.hasPrefix("usage: ") && text.hasSuffix(" [up|down] <interface>\n"), "\(text)")
      #expect(
        try await interface(amphora, "up eth9") == (2, "\(Self.failure)Could not find interface 'eth9'.\n"))
      #expect(try await interface(amphora, "restart eth1") == (2, "\(Self.failure)Unknown action 'restart'\n"))
      #expect(try await amphora.addresses("eth1") == VIPExample.single.addresses)
    }
  }

  @Test func `one broken interface does not keep the others down`() async throws {
    try await withPluggedPort { amphora in
      let file = try #require(amphora.text("/etc/octavia/interfaces/eth1.json"))
      try await amphora.write(file.replacing("\"eth1\"", with: "\"eth0\""), to: "/etc/octavia/interfaces/eth0.json")
      try await amphora.write("{ half", to: "/etc/octavia/interfaces/eth7.json")
      _ = try await amphora.ip("address flush dev eth1")
      let (status, text) = try await interface(amphora, "up all")
      #expect(status == 2)
      #expect(text.hasPrefix("\(Self.failure)"), "\(text)")
      #expect(text.contains("Error on action 'up' for interface eth0: "), "\(text)")
      #expect(text.contains("Error on action 'up' for interface eth7: "), "\(text)")
      #expect(!text.contains("for interface eth1"), "\(text)")
      #expect(try await amphora.addresses("eth1") == VIPExample.single.addresses)
    }
  }
}

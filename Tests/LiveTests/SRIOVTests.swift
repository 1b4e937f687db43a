// An SR-IOV VIP and its firewall over the API: contract agent-api §3.19, networking §6. What packets come through is
// shown by the agent's own tests.

import Addresses
import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Netlink
import Testing
import TestSupport

@Suite(.live) struct SRIOVTests {
  private static let rulesFile = "/var/lib/octavia/nftables-vip.rules"
  private static let path = "/1.0/interface/203.0.113.4/rules"
  // Contract agent-api §4.11.
  private static let body = """
    [{"protocol":"TCP","cidr":"192.0.2.0/24","port":443},{"protocol":"UDP","cidr":null,"port":53},
     {"protocol":"vrrp","cidr":"203.0.113.5/32","port":112}]
    """

  private func plug(_ amphora: LiveAmphora) async throws {
    try amphora.plugNIC(VIPPlugTests.mac, "ens4", on: .vip)
    let body = VIPExample.single.body.replacing(#""is_sriov": false"#, with: #""is_sriov": true"#)
    let answer = try await amphora.send("POST", "/1.0/plug/vip/203.0.113.2", body, type: "application/json")
    try #require(answer.status == 202, "\(answer.text)")
  }

  /// The table as the namespace has it.
  private func table(_ amphora: LiveAmphora) async throws -> String {
    try await amphora.run("/sbin/ip netns exec amphora-haproxy /usr/sbin/nft list table inet amphora_table").output
  }

  @Test func `an SR-IOV VIP lets nothing in until its rules come`() async throws {
    try await withAmphora { amphora in
      try await plug(amphora)
      #expect(amphora.mode(Self.rulesFile) == "600")
      var table = try await table(amphora)
      #expect(table.contains("policy drop;") && !table.contains("amphora_vip_chain"), "\(table)")

      for _ in 1...2 {
        try expect(
          await amphora.send("PUT", Self.path, Self.body, type: "application/json"), 200, #"{"message": "OK"}"#)
        let text = try #require(amphora.text(Self.rulesFile))
        for line in [
          "iifname eth1 goto amphora_vip_chain", "ip saddr 192.0.2.0/24 tcp dport 443 accept", "udp dport 53 accept",
          "ip saddr 203.0.113.5/32 meta l4proto 112 accept",
        ] { #expect(text.contains("    \(line)\n")) }
        #expect(amphora.mode(Self.rulesFile) == "600")
        table = try await self.table(amphora)
        #expect(table.split(separator: "\n").count { $0.contains("tcp dport 443 accept") } == 1, "\(table)")
      }

      // Our own client; nothing allowed clears the rules and keeps the guard.
      try await amphora.client.setInterfaceRules(#require(IPAddress("203.0.113.4")), [])
      table = try await self.table(amphora)
      #expect(table.contains("policy drop;") && !table.contains("dport 443"), "\(table)")
      #expect(try #require(amphora.text(Self.rulesFile)).contains("  chain amphora_vip_chain {\n  }\n"))
    }
  }

  @Test(arguments: [
    "", "7", "{}", #"[{"protocol":"TCP","cidr":null,"port":80,"x":1}]"#, #"[{"protocol":"TCP","cidr":"x","port":80}]"#,
    #"[{"protocol":"TCP","cidr":null,"port":0}]"#, #"[7]"#,
  ]) func `a body of another shape is the framework's 400, and the rules stay`(body: String) async throws {
    try await withAmphora { amphora in
      try await plug(amphora)
      let text = amphora.text(Self.rulesFile)
      let answer = try await amphora.send("PUT", Self.path, body, type: "application/json")
      #expect(answer.status == 400)
      #expect(try answer.json.string("error").contains("Invalid rules information"), "\(answer.text)")
      #expect(amphora.text(Self.rulesFile) == text)
      // The interface is looked for before the body is looked at.
      let unknown = try await amphora.send("PUT", "/1.0/interface/203.0.113.99/rules", body, type: "application/json")
      try expect(unknown, 404, #"{"message": "Error interface not found for IP address"}"#)
      #expect(try await amphora.send("PUT", "/1.0/interface/x/rules", body).status == 400)
    }
  }

  @Test func `the rules come back with a boot, before the port is up`() async throws {
    try await withAmphora { amphora in
      try await plug(amphora)
      _ = try await amphora.send("PUT", Self.path, Self.body, type: "application/json")
      let (text, before) = (amphora.text(Self.rulesFile), try await table(amphora))
      try await amphora.reboot()
      try amphora.plugNIC(VIPPlugTests.mac, "ens4", on: .vip)
      try await amphora.startAgent()
      try await poll("eth1 after the boot") { try await amphora.addresses("eth1").contains("203.0.113.4/24") }
      #expect(try await table(amphora) == before)
      #expect(amphora.text(Self.rulesFile) == text)
    }
  }

  @Test func `rules that cannot be loaded are a 500 with nft's words, and the former ones stay`() async throws {
    try await withAmphora { amphora in
      try await plug(amphora)
      _ = try await amphora.send("PUT", Self.path, Self.body, type: "application/json")
      let (text, before) = (amphora.text(Self.rulesFile), try await table(amphora))
      #expect(try await amphora.run("/bin/mount --bind /bin/false /usr/sbin/nft").isSuccess)
      let answer = try await amphora.send("PUT", Self.path, "[]", type: "application/json")
      #expect(answer.status == 500)
      #expect(try answer.json.string("error").contains("nft ended with status 1"), "\(answer.text)")
      #expect(try await amphora.run("/bin/umount /usr/sbin/nft").isSuccess)
      #expect(amphora.text(Self.rulesFile) == text)
      #expect(try await table(amphora) == before)
    }
  }
}

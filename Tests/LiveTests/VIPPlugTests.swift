// POST /1.0/plug/vip: answers, the interface file and the kernel's state, after the contract's worked examples A to D
// (contract agent-api §3.11, networking §2.2, §3.4).

import Addresses
import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing
import TestSupport

/// A VIP plug with its NIC and what must come of it.
struct VIPExample: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var vip = "203.0.113.2"
  var topology = "SINGLE"
  var body: String
  var details: String
  var addresses: [String]
  /// By `ip` family option and table.
  var routes: [String: [String]]
  var rules: [String: [String]]
  var file: String
}

@Suite(.live, .timeLimit(.minutes(2))) struct VIPPlugTests {
  static let mac = "fa:16:3e:aa:bb:cc"

  @Test(arguments: VIPExample.all) func `a VIP is plugged as the contract's example says`(example: VIPExample)
    async throws
  {
    var settings = LabAmphora.Settings()
    settings.topology = example.topology
    try await withAmphora(settings) { amphora in
      try amphora.plugNIC(Self.mac, "ens4", on: .vip)
      func plug() async throws -> AgentAnswer {
        try await amphora.send("POST", "/1.0/plug/vip/\(example.vip)", example.body, type: "application/json")
      }
      try expect(await plug(), 202, "{\"message\": \"OK\", \"details\": \"\(example.details)\"}")
      try await expectState(amphora, example)
      // Finished once, it is reported as such, and nothing changes.
      for _ in 1...2 {
        try expect(await plug(), 409, #"{"message": "Interface already exists"}"#)
        try await expectState(amphora, example)
      }
    }
  }

  private func expectState(_ amphora: LiveAmphora, _ example: VIPExample) async throws {
    let file = try #require(amphora.text("/etc/octavia/interfaces/eth1.json"))
    #expect(try JSON(file) == JSON(example.file))
    #expect(amphora.mode("/etc/octavia/interfaces/eth1.json") == "644")
    #expect(amphora.names(in: "/etc/octavia/interfaces") == ["eth1.json", "lo.json"])
    #expect(amphora.text("/var/lib/octavia/plugged_interfaces") == "\(Self.mac) eth1\n")
    #expect(amphora.mode("/var/lib/octavia/plugged_interfaces") == "644")
    let link = try await amphora.ip("-o link show dev eth1").joined()
    #expect(link.contains("mtu 1450") && link.contains(",UP") && link.contains(Self.mac), "\(link)")
    #expect(try await amphora.addresses("eth1") == example.addresses)
    for (key, routes) in example.routes {
      let words = key.split(separator: " ").map(String.init)
      #expect(try await amphora.routes(words[0], table: words[1]) == routes, "\(key)")
    }
    for (family, rules) in example.rules { #expect(try await amphora.rules(family) == rules, "\(family)") }
  }

  @Test func `a NIC that is not there yet is the retried 404, then a success`() async throws {
    try await withAmphora { amphora in
      let example = VIPExample.single
      func plug() async throws -> AgentAnswer {
        try await amphora.send("POST", "/1.0/plug/vip/\(example.vip)", example.body, type: "application/json")
      }
      try expect(await plug(), 404, #"{"details": "No suitable network interface found"}"#)
      #expect(amphora.names(in: "/etc/octavia/interfaces") == ["lo.json"])
      #expect(!amphora.exists("/var/lib/octavia/plugged_interfaces"))
      try amphora.plugNIC("fa:16:3e:00:00:07", "ens3", on: .vip)
      try expect(await plug(), 404, #"{"details": "No suitable network interface found"}"#)
      try amphora.plugNIC(Self.mac, "ens4", on: .vip)
      #expect(try await plug().status == 202)
    }
  }

  @Test func `a NIC that arrives while the request waits is found`() async throws {
    try await withAmphora { amphora in
      let example = VIPExample.single
      async let answer = amphora.send("POST", "/1.0/plug/vip/\(example.vip)", example.body, type: "application/json")
      try await poll("the namespace, which the request makes") {
        try await amphora.run("/sbin/ip netns list").output.contains("amphora-haproxy")
      }
      try amphora.plugNIC(Self.mac, "ens4", on: .vip)
      #expect(try await answer.status == 202)
    }
  }

  @Test func `an upper-case MAC is the same NIC`() async throws {
    try await withAmphora { amphora in
      try amphora.plugNIC(Self.mac, "eth1", on: .vip)
      let body = VIPExample.single.body.replacing(Self.mac, with: Self.mac.uppercased())
      func plug() async throws -> AgentAnswer {
        try await amphora.send("POST", "/1.0/plug/vip/203.0.113.2", body, type: "application/json")
      }
      #expect(try await plug().status == 202)
      #expect(amphora.text("/var/lib/octavia/plugged_interfaces") == "\(Self.mac) eth1\n")
      #expect(try await plug().status == 409)
    }
  }

  @Test func `a plug that ended half-way is finished by the repetition, not called done`() async throws {
    try await withAmphora { amphora in
      let example = VIPExample.single
      try amphora.plugNIC(Self.mac, "ens4", on: .vip)
      func plug() async throws -> AgentAnswer {
        try await amphora.send("POST", "/1.0/plug/vip/\(example.vip)", example.body, type: "application/json")
      }
      #expect(try await plug().status == 202)
      _ = try await amphora.ip("address del 203.0.113.2/32 dev eth1")
      #expect(try await plug().status == 202)
      #expect(try await amphora.addresses("eth1") == example.addresses)
      #expect(try await plug().status == 409)
    }
  }

  @Test(arguments: [
    (#"{"subnet_cidr": "203.0.113.1/24", "gateway": null, "mac_address": "M"}"#, "Invalid VIP: "),
    (#"{"subnet_cidr": "nothing", "gateway": null, "mac_address": "M"}"#, "Invalid VIP: "),
    (#"{"subnet_cidr": "2001:db8::/64", "gateway": null, "mac_address": "M"}"#, "Invalid VIP: "),
    (
      #"{"subnet_cidr": "203.0.113.0/24", "gateway": null, "mac_address": "M", "additional_vips": [{"ip_address": "x", "subnet_cidr": "2001:db8::/64", "gateway": null, "host_routes": []}]}"#,
      "Invalid VIP: "
    ),
    (
      #"{"subnet_cidr": "203.0.113.0/24", "gateway": null, "mac_address": "M", "vrrp_ip": "x"}"#,
      "Invalid VRRP Address: "
    ),
  ]) func `a wrong address is 400 with the contract's text, and nothing is plugged`(body: String, message: String)
    async throws
  {
    try await withAmphora { amphora in
      try amphora.plugNIC(Self.mac, "ens4", on: .vip)
      let answer = try await amphora.send(
        "POST", "/1.0/plug/vip/203.0.113.2", body.replacing("\"M\"", with: "\"\(Self.mac)\""), type: "application/json")
      #expect(answer.status == 400)
      #expect(try answer.json.keys == ["message"])
      #expect(try answer.json.string("message").hasPrefix(message), "\(answer.text)")
      #expect(amphora.names(in: "/etc/octavia/interfaces") == ["lo.json"])
      #expect(try await amphora.run("/sbin/ip -o link show dev ens4").isSuccess)
    }
  }

  @Test func `interfaces are found by any spelling of their addresses`() async throws {
    try await withAmphora { amphora in
      try amphora.plugNIC(Self.mac, "ens4", on: .vip)
      let dual = try #require(VIPExample.all.first { $0.body.contains("2001:db8::2") })
      #expect(
        try await amphora.send("POST", "/1.0/plug/vip/\(dual.vip)", dual.body, type: "application/json").status == 202)
      let all = [
        "203.0.113.2", "203.0.113.4", "2001:db8::2", "2001:0DB8:0:0::2", "2001:0db8:0000:0000:0000:0000:0000:0002",
      ]
      for address in all {
        try expect(
          await amphora.send("GET", "/1.0/interface/\(address)"), 200, #"{"message": "OK", "interface": "eth1"}"#)
      }
      #expect(try await amphora.client.findInterface(#require(IPAddress("203.0.113.4"))) == "eth1")
      try expect(
        await amphora.send("GET", "/1.0/interface/203.0.113.99"), 404,
        #"{"message": "Error interface not found for IP address"}"#)
    }
  }
}

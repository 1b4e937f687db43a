// POST /1.0/plug/network: member ports, changed member ports, and the VIP port with member addresses (contract agent-api
// §3.12, networking §2.3, §3.4 E and F).

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing

@Suite(.live, .timeLimit(.minutes(2))) struct NetworkPlugTests {
  private static let mac = "fa:16:3e:dd:ee:ff"
  private static let memberPort = """
    {"mac_address": "\(mac)", "mtu": 1450, "is_sriov": false, "fixed_ips": [
      {"ip_address": "10.0.0.5", "subnet_cidr": "10.0.0.0/24", "gateway": "10.0.0.1",
       "host_routes": [{"destination": "192.0.2.0/24", "nexthop": "10.0.0.254"}]},
      {"ip_address": "2001:db8:5::5", "subnet_cidr": "2001:db8:5::/64", "gateway": "2001:db8:5::1",
       "host_routes": [{"destination": "2001:db8:6::/64", "nexthop": "2001:db8:5::fe"}]}]}
    """

  private func plug(_ amphora: LiveAmphora, _ body: String) async throws -> AgentAnswer {
    try await amphora.send("POST", "/1.0/plug/network", body, type: "application/json")
  }

  private func details(_ text: String) -> String { "{\"message\": \"OK\", \"details\": \"\(text)\"}" }

  @Test func `a member port is plugged as the contract's example F says, and again without a 409`() async throws {
    try await withAmphora { amphora in
      try amphora.plugNIC(Self.mac, "ens5", on: .member)
      for text in ["Plugged on interface eth2", "Updated existing interface eth2"] {
        try expect(await plug(amphora, Self.memberPort), 202, details(text))
        #expect(try await amphora.addresses("eth2") == ["10.0.0.5/24", "2001:db8:5::5/64"])
        #expect(
          try await amphora.routes("-4") == [
            "10.0.0.0/24 dev eth2 proto kernel scope link src 10.0.0.5",
            "192.0.2.0/24 via 10.0.0.254 dev eth2 proto static onlink",
          ])
        #expect(
          try await amphora.routes("-6") == [
            "2001:db8:5::/64 dev eth2 proto kernel metric 256",
            "2001:db8:6::/64 via 2001:db8:5::fe dev eth2 proto static metric 1024 onlink",
          ])
        #expect(try await amphora.rules("-4") + amphora.rules("-6") == [])
        #expect(amphora.text("/var/lib/octavia/plugged_interfaces") == "\(Self.mac) eth2\n")
        let commands = ["ipv4", "ipv6"].map { "/usr/local/bin/lvs-masquerade.sh VERB \($0) eth2" }
        func scripts(_ verb: String) -> String {
          commands.map { "{\"command\": \"\($0.replacing("VERB", with: verb))\"}" }.joined(separator: ", ")
        }
        #expect(
          try JSON(#require(amphora.text("/etc/octavia/interfaces/eth2.json")))
            == JSON(
              """
              {"name": "eth2", "if_type": "backend", "mtu": 1450, "is_sriov": false,
               "addresses": [{"address": "10.0.0.5", "prefixlen": 24}, {"address": "2001:db8:5::5", "prefixlen": 64}],
               "routes": [{"dst": "192.0.2.0/24", "gateway": "10.0.0.254", "flags": ["onlink"]},
                {"dst": "2001:db8:6::/64", "gateway": "2001:db8:5::fe", "flags": ["onlink"]}],
               "rules": [], "scripts": {"up": [\(scripts("add"))], "down": [\(scripts("delete"))]}}
              """))
      }
    }
  }

  @Test func `addresses are added and removed as the list says`() async throws {
    try await withAmphora { amphora in
      try amphora.plugNIC(Self.mac, "ens5", on: .member)
      func body(_ addresses: String...) -> String {
        let list = addresses.map {
          "{\"ip_address\": \"\($0)\", \"subnet_cidr\": \"10.0.\($0.split(separator: ".")[2]).0/24\"}"
        }
        return "{\"mac_address\": \"\(Self.mac.uppercased())\", \"fixed_ips\": [\(list.joined(separator: ", "))]}"
      }
      try expect(await plug(amphora, body("10.0.0.5")), 202, details("Plugged on interface eth2"))
      let updated = details("Updated existing interface eth2")
      try expect(await plug(amphora, body("10.0.0.5", "10.0.7.5")), 202, updated)
      #expect(try await amphora.addresses("eth2") == ["10.0.0.5/24", "10.0.7.5/24"])
      try expect(await plug(amphora, body("10.0.7.5", "10.0.8.5")), 202, updated)
      #expect(try await amphora.addresses("eth2") == ["10.0.7.5/24", "10.0.8.5/24"])
      #expect(try await amphora.routes("-4").count == 2)
      #expect(amphora.text("/var/lib/octavia/plugged_interfaces") == "\(Self.mac) eth2\n")
    }
  }

  @Test func `names are the first that are free, and each NIC keeps its own`() async throws {
    try await withAmphora { amphora in
      for (number, name) in ["eth1", "eth2", "ens9"].enumerated() {
        try amphora.plugNIC("fa:16:3e:00:01:0\(number)", name, on: .member)
      }
      func body(_ number: Int) -> String {
        """
        {"mac_address": "fa:16:3e:00:01:0\(number)", "mtu": 1400,
         "fixed_ips": [{"ip_address": "10.0.\(number).5", "subnet_cidr": "10.0.\(number).0/24"}]}
        """
      }
      let answers = try await withThrowingTaskGroup(of: String.self) { group in
        for number in 0..<3 { group.addTask { try await plug(amphora, body(number)).json.string("details") } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(answers.sorted() == (2...4).map { "Plugged on interface eth\($0)" })
      #expect(amphora.text("/var/lib/octavia/plugged_interfaces")?.split(separator: "\n").count == 3)
      for number in 0..<3 {
        let name = try await amphora.send("GET", "/1.0/interface/10.0.\(number).5").json.string("interface")
        let link = try await amphora.ip("-o link show dev \(name)").joined()
        #expect(link.contains("fa:16:3e:00:01:0\(number)") && link.contains("mtu 1400"), "\(link)")
        #expect(
          amphora.text("/var/lib/octavia/plugged_interfaces")?.contains("fa:16:3e:00:01:0\(number) \(name)\n") == true)
      }
    }
  }

  @Test func `a NIC that is not there is the retried 404`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    try expect(await plug(amphora, Self.memberPort), 404, #"{"details": "No suitable network interface found"}"#)
  }

  @Test func `a wrong fixed address is 400 with the contract's text`() async throws {
    try await withAmphora { amphora in
      try amphora.plugNIC(Self.mac, "ens5", on: .member)
      for address in ["10.0.0.256", "nothing", ""] {
        let body = Self.memberPort.replacing("\"10.0.0.5\"", with: "\"\(address)\"")
        try expect(await plug(amphora, body), 400, #"{"message": "Invalid network port"}"#)
      }
      try expectFramework(
        await plug(amphora, Self.memberPort.replacing("10.0.0.0/24", with: "nothing")), 400, "Bad Request",
        containing: "Invalid port information")
      #expect(try await amphora.run("/sbin/ip -o link show dev ens5").isSuccess)
    }
  }

  @Test func `the VIP port takes member addresses and keeps its additional VIPs`() async throws {
    try await withAmphora { amphora in
      try amphora.plugNIC(VIPPlugTests.mac, "ens4", on: .vip)
      let vip = try #require(VIPExample.all.last)
      _ = try await amphora.send("POST", "/1.0/plug/vip/\(vip.vip)", vip.body, type: "application/json")
      let info = """
        {"vip": "203.0.113.2", "subnet_cidr": "203.0.113.0/24", "gateway": "203.0.113.1", "mac_address": "\(VIPPlugTests.mac)",
         "vrrp_ip": "203.0.113.4", "mtu": 1450, "host_routes": [], "additional_vips": [], "is_sriov": false}
        """
      func body(_ fixed: String) -> String {
        """
        {"mac_address": "\(VIPPlugTests.mac)", "mtu": 1450, "is_sriov": false, "vip_net_info": \(info), "fixed_ips": [\(fixed)]}
        """
      }
      let member = """
        {"ip_address": "10.0.0.5", "subnet_cidr": "10.0.0.0/24", "gateway": "10.0.0.1",
         "host_routes": [{"destination": "192.0.2.0/24", "nexthop": "10.0.0.254"}]}
        """
      for _ in 1...2 {
        try expect(await plug(amphora, body(member)), 202, details("Updated existing interface eth1"))
        // The first default route of the file wins (contract networking §3.4 E).
        #expect(
          try await amphora.routes("-4") == [
            "10.0.0.0/24 dev eth1 proto kernel scope link src 10.0.0.5",
            "192.0.2.0/24 via 10.0.0.254 dev eth1 proto static onlink",
            "203.0.113.0/24 dev eth1 proto kernel scope link src 203.0.113.4",
            "default via 203.0.113.1 dev eth1 proto static onlink",
          ])
        #expect(
          try await amphora.addresses("eth1") == ["10.0.0.5/24", "2001:db8::2/128", "203.0.113.2/32", "203.0.113.4/24"])
        #expect(try await amphora.rules("-4") == ["32000: from 203.0.113.2 lookup 1"])
        #expect(try await amphora.rules("-6") == ["32000: from 2001:db8::2 lookup 1"])
      }
      // Without its firewall an SR-IOV port must not come up, so the change fails, with the contract's word for this kind
      // of plug. A folder stands where the rules are kept.
      _ = try await amphora.run("/bin/mkdir /var/lib/octavia/nftables-vip.rules")
      let refused = try await plug(
        amphora,
        body(member).replacing(#""is_sriov": false, "vip_net_info""#, with: #""is_sriov": true, "vip_net_info""#))
      #expect(refused.status == 500)
      #expect(try refused.json.string("message") == "Error plugging vip", "\(refused.text)")
      try expect(await plug(amphora, body("")), 202, details("Updated existing interface eth1"))
      #expect(try await amphora.addresses("eth1") == ["2001:db8::2/128", "203.0.113.2/32", "203.0.113.4/24"])
    }
  }

  @Test func `a port that wants DHCP without a client is a 500 that says so`() async throws {
    try await withAmphora { amphora in
      guard try await !amphora.run("/usr/bin/test -e /sbin/dhclient").isSuccess else { return }
      try amphora.plugNIC(Self.mac, "ens5", on: .member)
      let answer = try await plug(amphora, "{\"mac_address\": \"\(Self.mac)\", \"fixed_ips\": []}")
      #expect(answer.status == 500)
      #expect(try answer.json.string("message") == "Error plugging network")
      #expect(try answer.json.string("details").contains("dhclient"), "\(answer.text)")
    }
  }

  @Test func `a killed agent does not lose the interfaces, and a repetition mends them`() async throws {
    try await withAmphora { amphora in
      try amphora.plugNIC(Self.mac, "ens5", on: .member)
      _ = try await plug(amphora, Self.memberPort)
      try await amphora.crashAgent()
      try await amphora.startAgent()
      try expect(await plug(amphora, Self.memberPort), 202, details("Updated existing interface eth2"))
      _ = try await amphora.ip("address flush dev eth2")
      try expect(await plug(amphora, Self.memberPort), 202, details("Updated existing interface eth2"))
      #expect(try await amphora.addresses("eth2") == ["10.0.0.5/24", "2001:db8:5::5/64"])
    }
  }
}

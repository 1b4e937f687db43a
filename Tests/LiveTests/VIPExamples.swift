// The worked examples A to D of contract networking §3.4, with what `ip` prints for them.

extension VIPExample {
  static let all = [single, activeStandby, ipv6, dualStack]

  private static func body(vrrp: String, subnet: String, gateway: String, routes: String = "[]", more: String = "[]")
    -> String
  {
    """
    {"subnet_cidr": "\(subnet)", "gateway": "\(gateway)", "mac_address": "fa:16:3e:aa:bb:cc", "vrrp_ip": "\(vrrp)",
     "mtu": 1450, "host_routes": \(routes), "additional_vips": \(more), "is_sriov": false}
    """
  }

  private static func scripts(_ families: String...) -> String {
    func list(_ verb: String) -> String {
      families.map { "{\"command\": \"/usr/local/bin/lvs-masquerade.sh \(verb) \($0) eth1\"}" }.joined(separator: ", ")
    }
    return "\"scripts\": {\"up\": [\(list("add"))], \"down\": [\(list("delete"))]}"
  }

  private static let v4 = body(vrrp: "203.0.113.4", subnet: "203.0.113.0/24", gateway: "203.0.113.1")
  private static let v4Default = "default via 203.0.113.1 dev eth1 proto static onlink"
  private static let v6Default = "default via 2001:db8::1 dev eth1 proto static metric 1024 onlink"

  static let single = VIPExample(
    testDescription: "A: IPv4, SINGLE", body: v4, details: "VIPs plugged on interface eth1: 203.0.113.2",
    addresses: ["203.0.113.2/32", "203.0.113.4/24"],
    routes: [
      "-4 main": ["203.0.113.0/24 dev eth1 proto kernel scope link src 203.0.113.4", v4Default],
      "-4 1": ["203.0.113.0/24 dev eth1 proto static scope link src 203.0.113.2", v4Default], "-6 1": [],
    ],
    rules: ["-4": ["32000: from 203.0.113.2 lookup 1"], "-6": []],
    file: """
      {"name": "eth1", "if_type": "vip", "mtu": 1450, "is_sriov": false, "addresses": [
        {"address": "203.0.113.4", "prefixlen": 24}, {"address": "203.0.113.2", "prefixlen": 32, "octavia_owned": true}],
       "routes": [{"dst": "0.0.0.0/0", "gateway": "203.0.113.1", "flags": ["onlink"]},
        {"dst": "0.0.0.0/0", "gateway": "203.0.113.1", "flags": ["onlink"], "table": 1},
        {"dst": "203.0.113.0/24", "scope": "link"},
        {"dst": "203.0.113.0/24", "prefsrc": "203.0.113.2", "scope": "link", "table": 1}],
       "rules": [{"src": "203.0.113.2", "src_len": 32, "table": 1}], \(scripts("ipv4"))}
      """)

  private static let activeStandby = VIPExample(
    testDescription: "B: IPv4, ACTIVE_STANDBY", topology: "ACTIVE_STANDBY", body: v4,
    details: "VIPs plugged on interface eth1: 203.0.113.2", addresses: ["203.0.113.4/24"],
    routes: [
      "-4 main": ["203.0.113.0/24 dev eth1 proto kernel scope link src 203.0.113.4", v4Default], "-4 1": [], "-6 1": [],
    ], rules: ["-4": [], "-6": []],
    file: """
      {"name": "eth1", "if_type": "vip", "mtu": 1450, "is_sriov": false, "addresses": [
        {"address": "203.0.113.4", "prefixlen": 24}, {"address": "203.0.113.2", "prefixlen": 32, "octavia_owned": false}],
       "routes": [{"dst": "0.0.0.0/0", "gateway": "203.0.113.1", "flags": ["onlink"]},
        {"dst": "203.0.113.0/24", "scope": "link"}], "rules": [], \(scripts("ipv4"))}
      """)

  private static let ipv6 = VIPExample(
    testDescription: "C: IPv6, SINGLE", vip: "2001:db8::2",
    body: body(vrrp: "2001:db8::4", subnet: "2001:db8::/64", gateway: "2001:db8::1"),
    details: "VIPs plugged on interface eth1: 2001:0db8:0000:0000:0000:0000:0000:0002",
    addresses: ["2001:db8::2/128", "2001:db8::4/64"],
    routes: [
      "-6 main": [
        "2001:db8::/64 dev eth1 proto kernel metric 256", "2001:db8::/64 dev eth1 proto static metric 1024",
        "2001:db8::2 dev eth1 proto kernel metric 256", v6Default,
      ], "-6 1": ["2001:db8::/64 dev eth1 proto static src 2001:db8::2 metric 1024", v6Default], "-4 1": [],
    ], rules: ["-4": [], "-6": ["32000: from 2001:db8::2 lookup 1"]],
    file: """
      {"name": "eth1", "if_type": "vip", "mtu": 1450, "is_sriov": false, "addresses": [
        {"address": "2001:0db8:0000:0000:0000:0000:0000:0004", "prefixlen": 64},
        {"address": "2001:0db8:0000:0000:0000:0000:0000:0002", "prefixlen": 128, "octavia_owned": true}],
       "routes": [{"dst": "::/0", "gateway": "2001:db8::1", "flags": ["onlink"]},
        {"dst": "::/0", "gateway": "2001:db8::1", "flags": ["onlink"], "table": 1},
        {"dst": "2001:0db8:0000:0000:0000:0000:0000:0000/64", "scope": "link"},
        {"dst": "2001:0db8:0000:0000:0000:0000:0000:0000/64", "prefsrc": "2001:0db8:0000:0000:0000:0000:0000:0002",
         "scope": "link", "table": 1}],
       "rules": [{"src": "2001:0db8:0000:0000:0000:0000:0000:0002", "src_len": 128, "table": 1}], \(scripts("ipv6"))}
      """)

  private static let dualStack = VIPExample(
    testDescription: "D: dual stack, SINGLE, host routes",
    body: body(
      vrrp: "203.0.113.4", subnet: "203.0.113.0/24", gateway: "203.0.113.1",
      routes: #"[{"destination": "198.51.100.0/24", "nexthop": "203.0.113.5"}]"#,
      more: """
        [{"ip_address": "2001:db8::2", "subnet_cidr": "2001:db8::/64", "gateway": "2001:db8::1",
          "host_routes": [{"destination": "2001:db8:9::/48", "nexthop": "2001:db8::5"}]}]
        """),
    details: "VIPs plugged on interface eth1: 203.0.113.2, 2001:0db8:0000:0000:0000:0000:0000:0002",
    addresses: ["2001:db8::2/128", "203.0.113.2/32", "203.0.113.4/24"],
    routes: [
      "-4 main": [
        "198.51.100.0/24 via 203.0.113.5 dev eth1 proto static onlink",
        "203.0.113.0/24 dev eth1 proto kernel scope link src 203.0.113.4", v4Default,
      ],
      "-4 1": [
        "198.51.100.0/24 via 203.0.113.5 dev eth1 proto static onlink",
        "203.0.113.0/24 dev eth1 proto static scope link src 203.0.113.2", v4Default,
      ],
      "-6 main": [
        "2001:db8:9::/48 via 2001:db8::5 dev eth1 proto static metric 1024 onlink",
        "2001:db8::/64 dev eth1 proto static metric 1024", "2001:db8::2 dev eth1 proto kernel metric 256", v6Default,
      ],
      "-6 1": [
        "2001:db8:9::/48 via 2001:db8::5 dev eth1 proto static metric 1024 onlink",
        "2001:db8::/64 dev eth1 proto static src 2001:db8::2 metric 1024", v6Default,
      ],
    ],
    rules: [
      "-4": ["32000: from 203.0.113.2 lookup 1"], "-6": ["32000: from 2001:db8::2 lookup 1"],
    ],
    file: """
      {"name": "eth1", "if_type": "vip", "mtu": 1450, "is_sriov": false, "addresses": [
        {"address": "203.0.113.4", "prefixlen": 24}, {"address": "203.0.113.2", "prefixlen": 32, "octavia_owned": true},
        {"address": "2001:0db8:0000:0000:0000:0000:0000:0002", "prefixlen": 128, "octavia_owned": true}],
       "routes": [{"dst": "0.0.0.0/0", "gateway": "203.0.113.1", "flags": ["onlink"]},
        {"dst": "0.0.0.0/0", "gateway": "203.0.113.1", "flags": ["onlink"], "table": 1},
        {"dst": "203.0.113.0/24", "scope": "link"},
        {"dst": "203.0.113.0/24", "prefsrc": "203.0.113.2", "scope": "link", "table": 1},
        {"dst": "198.51.100.0/24", "gateway": "203.0.113.5", "flags": ["onlink"]},
        {"dst": "198.51.100.0/24", "gateway": "203.0.113.5", "flags": ["onlink"], "table": 1},
        {"dst": "::/0", "gateway": "2001:db8::1", "flags": ["onlink"]},
        {"dst": "::/0", "gateway": "2001:db8::1", "flags": ["onlink"], "table": 1},
        {"dst": "2001:0db8:0000:0000:0000:0000:0000:0000/64", "scope": "link"},
        {"dst": "2001:0db8:0000:0000:0000:0000:0000:0000/64", "prefsrc": "2001:0db8:0000:0000:0000:0000:0000:0002",
         "scope": "link", "table": 1},
        {"dst": "2001:db8:9::/48", "gateway": "2001:db8::5", "flags": ["onlink"]},
        {"dst": "2001:db8:9::/48", "gateway": "2001:db8::5", "flags": ["onlink"], "table": 1}],
       "rules": [{"src": "203.0.113.2", "src_len": 32, "table": 1},
        {"src": "2001:0db8:0000:0000:0000:0000:0000:0002", "src_len": 128, "table": 1}], \(scripts("ipv4", "ipv6"))}
      """)
}

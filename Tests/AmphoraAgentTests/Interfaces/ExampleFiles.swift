// The worked examples of contract networking §3.4 as they stand there; I is A with its own keys put over it.

/// Interface files that upstream's generator writes.
enum ExampleFiles {
  /// By the contract's letter.
  static let all = [
    "A": vipIPv4, "B": vipIPv4ActiveStandby, "C": vipIPv6, "D": dualStackWithHostRoutes, "E": vipPortWithMemberSubnet,
    "F": memberPort, "G": memberPortWithoutAddresses, "H": loopback, "I": sriov,
  ]

  /// Example A.
  static let vipIPv4 = """
    {
      "name": "eth1",
      "if_type": "vip",
      "mtu": 1450,
      "is_sriov": false,
      "addresses": [
        {"address": "203.0.113.4", "prefixlen": 24},
        {"address": "203.0.113.2", "prefixlen": 32, "octavia_owned": true}
      ],
      "routes": [
        {"dst": "0.0.0.0/0", "gateway": "203.0.113.1", "flags": ["onlink"]},
        {"dst": "0.0.0.0/0", "gateway": "203.0.113.1", "flags": ["onlink"], "table": 1},
        {"dst": "203.0.113.0/24", "scope": "link"},
        {"dst": "203.0.113.0/24", "prefsrc": "203.0.113.2", "scope": "link", "table": 1}
      ],
      "rules": [
        {"src": "203.0.113.2", "src_len": 32, "table": 1}
      ],
      "scripts": {
        "up": [
          {"command": "/usr/local/bin/lvs-masquerade.sh add ipv4 eth1"}
        ],
        "down": [
          {"command": "/usr/local/bin/lvs-masquerade.sh delete ipv4 eth1"}
        ]
      }
    }
    """

  /// Example B.
  static let vipIPv4ActiveStandby = """
    {
      "name": "eth1",
      "if_type": "vip",
      "mtu": 1450,
      "is_sriov": false,
      "addresses": [
        {"address": "203.0.113.4", "prefixlen": 24},
        {"address": "203.0.113.2", "prefixlen": 32, "octavia_owned": false}
      ],
      "routes": [
        {"dst": "0.0.0.0/0", "gateway": "203.0.113.1", "flags": ["onlink"]},
        {"dst": "203.0.113.0/24", "scope": "link"}
      ],
      "rules": [],
      "scripts": {
        "up": [
          {"command": "/usr/local/bin/lvs-masquerade.sh add ipv4 eth1"}
        ],
        "down": [
          {"command": "/usr/local/bin/lvs-masquerade.sh delete ipv4 eth1"}
        ]
      }
    }
    """

  /// Example C.
  static let vipIPv6 = """
    {
      "name": "eth1",
      "if_type": "vip",
      "mtu": 1450,
      "is_sriov": false,
      "addresses": [
        {"address": "2001:0db8:0000:0000:0000:0000:0000:0004", "prefixlen": 64},
        {"address": "2001:0db8:0000:0000:0000:0000:0000:0002", "prefixlen": 128, "octavia_owned": true}
      ],
      "routes": [
        {"dst": "::/0", "gateway": "2001:db8::1", "flags": ["onlink"]},
        {"dst": "::/0", "gateway": "2001:db8::1", "flags": ["onlink"], "table": 1},
        {"dst": "2001:0db8:0000:0000:0000:0000:0000:0000/64", "scope": "link"},
        {"dst": "2001:0db8:0000:0000:0000:0000:0000:0000/64",
         "prefsrc": "2001:0db8:0000:0000:0000:0000:0000:0002", "scope": "link", "table": 1}
      ],
      "rules": [
        {"src": "2001:0db8:0000:0000:0000:0000:0000:0002", "src_len": 128, "table": 1}
      ],
      "scripts": {
        "up": [
          {"command": "/usr/local/bin/lvs-masquerade.sh add ipv6 eth1"}
        ],
        "down": [
          {"command": "/usr/local/bin/lvs-masquerade.sh delete ipv6 eth1"}
        ]
      }
    }
    """

  /// Example D.
  static let dualStackWithHostRoutes = """
    {
      "name": "eth1",
      "if_type": "vip",
      "mtu": 1450,
      "is_sriov": false,
      "addresses": [
        {"address": "203.0.113.4", "prefixlen": 24},
        {"address": "203.0.113.2", "prefixlen": 32, "octavia_owned": true},
        {"address": "2001:0db8:0000:0000:0000:0000:0000:0002", "prefixlen": 128, "octavia_owned": true}
      ],
      "routes": [
        {"dst": "0.0.0.0/0", "gateway": "203.0.113.1", "flags": ["onlink"]},
        {"dst": "0.0.0.0/0", "gateway": "203.0.113.1", "flags": ["onlink"], "table": 1},
        {"dst": "203.0.113.0/24", "scope": "link"},
        {"dst": "203.0.113.0/24", "prefsrc": "203.0.113.2", "scope": "link", "table": 1},
        {"dst": "198.51.100.0/24", "gateway": "203.0.113.5", "flags": ["onlink"]},
        {"dst": "198.51.100.0/24", "gateway": "203.0.113.5", "flags": ["onlink"], "table": 1},
        {"dst": "::/0", "gateway": "2001:db8::1", "flags": ["onlink"]},
        {"dst": "::/0", "gateway": "2001:db8::1", "flags": ["onlink"], "table": 1},
        {"dst": "2001:0db8:0000:0000:0000:0000:0000:0000/64", "scope": "link"},
        {"dst": "2001:0db8:0000:0000:0000:0000:0000:0000/64",
         "prefsrc": "2001:0db8:0000:0000:0000:0000:0000:0002", "scope": "link", "table": 1},
        {"dst": "2001:db8:9::/48", "gateway": "2001:db8::5", "flags": ["onlink"]},
        {"dst": "2001:db8:9::/48", "gateway": "2001:db8::5", "flags": ["onlink"], "table": 1}
      ],
      "rules": [
        {"src": "203.0.113.2", "src_len": 32, "table": 1},
        {"src": "2001:0db8:0000:0000:0000:0000:0000:0002", "src_len": 128, "table": 1}
      ],
      "scripts": {
        "up": [
          {"command": "/usr/local/bin/lvs-masquerade.sh add ipv4 eth1"},
          {"command": "/usr/local/bin/lvs-masquerade.sh add ipv6 eth1"}
        ],
        "down": [
          {"command": "/usr/local/bin/lvs-masquerade.sh delete ipv4 eth1"},
          {"command": "/usr/local/bin/lvs-masquerade.sh delete ipv6 eth1"}
        ]
      }
    }
    """

  /// Example E.
  static let vipPortWithMemberSubnet = """
    {
      "name": "eth1",
      "if_type": "vip",
      "mtu": 1450,
      "is_sriov": false,
      "addresses": [
        {"address": "203.0.113.4", "prefixlen": 24},
        {"address": "203.0.113.2", "prefixlen": 32, "octavia_owned": true},
        {"address": "10.0.0.5", "prefixlen": 24}
      ],
      "routes": [
        {"dst": "0.0.0.0/0", "gateway": "203.0.113.1", "flags": ["onlink"]},
        {"dst": "0.0.0.0/0", "gateway": "203.0.113.1", "flags": ["onlink"], "table": 1},
        {"dst": "203.0.113.0/24", "scope": "link"},
        {"dst": "203.0.113.0/24", "prefsrc": "203.0.113.2", "scope": "link", "table": 1},
        {"dst": "0.0.0.0/0", "gateway": "10.0.0.1", "flags": ["onlink"]},
        {"dst": "0.0.0.0/0", "gateway": "10.0.0.1", "flags": ["onlink"], "table": 1},
        {"dst": "192.0.2.0/24", "gateway": "10.0.0.254", "flags": ["onlink"]}
      ],
      "rules": [
        {"src": "203.0.113.2", "src_len": 32, "table": 1}
      ],
      "scripts": {
        "up": [
          {"command": "/usr/local/bin/lvs-masquerade.sh add ipv4 eth1"}
        ],
        "down": [
          {"command": "/usr/local/bin/lvs-masquerade.sh delete ipv4 eth1"}
        ]
      }
    }
    """

  /// Example F.
  static let memberPort = """
    {
      "name": "eth2",
      "if_type": "backend",
      "mtu": 1450,
      "is_sriov": false,
      "addresses": [
        {"address": "10.0.0.5", "prefixlen": 24},
        {"address": "2001:db8:5::5", "prefixlen": 64}
      ],
      "routes": [
        {"dst": "192.0.2.0/24", "gateway": "10.0.0.254", "flags": ["onlink"]},
        {"dst": "2001:db8:6::/64", "gateway": "2001:db8:5::fe", "flags": ["onlink"]}
      ],
      "rules": [],
      "scripts": {
        "up": [
          {"command": "/usr/local/bin/lvs-masquerade.sh add ipv4 eth2"},
          {"command": "/usr/local/bin/lvs-masquerade.sh add ipv6 eth2"}
        ],
        "down": [
          {"command": "/usr/local/bin/lvs-masquerade.sh delete ipv4 eth2"},
          {"command": "/usr/local/bin/lvs-masquerade.sh delete ipv6 eth2"}
        ]
      }
    }
    """

  /// Example G.
  static let memberPortWithoutAddresses = """
    {
      "name": "eth2",
      "if_type": "backend",
      "mtu": 1450,
      "is_sriov": false,
      "addresses": [
        {"dhcp": true, "ipv6auto": true}
      ],
      "routes": [],
      "rules": [],
      "scripts": {
        "up": [
          {"command": "/usr/local/bin/lvs-masquerade.sh add ipv4 eth2"},
          {"command": "/usr/local/bin/lvs-masquerade.sh add ipv6 eth2"}
        ],
        "down": [
          {"command": "/usr/local/bin/lvs-masquerade.sh delete ipv4 eth2"},
          {"command": "/usr/local/bin/lvs-masquerade.sh delete ipv6 eth2"}
        ]
      }
    }
    """

  /// Example H.
  static let loopback = """
    {
      "name": "lo",
      "if_type": "lo",
      "is_sriov": false,
      "addresses": [
        {"address": "127.0.0.1", "prefixlen": 8}
      ],
      "routes": [],
      "rules": [],
      "scripts": {
        "up": [],
        "down": []
      }
    }
    """

  /// Example I.
  static let sriov = """
    {
      "name": "eth1",
      "if_type": "vip",
      "mtu": 1450,
      "is_sriov": true,
      "addresses": [
        {"address": "203.0.113.4", "prefixlen": 24},
        {"address": "203.0.113.2", "prefixlen": 32, "octavia_owned": true}
      ],
      "routes": [
        {"dst": "0.0.0.0/0", "gateway": "203.0.113.1", "flags": ["onlink"]},
        {"dst": "0.0.0.0/0", "gateway": "203.0.113.1", "flags": ["onlink"], "table": 1},
        {"dst": "203.0.113.0/24", "scope": "link"},
        {"dst": "203.0.113.0/24", "prefsrc": "203.0.113.2", "scope": "link", "table": 1}
      ],
      "rules": [
        {"src": "203.0.113.2", "src_len": 32, "table": 1}
      ],
      "scripts": {
        "up": [
          {"command": "/usr/local/bin/lvs-masquerade.sh add ipv4 eth1 sriov"}
        ],
        "down": [
          {"command": "/usr/local/bin/lvs-masquerade.sh delete ipv4 eth1 sriov"}
        ]
      }
    }
    """
}

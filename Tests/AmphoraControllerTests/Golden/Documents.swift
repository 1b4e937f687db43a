// Small documents to start from, so that a lone clone tests each feature without the vectors.

import FoundationEssentials

@testable import AmphoraController

enum Documents {
  static let balancerID = "0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10"
  static let listenerID = "c1a7b3de-0000-4000-8000-000000000001"
  static let poolID = "d0000000-0000-4000-8000-000000000001"
  static let otherPoolID = "d0000000-0000-4000-8000-000000000002"
  static let memberID = "f0000000-0000-4000-8000-000000000001"
  static let monitorID = "e0000000-0000-4000-8000-000000000001"

  /// The n-th id of a kind.
  static func id(_ kind: String, _ number: Int) -> String {
    "\(kind)0000000-0000-4000-8000-00000000000\(number)"
  }

  /// A single amphora with the given listeners and pools.
  static func balancer(listeners: [DocumentValue], pools: [DocumentValue] = []) -> DocumentValue {
    [
      "loadbalancer": [
        "id": .string(balancerID), "project_id": "7ac5d5c0c9f14b6f8e7d6c5b4a392817", "vip_address": "10.0.0.10",
        "vip_subnet_id": "subnet-4", "listeners": .array(listeners), "pools": .array(pools),
      ],
      "context": [
        "topology": "SINGLE", "haproxy_version": "2.6.12-1+deb12u4",
        "amphorae": [["id": "11111111-2222-4333-8444-555555555501", "vrrp_ip": "10.0.0.3"]],
      ],
    ]
  }

  /// A listener with a default pool of one member.
  static func listener(
    _ listenerProtocol: String, port: Int = 80, pool poolProtocol: String? = nil, _ more: [String: DocumentValue] = [:],
    pool morePool: [String: DocumentValue] = [:]
  ) -> DocumentValue {
    var fields: [String: DocumentValue] = [
      "id": .string(listenerID), "protocol": .string(listenerProtocol), "protocol_port": .integer(port),
    ]
    if let poolProtocol { fields["default_pool"] = pool(poolProtocol, morePool) }
    return .object(fields.merging(more) { $1 })
  }

  /// A pool of one member.
  static func pool(_ poolProtocol: String, _ more: [String: DocumentValue] = [:]) -> DocumentValue {
    let fields: [String: DocumentValue] = [
      "id": .string(poolID), "protocol": .string(poolProtocol), "lb_algorithm": "ROUND_ROBIN",
      "members": [member()],
    ]
    return .object(fields.merging(more) { $1 })
  }

  /// A member.
  static func member(_ more: [String: DocumentValue] = [:]) -> DocumentValue {
    let fields: [String: DocumentValue] = [
      "id": .string(memberID), "address": "10.0.1.21", "protocol_port": 8080,
    ]
    return .object(fields.merging(more) { $1 })
  }

  /// A monitor.
  static func monitor(_ type: String, _ more: [String: DocumentValue] = [:]) -> DocumentValue {
    let fields: [String: DocumentValue] = [
      "id": .string(monitorID), "type": .string(type), "delay": 5, "timeout": 3, "max_retries": 2,
    ]
    return .object(fields.merging(more) { $1 })
  }

  /// A policy with one rule.
  static func policy(
    _ number: Int, _ action: String, _ more: [String: DocumentValue] = [:], rule: [String: DocumentValue] = [:]
  ) -> DocumentValue {
    let ruleFields: [String: DocumentValue] = [
      "id": .string(id("b", number)), "type": "PATH", "compare_type": "STARTS_WITH", "value": "/api",
    ]
    let fields: [String: DocumentValue] = [
      "id": .string(id("a", number)), "action": .string(action), "position": .integer(number),
      "rules": [.object(ruleFields.merging(rule) { $1 })],
    ]
    return .object(fields.merging(more) { $1 })
  }

  /// The document as JSON.
  static func json(of document: LoadBalancerDocument) throws -> Data { try JSONEncoder().encode(document) }

  /// A document with every kind of object and every text field, on a pair of amphorae.
  static let everything: DocumentValue = {
    var document = balancer(
      listeners: [
        listener(
          "TERMINATED_HTTPS", port: 443, pool: "HTTP",
          [
            "default_tls_container_ref": "cert", "client_ca_tls_container_ref": "ca",
            "client_crl_container_ref": "crl", "tls_ciphers": "ECDHE-RSA-AES128-GCM-SHA256",
            "insert_headers": ["X-Forwarded-For": "true"],
            "l7policies": [
              policy(1, "REDIRECT_TO_URL", ["redirect_url": "https://www.example.com/a"]),
              policy(2, "REDIRECT_PREFIX", ["redirect_prefix": "https://www.example.com"]),
              policy(3, "REJECT", rule: ["type": "HEADER", "key": "X-A", "value": "x"]),
              policy(4, "REJECT", rule: ["type": "COOKIE", "key": "c", "value": "x"]),
              policy(5, "REJECT", rule: ["type": "SSL_DN_FIELD", "key": "CN", "value": "x"]),
              policy(6, "REJECT", rule: ["type": "SSL_VERIFY_RESULT", "compare_type": "EQUAL_TO", "value": "0"]),
              policy(7, "REDIRECT_TO_POOL", ["redirect_pool_id": .string(otherPoolID)]),
            ],
          ],
          pool: [
            "session_persistence": ["type": "APP_COOKIE", "cookie_name": "JSESSIONID"],
            "healthmonitor": monitor(
              "HTTP",
              [
                "http_method": "GET", "url_path": "/live", "expected_codes": "200-202", "http_version": .number(1.1),
                "domain_name": "www.example.com",
              ]),
            "members": [member(["monitor_address": "10.0.9.21", "monitor_port": 8081])],
          ]),
        .object([
          "id": .string(id("c", 2)), "protocol": "UDP", "protocol_port": 53,
          "default_pool": .object([
            "id": .string(id("d", 3)), "protocol": "UDP", "lb_algorithm": "SOURCE_IP",
            "session_persistence": ["type": "SOURCE_IP", "persistence_granularity": "255.255.0.0"],
            "healthmonitor": monitor("UDP-CONNECT", ["id": .string(id("e", 2))]),
            "members": [member(["id": .string(id("f", 2))])],
          ]),
        ]),
      ],
      pools: [
        pool(
          "HTTP",
          [
            "id": .string(otherPoolID), "tls_enabled": true, "tls_container_ref": "cert", "ca_tls_container_ref": "ca",
            "crl_container_ref": "crl", "tls_ciphers": "ECDHE-RSA-AES128-GCM-SHA256",
          ])
      ])
    document["loadbalancer", "additional_vips"] = [["ip_address": "2001:db8:2::20", "subnet_id": "subnet-6"]]
    document["context"] = pairContext
    return document
  }()

  /// The context of a pair.
  static let pairContext: DocumentValue = [
    "topology": "ACTIVE_STANDBY", "host_amphora_id": "11111111-2222-4333-8444-555555555501",
    "haproxy_version": "2.6.12-1+deb12u4",
    "amphorae": [
      [
        "id": "11111111-2222-4333-8444-555555555501", "vrrp_ip": "10.0.0.3", "vrrp_interface": "eth1", "vrrp_id": 1,
        "vrrp_priority": 100,
      ],
      [
        "id": "11111111-2222-4333-8444-555555555502", "vrrp_ip": "10.0.0.4", "vrrp_interface": "eth1", "vrrp_id": 1,
        "vrrp_priority": 90,
      ],
    ],
    "vrrp_group": [
      "vrrp_group_name": "0b1f9a515d9b4d6e9d3b0f1f4c3b2a10", "vrrp_auth_type": "PASS", "vrrp_auth_pass": "6d1c0f2",
      "advert_int": 1,
    ],
    "certificates": [
      "cert": "1111111111111111111111111111111111111111", "ca": "2222222222222222222222222222222222222222",
      "crl": "3333333333333333333333333333333333333333",
    ],
    "subnets": [
      "subnet-4": [
        "cidr": "10.0.0.0/24", "gateway_ip": "10.0.0.1",
        "host_routes": [["destination": "10.50.0.0/16", "nexthop": "10.0.0.254"]],
      ],
      "subnet-6": ["cidr": "2001:0db8:2::/64", "gateway_ip": "2001:db8:2::1"],
    ],
    "options": [
      "user_log_format": "{{ project_id }} {{ lb_id }} %ci", "haproxy_stick_size": "20k",
      "default_listener_ciphers": "AES128-SHA", "default_pool_ciphers": "AES128-SHA",
      "tls1_3_supported_ciphers": "TLS_AES_128_GCM_SHA256", "base_cert_dir": "/srv/certs", "base_path": "/srv/octavia",
    ],
  ]
}

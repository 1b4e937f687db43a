// The load balancer of demo and tests, as a document in the form of the Octavia API.

package import AmphoraController
import FoundationEssentials

/// Makes documents for the controller library to render.
package struct LabLoadBalancer: Sendable {
  /// A member server.
  package struct Member: Sendable {
    package var id: String
    package var address: String
    package var port: Int

    package init(id: String, address: String, port: Int) {
      self.id = id
      self.address = address
      self.port = port
    }
  }

  package var id = "0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10"
  package var listener = "c1a7b3de-0000-4000-8000-000000000001"
  package var pool = "d0000000-0000-4000-8000-000000000001"
  package var amphora: String
  package var vip: String
  package var additionalVIPs: [String] = []
  package var port = 80
  /// `HTTP` or `TCP`.
  package var listenerProtocol = "HTTP"
  package var members: [Member]
  /// The port of a listener for metrics; nil for none.
  package var prometheusPort: Int?
  /// The id of the listener for metrics.
  package let prometheusListener = "c1a7b3de-0000-4000-8000-000000000009"
  /// Seconds between health checks; nil for no monitor.
  package var monitorDelay: Int? = 1
  /// Open connections at most.
  ///
  /// The machines that build this allow 20,000 files, so haproxy's default is too much.
  package var connectionLimit = 2000
  package var haproxyVersion = "2.6.12"
  /// The amphorae of a pair, this one among them; none for a single amphora.
  package var pair: [PairedAmphora] = []

  /// One amphora of a pair.
  package struct PairedAmphora: Sendable {
    package var id: String
    package var vrrpIP: String
    package var priority: Int

    package init(id: String, vrrpIP: String, priority: Int) {
      self.id = id
      self.vrrpIP = vrrpIP
      self.priority = priority
    }
  }

  package init(amphora: String, vip: String, members: [Member]) {
    self.amphora = amphora
    self.vip = vip
    self.members = members
  }

  /// The document.
  package func document() throws -> LoadBalancerDocument { try LoadBalancerDocument(json: Data(json.utf8)) }

  /// The text of haproxy.cfg.
  package func haproxyConfiguration() throws -> String {
    guard let text = try ConfigurationFiles.render(document())["haproxy.cfg"] else {
      throw LabError.failed(what: "haproxy.cfg", reason: "the document has no listener for haproxy")
    }
    return text
  }

  /// The text of keepalived.conf, for a pair in the subnet 203.0.113.0/24.
  package func keepalivedConfiguration() throws -> String {
    guard let text = try KeepalivedVRRPConfiguration.render(document()) else {
      throw LabError.failed(what: "keepalived.conf", reason: "this is no pair")
    }
    return text
  }

  private var context: String {
    guard !pair.isEmpty else {
      return """
        {"topology": "SINGLE", "host_amphora_id": "\(amphora)",
          "amphorae": [{"id": "\(amphora)", "status": "ALLOCATED", "role": "STANDALONE"}],
          "haproxy_version": "\(haproxyVersion)", "amp_details": null, "certificates": {}, "vrrp_group": null,
          "subnets": {}, "options": {}}
        """
    }
    let amphorae = pair.map {
      """
      {"id": "\($0.id)", "status": "ALLOCATED", "vrrp_ip": "\($0.vrrpIP)", "vrrp_interface": "eth1", "vrrp_id": 1,
       "vrrp_priority": \($0.priority)}
      """
    }.joined(separator: ", ")
    return """
      {"topology": "ACTIVE_STANDBY", "host_amphora_id": "\(amphora)", "amphorae": [\(amphorae)],
        "haproxy_version": "\(haproxyVersion)", "amp_details": null, "certificates": {},
        "vrrp_group": {"vrrp_group_name": "\(id.filter { $0 != "-" })", "vrrp_auth_type": "PASS",
          "vrrp_auth_pass": "6d1c0f2", "advert_int": 1},
        "subnets": {"5e0c5b1e-1111-4222-8333-444455556666": {"cidr": "203.0.113.0/24", "gateway_ip": "203.0.113.1",
          "host_routes": []}},
        "options": {"vrrp_check_interval": 1, "vrrp_fail_count": 1, "vrrp_success_count": 1}}
      """
  }

  private var json: String {
    let servers = members.map {
      #"{"id": "\#($0.id)", "address": "\#($0.address)", "protocol_port": \#($0.port), "weight": 1}"#
    }.joined(separator: ", ")
    let monitor = monitorDelay.map { delay in
      """
      {"id": "e0000000-0000-4000-8000-000000000001", "type": "\(listenerProtocol == "HTTP" ? "HTTP" : "TCP")",
       "delay": \(delay), "timeout": 1, "max_retries": 1, "max_retries_down": 2, "http_method": "GET", "url_path": "/",
       "expected_codes": "200"}
      """
    }
    let metrics = prometheusPort.map {
      #", {"id": "\#(prometheusListener)", "protocol": "PROMETHEUS", "protocol_port": \#($0), "connection_limit": 10}"#
    }
    let vips = additionalVIPs.map { #"{"ip_address": "\#($0)", "subnet_id": null}"# }.joined(separator: ", ")
    return """
      {"loadbalancer": {"id": "\(id)", "project_id": "7ac5d5c0c9f14b6f8e7d6c5b4a392817", "vip_address": "\(vip)",
        "vip_subnet_id": "5e0c5b1e-1111-4222-8333-444455556666", "additional_vips": [\(vips)],
        "listeners": [{"id": "\(listener)", "protocol": "\(listenerProtocol)", "protocol_port": \(port),
          "connection_limit": \(connectionLimit), "default_pool_id": "\(pool)",
          "default_pool": {"id": "\(pool)", "protocol": "\(listenerProtocol)", "lb_algorithm": "ROUND_ROBIN",
            "healthmonitor": \(monitor ?? "null"), "members": [\(servers)]}}\(metrics ?? "")]},
       "context": \(context)}
      """
  }
}

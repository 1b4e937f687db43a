import AmphoraProtocol
import FoundationEssentials
import Testing

/// The JSON bodies, against the texts of contract agent-api §3.2, §3.3, §4.6 and §4.7.
@Suite struct BodyTests {
  static let plugVIP = """
    {"subnet_cidr":"203.0.113.0/24","gateway":"203.0.113.1","mac_address":"fa:16:3e:aa:bb:cc","vrrp_ip":"203.0.113.4","mtu":1450,
     "host_routes":[{"nexthop":"203.0.113.5","destination":"198.51.100.0/24"}],
     "additional_vips":[{"subnet_cidr":"2001:db8::/64","ip_address":"2001:db8::10","gateway":"2001:db8::1","host_routes":[]}],
     "is_sriov":false}
    """

  @Test func `the VIP plug's body is read`() throws {
    let body = try JSONDecoder().decode(PlugVIPBody.self, from: Data(Self.plugVIP.utf8))
    #expect(
      body
        == PlugVIPBody(
          subnetCIDR: "203.0.113.0/24", gateway: "203.0.113.1", macAddress: "fa:16:3e:aa:bb:cc", vrrpIP: "203.0.113.4",
          mtu: 1450,
          hostRoutes: [HostRouteBody(destination: "198.51.100.0/24", nexthop: "203.0.113.5")],
          additionalVIPs: [
            AdditionalVIPBody(ipAddress: "2001:db8::10", subnetCIDR: "2001:db8::/64", gateway: "2001:db8::1")
          ]))
    #expect(try JSONDecoder().decode(PlugVIPBody.self, from: JSONEncoder().encode(body)) == body)
  }

  @Test func `a null gateway is allowed, a missing one is not`() throws {
    let null = #"{"subnet_cidr":"s","gateway":null,"mac_address":"m"}"#
    let body = try JSONDecoder().decode(PlugVIPBody.self, from: Data(null.utf8))
    #expect(body.gateway == nil)
    #expect(
      body.mtu == nil && body.vrrpIP == nil && body.hostRoutes == nil && body.additionalVIPs == nil
        && body.isSRIOV == nil)
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(PlugVIPBody.self, from: Data(#"{"subnet_cidr":"s","mac_address":"m"}"#.utf8))
    }
  }

  @Test func `every key of a VIP plug is written, null included`() throws {
    let text = String(
      decoding: try JSONEncoder().encode(PlugVIPBody(subnetCIDR: "s", gateway: nil, macAddress: "m")), as: UTF8.self)
    for key in [
      "subnet_cidr", "gateway", "mac_address", "vrrp_ip", "mtu", "host_routes", "additional_vips", "is_sriov",
    ] {
      #expect(text.contains("\"\(key)\":"), "\(key) in \(text)")
    }
    #expect(!text.contains("\"vip\""))
  }

  @Test(arguments: [
    "{}", "[]", "5", "", "{", #"{"subnet_cidr":1,"gateway":null,"mac_address":"m"}"#,
    #"{"subnet_cidr":"s","gateway":null,"mac_address":"m","mtu":"x"}"#,
    #"{"subnet_cidr":"s","gateway":null,"mac_address":"m","host_routes":{}}"#,
    #"{"subnet_cidr":"s","gateway":null,"mac_address":"m","additional_vips":[{"ip_address":"a"}]}"#,
    #"{"subnet_cidr":"s","gateway":null}"#,
  ])
  func `a VIP plug of the wrong shape is refused`(text: String) {
    #expect(throws: (any Error).self) { try JSONDecoder().decode(PlugVIPBody.self, from: Data(text.utf8)) }
  }

  @Test func `the network plug's body is read, with and without the VIP's data`() throws {
    let plain = """
      {"mac_address":"fa:16:3e:dd:ee:ff","mtu":1450,"is_sriov":false,
       "fixed_ips":[{"ip_address":"10.1.0.5","subnet_cidr":"10.1.0.0/24","host_routes":[],"gateway":"10.1.0.1"}]}
      """
    let body = try JSONDecoder().decode(PlugNetworkBody.self, from: Data(plain.utf8))
    #expect(
      body
        == PlugNetworkBody(
          macAddress: "fa:16:3e:dd:ee:ff",
          fixedIPs: [FixedIPBody(ipAddress: "10.1.0.5", subnetCIDR: "10.1.0.0/24", gateway: "10.1.0.1")], mtu: 1450))
    let withVIP = #"{"mac_address":"m","vip_net_info":{"vip":"203.0.113.10","# + Self.plugVIP.drop { $0 == "{" } + "}"
    let second = try JSONDecoder().decode(PlugNetworkBody.self, from: Data(withVIP.utf8))
    #expect(second.vipNetInfo?.vip == "203.0.113.10")
    #expect(second.vipNetInfo?.macAddress == "fa:16:3e:aa:bb:cc")
    #expect(second.fixedIPs == nil)
    #expect(try JSONDecoder().decode(PlugNetworkBody.self, from: JSONEncoder().encode(second)) == second)
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(PlugNetworkBody.self, from: Data("{}".utf8)) }
  }

  @Test func `the information body has the contract's keys`() throws {
    let text = """
      {"hostname":"amphora-1","haproxy_version":"2.6.12-1+deb12u4","api_version":"1.0","keepalived_version":"1:2.2.7-1+b2",\
      "ipvsadm_version":"1:1.31-1+b1"}
      """
    let info = try JSONDecoder().decode(InfoBody.self, from: Data(text.utf8))
    #expect(
      info
        == InfoBody(
          hostname: "amphora-1", haproxyVersion: "2.6.12-1+deb12u4", keepalivedVersion: "1:2.2.7-1+b2",
          ipvsadmVersion: "1:1.31-1+b1"))
    #expect(
      try keys(of: info) == ["api_version", "haproxy_version", "hostname", "ipvsadm_version", "keepalived_version"])
  }

  @Test func `the details body has the contract's keys and odd types`() throws {
    let details = DetailsBody(
      info: InfoBody(hostname: "h", haproxyVersion: "2.6", keepalivedVersion: "2", ipvsadmVersion: "1"),
      networks: ["eth1": .init(networkTx: 1, networkRx: 2)], haproxyCount: 1, lvsListenerProcessCount: 2, cpuCount: 4,
      cpu: .init(total: 10, user: "1", system: "2", softIRQ: "3"), memory: .init(), disk: .init(used: 5, available: 6),
      load: ["0.1", "0.2", "0.3"], activeTunedProfiles: "", listeners: [])
    #expect(
      try keys(of: details) == [
        "active", "active_tuned_profiles", "api_version", "cpu", "cpu_count", "disk", "haproxy_count",
        "haproxy_version",
        "hostname", "ipvsadm_version", "keepalived_version", "listeners", "load", "lvs_listener_process_count",
        "memory",
        "networks", "packages", "topology", "topology_status",
      ])
    #expect(try keys(of: details.cpu) == ["soft_irq", "system", "total", "user"])
    #expect(try keys(of: details.memory) == ["buffers", "cached", "free", "shared", "slab", "swap_used", "total"])
    let text = String(decoding: try JSONEncoder().encode(details), as: UTF8.self)
    #expect(
      text.contains(#""user":"1""#) && text.contains(#""total":10"#) && text.contains(#""load":["0.1","0.2","0.3"]"#))
    #expect(
      text.contains(#""networks":{"eth1":{"#) && text.contains(#""network_tx":1"#)
        && text.contains(#""topology":"SINGLE""#))
    #expect(try JSONDecoder().decode(DetailsBody.self, from: Data(text.utf8)) == details)
  }

  @Test func `small answers are spelled as the contract has them`() throws {
    #expect(try text(APIVersionBody()) == #"{"api_version":"1.0"}"#)
    #expect(try text(MessageBody.ok) == #"{"message":"OK"}"#)
    #expect(try text(MessageBody(details: "d")) == #"{"details":"d"}"#)
    #expect(try text(CertificateDigestBody(md5sum: "ab")) == #"{"md5sum":"ab"}"#)
    #expect(try keys(of: InterfaceNameBody(interface: "eth1")) == ["interface", "message"])
    #expect(try keys(of: ListenerStatusBody(status: "ACTIVE", uuid: "u", type: "UDP")) == ["status", "type", "uuid"])
    let error = FrameworkErrorBody(status: 404, reason: "Not Found", text: "no such path")
    #expect(error.error == "404 Not Found: no such path")
    #expect(try keys(of: error) == ["error", "http_code"])
  }

  @Test(arguments: [(ServiceAction.start, "started"), (.stop, "stoped"), (.reload, "reloaded")])
  func `actions have upstream's past tense`(action: ServiceAction, past: String) {
    #expect(action.pastTense == past)
  }
}

private func text(_ value: some Encodable) throws -> String {
  String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
}

/// The top-level keys of a value's JSON, sorted.
private func keys(of value: some Encodable) throws -> [String] {
  try JSONDecoder().decode(TopLevelKeys.self, from: JSONEncoder().encode(value)).names
}

private struct AnyKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }
  init?(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

private struct TopLevelKeys: Decodable {
  let names: [String]
  init(from decoder: any Decoder) throws {
    names = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue).sorted()
  }
}

// Substitution, the secret, destinations and live changes.

import Testing

@testable import AmphoraAgent

@Suite struct `Substitution in values` {
  private func key(_ text: String, rest: String = "") throws -> String? {
    try ConfigurationSample.parsed("[health_manager]\nheartbeat_key = \(text)\n\(rest)").heartbeatKey?.revealed
  }

  // The first group was observed with oslo.config; the second is where it fails and the agent keeps the text.
  @Test(arguments: [
    ("$$x", "$x"), ("\\$x", "$x"), ("$10 $", "$10 $"), ("${", "${"), ("${}", "${}"), ("$é", "$é"), ("a$$", "a$"),
    ("$heartbeat_interval/x", "10/x"), ("${heartbeat_interval}x", "10x"), ("a$debug", "aFalse"),
    ("${haproxy_amphora.base_path}", "/var/lib/octavia"), ("$haproxy_amphora.bind_port", "9443"),
    ("${amphora_agent.amphora_id}x", "x"), ("\\$$heartbeat_interval", "$10"),
    ("$unknown", "$unknown"), ("${no.such}", "${no.such}"), ("$heartbeat_interval.", "$heartbeat_interval."),
    ("$HEARTBEAT_INTERVAL", "$HEARTBEAT_INTERVAL"), ("$heartbeat_key", "$heartbeat_key"), ("p$a$$w", "p$a$w"),
    ("${heartbeat_interval", "${heartbeat_interval"),
  ])
  func `a reference is replaced or stays as it is`(text: String, expected: String) throws {
    #expect(try key(text) == expected)
  }

  @Test func `references are followed through other options and the environment`() throws {
    let text = "[DEFAULT]\nroot = /srv\n[haproxy_amphora]\nbase_path = $root/oct\nbase_cert_dir = ${base_path}/certs"
    #expect(try ConfigurationSample.parsed(text).baseCertDir == "/srv/oct/certs")
    let overridden = try ConfigurationSample.parsed(text, environment: ["OS_HAPROXY_AMPHORA__BASE_PATH": "/other"])
    #expect(overridden.baseCertDir == "/other/certs")
  }

  @Test func `options that refer to each other stay literal`() throws {
    #expect(try key("$a", rest: "a = $b\nb = ${a}!") == "${a}!")
  }

  @Test func `a value that grows without bounds is refused without showing it`() {
    var lines = ["[health_manager]", "heartbeat_key = $k0$k0"]
    for index in 0..<12 { lines.append("k\(index) = " + String(repeating: "$k\(index + 1)", count: 10)) }
    lines.append("k12 = s3cret")
    let found = ConfigurationSample.problems(lines.joined(separator: "\n"))
    #expect(found.count == 1)
    #expect(found.first?.contains("agent.conf:2: [health_manager] heartbeat_key = •••: not allowed") == true)
  }

  @Test func `a long chain of references is refused instead of exhausting the stack`() {
    let chain = (0..<50_000).map { "k\($0) = $k\($0 + 1)" }.joined(separator: "\n")
    #expect(ConfigurationSample.problems("[health_manager]\nheartbeat_key = $k0\n" + chain).count == 1)
  }
}

@Suite struct `Heartbeat key` {
  @Test func `the escaper's five entities are reversed once`() throws {
    let text = "[health_manager]\nheartbeat_key = &#34;a&amp;b&lt;c&gt;d&#39;e&amp;lt;f&quot;&#34;\n"
    #expect(try ConfigurationSample.parsed(text).heartbeatKey?.revealed == "\"a&b<c>d'e&lt;f&quot;\"")
  }

  @Test func `it never prints itself`() throws {
    let configuration = try ConfigurationSample.parsed(
      ConfigurationSample.delivered.replacing("insecure", with: "s3cret"))
    var dumped = ""
    dump(configuration, to: &dumped)
    #expect(configuration.heartbeatKey?.revealed == "s3cret")
    for text in [
      dumped, "\(configuration)", String(reflecting: configuration), configuration.text(of: .heartbeatKey) ?? "",
    ] {
      #expect(!text.contains("s3cret"))
      #expect(text.contains(Secret.mask))
    }
  }

  @Test func `an empty key is a key, with a warning`() throws {
    let configuration = try ConfigurationSample.parsed(
      "[health_manager]\nheartbeat_key =\n[amphora_agent]\namphora_id=x")
    #expect(configuration.heartbeatKey == Secret(""))
    #expect(configuration.warnings.map(\.line) == [2, 4])
  }

  @Test func `secrets compare by bytes`() {
    #expect(Secret("é") != Secret("e\u{301}"))
    #expect(Secret("é") == Secret("é"))
  }
}

@Suite struct `Controller endpoints` {
  @Test(arguments: [
    ("192.0.2.5:5555", "192.0.2.5"), ("[2001:db8::5]:5555", "2001:db8::5"), ("2001:db8::5:5555", "2001:db8::5"),
    ("fe80::1%eth0:5555", "fe80::1%eth0"), ("hm.example.org:5555", "hm.example.org"), ("[[::1]]:5555", "[::1]"),
  ])
  func `the port stands behind the last colon`(text: String, host: String) {
    let endpoint = ControllerEndpoint(text)
    #expect(endpoint?.host == host)
    #expect(endpoint?.port == 5555)
  }

  @Test(arguments: [
    "", "host", "host:", ":5555", "host:0", "host:65536", "host:+5", "host:-1", "host:5a", "[]:5555", "a b:5",
  ])
  func `what has no host or port is none`(text: String) { #expect(ControllerEndpoint(text) == nil) }

  @Test func `a malformed item is left out with a warning, the rest is used in order`() throws {
    let configuration = try ConfigurationSample.parsed(
      "[health_manager]\ncontroller_ip_port_list = a:1, nonsense,, b:2, a:1,,\n")
    #expect(configuration.controllerEndpoints.map(\.description) == ["a:1", "b:2", "a:1"])
    let warnings = configuration.warnings.filter { $0.line == 2 }.map(\.description)
    #expect(warnings.count == 2)
    #expect(warnings.first?.contains("nonsense: this item is left out") == true)
  }

  @Test(arguments: ["[health_manager]\ncontroller_ip_port_list =", "[health_manager]\ncontroller_ip_port_list = ,,"])
  func `an empty list is allowed with a warning`(text: String) throws {
    let configuration = try ConfigurationSample.parsed(text)
    #expect(configuration.controllerEndpoints.isEmpty)
    #expect(configuration.warnings.contains { $0.description.contains("controller_ip_port_list") })
  }
}

@Suite struct `Live changes` {
  @Test func `changed options are told apart by whether they act at once`() throws {
    let old = try ConfigurationSample.parsed(ConfigurationSample.delivered)
    let text = ConfigurationSample.delivered.replacing("insecure", with: "s3cret").replacing("= 9443", with: "= 9444")
      .replacing("SINGLE", with: "ACTIVE_STANDBY")
    let new = try ConfigurationSample.parsed(text)
    let changes = new.liveChanges(from: old)
    #expect(changes.live == [.heartbeatKey, .loadBalancerTopology])
    #expect(changes.needRestart == [.bindPort])
    #expect(
      changes.description
        == "changed now: [health_manager] heartbeat_key, [controller_worker] loadbalancer_topology; "
        + "after a restart: [haproxy_amphora] bind_port")
    let merged = old.adoptingLiveOptions(of: new)
    #expect(merged.heartbeatKey == Secret("s3cret"))
    #expect(merged.loadBalancerTopology == .activeStandby)
    #expect(merged.bindPort == 9443)
    #expect(merged.liveChanges(from: new).live.isEmpty)
  }

  @Test func `the same values in another spelling are no change`() throws {
    let old = try ConfigurationSample.parsed(ConfigurationSample.delivered)
    let text = ConfigurationSample.delivered.replacing("debug = False", with: "debug = 0").replacing(
      "= ::", with: "= 0:0::0"
    )
    .replacing("SINGLE", with: "'SINGLE'").replacing("base_path = /var/lib/octavia\n", with: "")
    #expect(try ConfigurationSample.parsed(text).liveChanges(from: old).isEmpty)
  }

  @Test func `exactly the contract's five options are live`() {
    #expect(
      Set(ConfigurationOption.allCases.filter(\.isLive))
        == [.debug, .controllerIPPortList, .heartbeatInterval, .heartbeatKey, .loadBalancerTopology])
  }
}

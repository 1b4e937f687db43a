import Addresses
import AmphoraController
import AmphoraCrypto
import AmphoraProtocol
import Foundation
import NIOHTTP1
import Testing

/// What each method sends and what it makes of the answers: contract agent-api §1.1, §1.5, §2.
@Suite struct ClientRouteTests {
  let loadBalancer: LoadBalancerID
  let object: ServiceObjectID
  let listener: ListenerID
  let file: CertificateFileName
  let address: IPAddress
  let amphora = ClientLab.amphoraText
  let id = "0c1d2e3f-4a5b-4c6d-8e7f-9a0b1c2d3e4f"

  init() throws {
    loadBalancer = try #require(LoadBalancerID(id))
    object = try #require(ServiceObjectID(id))
    listener = try #require(ListenerID(id))
    file = try #require(CertificateFileName("5d3c.pem"))
    address = try #require(IPAddress("2001:db8::10"))
  }

  private func one(
    _ step: AgentStep = .ok, _ body: @Sendable (AmphoraClient) async throws -> Void
  ) async throws -> SeenRequest {
    try await ClientLab.run(script: [step]) { client, agent in
      try await body(client)
      #expect(agent.seen.count == 1)
      return try #require(agent.seen.first)
    }
  }

  /// One call, which must come in as this method and path.
  private func expect(
    _ line: String, _ step: AgentStep = .ok, _ body: @Sendable (AmphoraClient) async throws -> Void
  ) async throws {
    let seen = try await one(step, body)
    #expect(seen.line == line)
  }

  @Test func `what the agent tells is read`() async throws {
    let info =
      #"{"hostname":"h","haproxy_version":"2.6","api_version":"1.0","keepalived_version":"2","ipvsadm_version":"1"}"#
    try await expect("GET /", .json(200, #"{"api_version":"1.0"}"#)) {
      let answer = try await $0.discover()
      #expect(answer == "1.0")
    }
    try await expect("GET /1.0/info", .json(200, info)) {
      let answer = try await $0.info().haproxyVersion
      #expect(answer == "2.6")
    }
    try await expect("GET /1.0/listeners", .json(200, #"[{"status":"ACTIVE","uuid":"u","type":"HTTP"}]"#)) {
      let answer = try await $0.listListeners()
      #expect(answer == [ListenerStatusBody(status: "ACTIVE", uuid: "u", type: "HTTP")])
    }
    let text = AgentStep.answer(status: 200, contentType: "text/plain; charset=UTF-8", body: "global\n é\n")
    try await expect("GET /1.0/loadbalancer/\(id)/haproxy", text) {
      let answer = try await $0.downloadHAProxy(loadBalancer)
      #expect(answer == "global\n é\n")
    }
    try await expect("GET /1.0/listeners/\(id)/udp_listener", text) {
      let answer = try await $0.downloadLVS(listener)
      #expect(answer == "global\n é\n")
    }
    try await expect("GET /1.0/interface/2001:db8::10", .json(200, #"{"message":"OK","interface":"eth1"}"#)) {
      let answer = try await $0.findInterface(address)
      #expect(answer == "eth1")
    }
  }

  @Test func `details are read with their odd types`() async throws {
    let body = DetailsBody(
      info: InfoBody(hostname: "h", haproxyVersion: "2.6", keepalivedVersion: "2", ipvsadmVersion: "1"), networks: [:],
      haproxyCount: 1, lvsListenerProcessCount: 0, cpuCount: 2,
      cpu: .init(total: 1, user: "1", system: "2", softIRQ: "3"),
      memory: .init(), disk: .init(used: 1, available: 2), load: ["0", "0", "0"], activeTunedProfiles: "amphora",
      listeners: [])
    let text = String(decoding: try JSONEncoder().encode(body), as: UTF8.self)
    try await expect("GET /1.0/details", .json(200, text)) {
      let answer = try await $0.details()
      #expect(answer == body)
    }
  }

  @Test func `raw uploads have a length and no content type`() async throws {
    let uploads: [(String, @Sendable (AmphoraClient) async throws -> Void)] = [
      (
        "PUT /1.0/loadbalancer/\(amphora)/\(id)/haproxy",
        { try await $0.uploadHAProxy("ä\n", loadBalancer: loadBalancer) }
      ),
      ("PUT /1.0/listeners/\(amphora)/\(id)/udp_listener", { try await $0.uploadLVS("ä\n", listener: listener) }),
      (
        "PUT /1.0/loadbalancer/\(id)/certificates/5d3c.pem",
        { try await $0.putCertificate(Array("ä\n".utf8), loadBalancer: loadBalancer, file: file) }
      ),
      ("PUT /1.0/certificate", { try await $0.rotateCertificate(pem: "ä\n") }),
      (
        "PUT /1.0/config",
        {
          let answer = try await $0.updateConfiguration("ä\n")
          #expect(answer == .done)
        }
      ),
      ("PUT /1.0/vrrp/upload", { try await $0.uploadVRRP("ä\n") }),
    ]
    for (line, upload) in uploads {
      let seen = try await one(.json(202, #"{"message":"OK"}"#), upload)
      #expect(seen.line == line)
      #expect(seen.body == "ä\n")
      #expect(seen.headers["Content-Type"] == [])
      #expect(seen.headers["Content-Length"] == ["3"])
      #expect(seen.headers["Transfer-Encoding"] == [])
      #expect(seen.headers["Expect"] == [])
    }
  }

  @Test func `actions have an empty body`() async throws {
    let answer = AgentStep.json(202, #"{"message":"OK","details":"x"}"#)
    for action in ServiceAction.allCases {
      let control = try await one(answer) {
        let answer = try await $0.control(object, action).details
        #expect(answer == "x")
      }
      #expect(control.line == "PUT /1.0/loadbalancer/\(id)/\(action.rawValue)")
      let vrrp = try await one(answer) {
        let answer = try await $0.controlVRRP(action).details
        #expect(answer == "x")
      }
      #expect(vrrp.line == "PUT /1.0/vrrp/\(action.rawValue)")
      for seen in [control, vrrp] {
        #expect(seen.body == "")
        #expect(seen.headers["Content-Length"] == ["0"])
      }
    }
  }

  @Test func `plugs are JSON, and a conflict means done before`() async throws {
    let vip = PlugVIPBody(
      subnetCIDR: "203.0.113.0/24", gateway: nil, macAddress: "fa:16:3e:aa:bb:cc", vrrpIP: "203.0.113.4")
    let details = "VIPs plugged on interface eth1: 203.0.113.10"
    let seen = try await one(.json(202, #"{"message":"OK","details":"\#(details)"}"#)) {
      let answer = try await $0.plugVIP(address, vip)
      #expect(answer == .plugged(details))
    }
    #expect(seen.line == "POST /1.0/plug/vip/2001:db8::10")
    #expect(seen.headers["Content-Type"] == ["application/json"])
    #expect(try JSONDecoder().decode(PlugVIPBody.self, from: Data(seen.body.utf8)) == vip)
    _ = try await one(.json(409, #"{"message":"Interface already exists"}"#)) {
      let answer = try await $0.plugVIP(address, vip)
      #expect(answer == .alreadyPlugged)
    }
    let network = PlugNetworkBody(
      macAddress: "m", fixedIPs: [FixedIPBody(ipAddress: "10.1.0.5", subnetCIDR: "10.1.0.0/24")])
    let second = try await one(.json(202, #"{"message":"OK","details":"Plugged on interface eth2"}"#)) {
      let answer = try await $0.plugNetwork(network)
      #expect(answer == .plugged("Plugged on interface eth2"))
    }
    #expect(second.line == "POST /1.0/plug/network")
    #expect(try JSONDecoder().decode(PlugNetworkBody.self, from: Data(second.body.utf8)) == network)
    _ = try await one(.json(409, "{}")) {
      let answer = try await $0.plugNetwork(network)
      #expect(answer == .alreadyPlugged)
    }
  }

  @Test func `a plug waits for its interface to show up`() async throws {
    let clock = RecordingClock()
    let missing = AgentStep.json(404, #"{"details":"No suitable network interface found"}"#)
    try await ClientLab.run(script: [missing, missing, .ok], clock: clock) { client, agent in
      let body = PlugNetworkBody(macAddress: "m", fixedIPs: [])
      let answer = try await client.plugNetwork(body)
      #expect(answer == .plugged(""))
      #expect(Set(agent.seen.map(\.body)).count == 1)
    }
    #expect(clock.pauses.count == 2)
  }

  @Test func `removals of what is not there succeed`() async throws {
    let missing = AgentStep.json(404, #"{"message":"x"}"#)
    for step in [AgentStep.ok, missing] {
      try await expect("DELETE /1.0/listeners/\(id)", step) { try await $0.deleteService(object) }
      try await expect("DELETE /1.0/loadbalancer/\(id)/certificates/5d3c.pem", step) {
        try await $0.deleteCertificate(loadBalancer: loadBalancer, file: file)
      }
    }
    _ = try await one(missing) {
      let answer = try await $0.updateConfiguration("x")
      #expect(answer == .notSupported)
    }
    _ = try await one(missing) { client in
      await #expect(throws: AmphoraClientError.self) { try await client.findInterface(address) }
    }
  }

  @Test func `rules are an array with every key, and a 404 is an error`() async throws {
    let rules = [
      InterfaceRule(transport: .tcp, cidr: "192.0.2.0/24", port: 443),
      InterfaceRule(transport: .udp, cidr: nil, port: 53),
      InterfaceRule(transport: .vrrp, cidr: "203.0.113.5/32", port: 112),
    ]
    let seen = try await one { try await $0.setInterfaceRules(address, rules) }
    #expect(seen.line == "PUT /1.0/interface/2001:db8::10/rules")
    #expect(seen.headers["Content-Type"] == ["application/json"])
    #expect(try JSONDecoder().decode([InterfaceRule].self, from: Data(seen.body.utf8)) == rules)
    #expect(seen.body.contains(#""cidr":null"#))
    #expect(seen.body.contains(#""protocol":"vrrp""#))
    _ = try await one(.json(404, "{}")) { client in
      await #expect(throws: AmphoraClientError.self) { try await client.setInterfaceRules(address, []) }
    }
  }

  @Test func `a file is sent only when the agent has other bytes or none`() async throws {
    let contents = Array("pem".utf8)
    let same = AgentStep.json(200, #"{"md5sum":"\#(Digest.hex(Digest.md5(contents)))"}"#)
    let get = "GET /1.0/loadbalancer/\(id)/certificates/5d3c.pem"
    let put = "PUT /1.0/loadbalancer/\(id)/certificates/5d3c.pem"
    for (step, isSent) in [
      (same, false), (.json(200, #"{"md5sum":"0"}"#), true),
      (.json(404, #"{"message":"Certificate Not Found"}"#), true),
    ] {
      try await ClientLab.run(script: [step]) { client, agent in
        let answer = try await client.ensureCertificate(contents, loadBalancer: loadBalancer, file: file)
        #expect(answer == isSent)
        #expect(agent.seen.map(\.line) == (isSent ? [get, put] : [get]))
      }
    }
  }

  @Test func `raw requests return whatever comes`() async throws {
    try await ClientLab.run(script: [.json(404, "{}"), .hangUp]) { client, agent in
      let answer = try await client.raw(
        method: "PATCH", path: "/1.0/x%2Fy?z", headers: [("X-Test", "1")], body: Array("b".utf8))
      #expect(answer.status == 404)
      #expect(answer.header("content-type") == "application/json")
      #expect(answer.text == "{}")
      let seen = try #require(agent.seen.first)
      #expect(seen.line == "PATCH /1.0/x%2Fy?z")
      #expect(seen.headers["X-Test"] == ["1"])
      #expect(seen.body == "b")
      await #expect(throws: AmphoraClientError.self) { try await client.raw(method: "GET", path: "/") }
      #expect(agent.seen.count == 2)
    }
  }
}

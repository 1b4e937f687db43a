// Options that say where things are: addresses, folders, the configuration file itself (contract heartbeat-and-config §1.4,
// §1.6; agent-api §1.1; networking §3.1).

import Addresses
import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing

@Suite(.live, .timeLimit(.minutes(2))) struct ConfiguredPlacesTests {
  @Test(arguments: [false, true]) func `the agent listens where it is told, and nowhere else`(isIPv6: Bool) async throws
  {
    try await withAmphora(starts: false) { amphora in
      let address = isIPv6 ? "fd00::\(10 + amphora.number)" : amphora.vm.managementAddress
      try await amphora.configure(
        (of: "bind_host = ::", with: "bind_host = \(address)"), (of: "bind_port = 9443", with: "bind_port = 9555"))
      let client = try AmphoraClient(
        endpoint: AmphoraEndpoint(amphora: amphora.id, address: #require(IPAddress(address)), port: 9555),
        credentials: amphora.lab.credentials
      ).retrying(.once)
      try await amphora.startAgent(asking: client)
      let listening = try await amphora.run("/bin/ss -Htln").output.split(separator: "\n").map {
        $0.split(whereSeparator: \.isWhitespace)
      }
      #expect(listening.map { $0.count > 3 ? $0[3] : "" } == [isIPv6 ? "[\(address)]:9555" : "\(address):9555"])
      try await client.shutdown()
    }
  }

  @Test func `base path, certificate folder and interface folder are used by all parts`() async throws {
    let watch = try await HeartbeatWatch()
    var settings = LabAmphora.Settings()
    settings.controllers = watch.destination
    try await withAmphora(settings, starts: false) { amphora in
      try await amphora.configure(
        (of: "base_path = /var/lib/octavia", with: "base_path = /var/lib/other/base/"),
        (of: "base_cert_dir = /var/lib/octavia/certs", with: "base_cert_dir = /var/lib/other/certs"),
        (
          of: "agent_tls_protocol", with: "agent_server_network_dir = /etc/other/interfaces/\nagent_tls_protocol"
        ))
      try await amphora.startAgent()
      try await VRRPTests.plug(amphora)
      #expect(amphora.names(in: "/etc/other/interfaces") == ["eth1.json", "lo.json"])
      try await expectInterfaceProgramFindsThem(amphora)

      let balancer = LabLoadBalancer(amphora: amphora.id.text, vip: LiveStage.vip, members: [])
      let id = LoadBalancerID(unchecked: balancer.id)
      let base = "/var/lib/other/base"
      let file = try #require(CertificateFileName("a.pem"))
      try await amphora.client.putCertificate(Array("x".utf8), loadBalancer: id, file: file)
      #expect(amphora.text("/var/lib/other/certs/\(id)/a.pem") == "x")
      try await amphora.client.uploadHAProxy(
        balancer.haproxyConfiguration().replacing("/var/lib/octavia/", with: "\(base)/"), loadBalancer: id)
      try await amphora.client.control(ServiceObjectID(unchecked: id.text), .reload)
      let message = try await watch.next("the listener") { !$0.listeners.isEmpty }
      #expect(message.listeners.map(\.id) == [balancer.listener])
      // The second reload saves the members' states through the socket.
      try await amphora.client.control(ServiceObjectID(unchecked: id.text), .reload)
      #expect(
        amphora.names(in: "\(base)/\(id)") == ["\(id).pid", "haproxy.cfg", "haproxy.cfg.last-good", "servers-state"])
      try await amphora.client.uploadVRRP("! nothing\n")
      try await amphora.crashAgent()
      try await amphora.startAgent()
      #expect(try await amphora.client.details().haproxyCount == 1)
      #expect(try await amphora.client.listListeners().map(\.uuid) == [balancer.listener])
      #expect(amphora.names(in: base) == ["\(id)", "\(id).sock", "services", "stats_counters.json", "vrrp"])
      // These two the contract fixes.
      #expect(amphora.names(in: "/var/lib/octavia") == ["haproxy-default-user-group.conf", "plugged_interfaces"])
      #expect(amphora.names(in: "/etc/octavia") == ["amphora-agent.conf", "certs"])

      try await amphora.client.deleteService(ServiceObjectID(unchecked: id.text))
      #expect(!amphora.names(in: base).contains { $0.hasPrefix(id.text) })
      #expect(amphora.names(in: "/var/lib/other/certs") == [])
    }
    try await watch.receiver.close()
  }

  /// `amphora-interface` has only the configuration file to know the folder from.
  private func expectInterfaceProgramFindsThem(_ amphora: LiveAmphora) async throws {
    let before = try await amphora.addresses("eth1")
    #expect(before == ["203.0.113.10/32", "203.0.113.4/24"])
    for (verb, after) in [("down", []), ("up", before)] {
      let result = try await amphora.run(
        "/sbin/ip netns exec amphora-haproxy \(AmphoraVM.programs)/amphora-interface \(verb) eth1")
      #expect(result.isSuccess, "\(result.output)")
      #expect(try await amphora.addresses("eth1") == after)
    }
  }

  @Test func `a pushed configuration replaces the file that the agent was started with`() async throws {
    try await withAmphora(starts: false) { amphora in
      let (file, standard) = ("/etc/octavia/conf.d/agent.ini", "/etc/octavia/amphora-agent.conf")
      let old = amphora.machine.configuration
      try await amphora.write(old, to: file)
      try await amphora.startAgent(configuration: file)
      let new = old.replacing("debug = True", with: "debug = False")
      try expect(await amphora.send("PUT", "/1.0/config", new), 202, #"{"message": "OK"}"#)
      #expect(amphora.text(file) == new)
      #expect(amphora.mode(file) == "600")
      #expect(amphora.text(standard) == old)
      let refused = try await amphora.send("PUT", "/1.0/config", "debug = 1\n")
      #expect(try refused.json.string("details").hasPrefix("\(file):1"), "\(refused.text)")
      #expect(amphora.text(file) == new)
      // A path of the agent's own that is not there any more is no reason to take another.
      _ = try await amphora.run("/bin/rm \(file)")
      try expect(await amphora.send("PUT", "/1.0/config", old), 202, #"{"message": "OK"}"#)
      #expect(amphora.text(file) == old)
    }
  }
}

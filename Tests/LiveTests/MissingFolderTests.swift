// /var/lib/octavia that is not there: the agent makes it with what the image had put in it, and goes on.

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing

@Suite(.live, .timeLimit(.minutes(2))) struct MissingFolderTests {
  private static let base = "/var/lib/octavia"
  private static let mac = "fa:16:3e:aa:bb:cc"

  /// Everything that stores something there.
  private func changeAll(_ amphora: LiveAmphora, _ balancer: VersionedBalancer, _ version: String) async throws {
    let certificate = "/1.0/loadbalancer/\(balancer.id)/certificates/a.pem"
    #expect(try await amphora.send("PUT", certificate, "secret").status == 200)
    try await balancer.deploy(version)
    #expect(try await amphora.served() == version)
    try await amphora.client.uploadVRRP(VRRPTests.configuration(amphora))
    let body = """
      {"mac_address": "\(Self.mac)", "fixed_ips": [{"ip_address": "10.0.0.5", "subnet_cidr": "10.0.0.0/24"}]}
      """
    let answer = try await amphora.send("POST", "/1.0/plug/network", body, type: "application/json")
    #expect(answer.status == 202, "\(answer.text)")
    #expect(amphora.text("\(Self.base)/plugged_interfaces") == "\(Self.mac) eth2\n")
    #expect(amphora.exists("\(Self.base)/services/\(ServiceUnit.unitName(of: balancer.id)).json"))
    #expect(amphora.mode(Self.base) == "755")
  }

  @Test func `missing at the start, it is made`() async throws {
    try await withAmphora(starts: false) { amphora in
      _ = try await amphora.run("/bin/rm -r \(Self.base)")
      try await amphora.startAgent()
      try amphora.plugNIC(Self.mac, "ens4", on: .member)
      try await changeAll(amphora, VersionedBalancer(amphora: amphora), "v1")
      #expect(amphora.text("\(Self.base)/haproxy-default-user-group.conf") == "global\n    group nogroup\n")
    }
  }

  @Test func `removed under a running load balancer, it is made again by what needs it`() async throws {
    let watch = try await HeartbeatWatch()
    var settings = LabAmphora.Settings()
    settings.controllers = watch.destination
    try await withAmphora(settings) { amphora in
      let balancer = VersionedBalancer(amphora: amphora)
      try amphora.plugNIC(Self.mac, "ens4", on: .member)
      try await changeAll(amphora, balancer, "v1")
      _ = try await amphora.run("/bin/rm -r \(Self.base)")
      #expect(try await amphora.served() == "v1", "traffic does not need it")
      // Nothing is known any more, and each route says so.
      #expect(try await balancer.control("reload").status == 404)
      #expect(try await amphora.send("GET", "/1.0/loadbalancer/\(balancer.id)/haproxy").status == 404)
      #expect(try await amphora.send("GET", "/1.0/listeners").text.filter { !$0.isWhitespace } == "[]")
      #expect(try await amphora.send("GET", "/1.0/details").status == 200)
      _ = try await watch.next("without the folder") { $0.listeners.isEmpty }
      // The haproxy that lost its files must not go on with its old configuration.
      try await changeAll(amphora, balancer, "v2")
      // A keepalived that is set up and does not run would silence the heartbeat.
      _ = try await amphora.run("/bin/rm \(Self.base)/vrrp/octavia-keepalived.conf")
      _ = try await watch.next("with the listener") { $0.listeners.count == 1 }
      try await amphora.crashAgent()
      try await amphora.startAgent()
      #expect(try await amphora.served() == "v2")
      #expect(try await balancer.delete().status == 200)
      try await amphora.expectNone("haproxy")
    }
  }
}

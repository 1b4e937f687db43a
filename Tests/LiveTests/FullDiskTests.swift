// A full disk: what cannot be stored is a 500 that says why, all that was there stays and runs, and with room the same
// request succeeds (contract agent-api §5 W8, W9).

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing

@Suite(.live, .timeLimit(.minutes(2))) struct FullDiskTests {
  private static let reason = "No space left on device"
  private static let mac = "fa:16:3e:aa:bb:cc"

  /// A request, and the `message` of its answer on a full disk.
  private struct Change {
    let name: String
    let message: String
    let send: () async throws -> AgentAnswer
  }

  /// Puts the agent's folders on disks of their own, with what is in them.
  private func mountDisks(_ amphora: LiveAmphora) async throws {
    for folder in ["/etc/octavia", "/var/lib/octavia"] {
      let script = """
        cp -a \(folder) /run/copy && mount -t tmpfs -o size=2m,mode=755 disk \(folder) && cp -a /run/copy/. \(folder) \
        && rm -r /run/copy
        """
      let result = try await amphora.vm.run(["/bin/bash", "-c", script])
      try #require(result.isSuccess, "\(result.output)")
    }
  }

  /// Takes all the room there is.
  private func fill(_ amphora: LiveAmphora) async throws {
    for folder in ["/etc/octavia", "/var/lib/octavia"] {
      _ = try await amphora.vm.run(["/bin/dd", "if=/dev/zero", "of=\(folder)/ballast", "bs=4096"])
    }
  }

  private func free(_ amphora: LiveAmphora) async throws {
    let result = try await amphora.run("/bin/rm /etc/octavia/ballast /var/lib/octavia/ballast")
    try #require(result.isSuccess, "\(result.output)")
  }

  @Test func `what cannot be stored is 500 with the reason, and nothing else changes`() async throws {
    let watch = try await HeartbeatWatch()
    var settings = VRRPTests.activeStandby()
    settings.controllers = watch.destination
    try await withAmphora(settings, starts: false) { amphora in
      try await mountDisks(amphora)
      try await amphora.startAgent()
      let balancer = VersionedBalancer(amphora: amphora)
      try await balancer.deploy("v1")
      // The folder of all certificates is the image's.
      let certificate = "/1.0/loadbalancer/\(balancer.id)/certificates/a.pem"
      #expect(try await amphora.send("PUT", certificate, "secret").status == 200)
      try amphora.plugNIC(Self.mac, "ens4", on: .vip)
      let changes = try changes(amphora, balancer)
      func state() async throws -> AmphoraState {
        var state = try await balancer.state()
        state.merge(try await amphora.interface("eth1", nic: "ens4")) { _, new in new }
        state["/etc/octavia/ballast"] = nil
        state["/var/lib/octavia/ballast"] = nil
        return state
      }
      let before = try await state()
      try await fill(amphora)
      for change in changes {
        let answer = try await change.send()
        #expect(answer.status == 500, "\(change.name): \(answer.text)")
        let body = try answer.json
        #expect(body.string("message") == change.message, "\(change.name): \(answer.text)")
        #expect(body.string("details").contains(Self.reason), "\(change.name): \(answer.text)")
        expectSame(try await state(), before, change.name)
      }
      _ = try await watch.next("with a full disk") { $0.listeners.count == 1 }
      try await free(amphora)
      for change in changes {
        let answer = try await change.send()
        #expect([200, 202].contains(answer.status), "\(change.name): \(answer.text)")
      }
      #expect(try await balancer.control("reload").status == 202)
      #expect(try await amphora.served() == "v2")
    }
    try await watch.receiver.close()
  }

  private func changes(_ amphora: LiveAmphora, _ balancer: VersionedBalancer) throws -> [Change] {
    let other = VersionedBalancer(amphora: amphora)
    let (certificate, vrrp) = (
      try amphora.lab.serverCA.issueAmphoraCertificate(id: amphora.id).pem, try VRRPTests.configuration(amphora)
    )
    // Larger than what the file system rounds up to, so that no replaced file makes room for it.
    let pad = String(repeating: "# room\n", count: 10_000)
    let configuration = amphora.machine.configuration + "\n" + pad
    func put(_ path: String, _ body: String) async throws -> AgentAnswer { try await amphora.send("PUT", path, body) }
    let path = "/1.0/loadbalancer/\(other.id)/certificates/a.pem"
    return [
      Change(name: "first upload", message: "Internal error") { try await other.upload("other", extra: pad) },
      Change(name: "next upload", message: "Internal error") { try await balancer.upload("v2", extra: pad) },
      Change(name: "certificate", message: "Internal error") { try await put(path, pad) },
      Change(name: "VRRP", message: "Internal error") { try await put("/1.0/vrrp/upload", vrrp + pad) },
      Change(name: "agent's certificate", message: "Internal error") { try await put("/1.0/certificate", certificate) },
      Change(name: "agent's configuration", message: "Unable to update amphora-agent configuration.") {
        try await put("/1.0/config", configuration)
      },
      Change(name: "VIP", message: "Error plugging VIP") {
        let example = VIPExample.single
        return try await amphora.send(
          "POST", "/1.0/plug/vip/\(example.vip)", example.body, type: "application/json")
      },
    ]
  }

  @Test func `where only the list of NICs finds no room, the interface file goes again`() async throws {
    try await withAmphora(starts: false) { amphora in
      try await mountDisks(amphora)
      try await amphora.startAgent()
      try amphora.plugNIC(Self.mac, "ens4", on: .member)
      try await fill(amphora)
      _ = try await amphora.run("/bin/rm /etc/octavia/ballast")
      let body = """
        {"mac_address": "\(Self.mac)", "fixed_ips": [{"ip_address": "10.0.0.5", "subnet_cidr": "10.0.0.0/24"}]}
        """
      func plug() async throws -> AgentAnswer {
        try await amphora.send("POST", "/1.0/plug/network", body, type: "application/json")
      }
      let before = amphora.files()
      let answer = try await plug()
      #expect(answer.status == 500)
      #expect(try answer.json.string("message") == "Error plugging network")
      #expect(try answer.json.string("details").contains(Self.reason), "\(answer.text)")
      expectSame(amphora.files(), before, "a list without room")
      _ = try await amphora.run("/bin/rm /var/lib/octavia/ballast")
      #expect(try await plug().status == 202)
    }
  }

  /// Saved states and the last good configuration are a help, not a condition; what needs no room goes on.
  @Test func `reload and delete need no room`() async throws {
    try await withAmphora(VRRPTests.activeStandby(), starts: false) { amphora in
      try await mountDisks(amphora)
      try await amphora.startAgent()
      let balancer = VersionedBalancer(amphora: amphora)
      try await VRRPTests.plug(amphora)
      try await amphora.client.uploadVRRP(VRRPTests.configuration(amphora))
      try await balancer.deploy("v1")
      #expect(try await balancer.upload("v2").status == 202)
      try await fill(amphora)
      // The check script says the same as before, and is not written again.
      #expect(try await balancer.control("reload").status == 202)
      #expect(try await amphora.served() == "v2")
      #expect(amphora.agentLog.contains("servers' state not saved"))
      let path = "/1.0/loadbalancer/\(balancer.id)/certificates/a.pem"
      #expect(try await amphora.send("DELETE", path).status == 200)
      let deleted = try await balancer.delete()
      #expect(deleted.status == 200, "\(deleted.text)")
      #expect(!amphora.files().keys.contains { $0.contains(balancer.id.text) })
      try await amphora.expectNone("haproxy")
    }
  }

  @Test func `a start that cannot write its pid is 500, and succeeds with room`() async throws {
    try await withAmphora(starts: false) { amphora in
      try await mountDisks(amphora)
      try await amphora.startAgent()
      let balancer = VersionedBalancer(amphora: amphora)
      #expect(try await balancer.upload("v1").status == 202)
      try await fill(amphora)
      let answer = try await balancer.control("start")
      #expect(answer.status == 500)
      #expect(try answer.json.string("message") == "Error starting haproxy")
      #expect(try !answer.json.string("details").isEmpty)
      try await amphora.expectNone("haproxy")
      try await free(amphora)
      #expect(try await balancer.control("start").status == 202)
      #expect(try await amphora.served() == "v1")
    }
  }
}

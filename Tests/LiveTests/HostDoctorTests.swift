// The doctor's checks of the agent itself: each fault is made for real, the doctor names it and nothing else, its remedy is
// carried out, and the doctor is content.

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Files
import Glibc
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(3))) struct HostDoctorTests {
  private static let certificate = "/etc/octavia/certs/server.pem"
  private static let clientCA = "/etc/octavia/certs/client_ca.pem"
  private static let configuration = "/etc/octavia/amphora-agent.conf"

  @Test func `all checks of a healthy amphora pass, and none is silent but those of what it does not have`()
    async throws
  {
    try await withAmphora { amphora in
      try await poll("a heartbeat that the agent tells of") {
        try await amphora.hostReport().contains { $0.check == "heartbeat" && $0.evidence.hasPrefix("sent") }
      }
      _ = try await HostDoctor(amphora)
      let passed = Set(try await amphora.hostReport().filter { $0.verdict == .pass }.map(\.check))
      #expect(
        passed.isSuperset(of: [
          "configuration", "agent-certificate", "client-ca", "agent", "agent-files", "heartbeat", "counters",
          "leftovers",
        ]), "\(passed)")
    }
  }

  @Test func `the agent's certificate: each way in which controllers would refuse it`() async throws {
    try await withAmphora { amphora in
      let doctor = try await HostDoctor(amphora)
      let authority = amphora.lab.serverCA
      let good = try #require(amphora.text(Self.certificate))
      let other = try authority.issueAmphoraCertificate(id: #require(AmphoraID("another"))).pem
      func issued(ahead days: Int64, by authority: CertificateAuthority? = nil) throws -> String {
        try (authority ?? amphora.lab.serverCA).withClock(ahead: days * 86_400).issueAmphoraCertificate(id: amphora.id)
          .pem
      }
      let faults: [(String, Finding.Verdict, String)] = [
        (try issued(ahead: -40), .failure, "expired 10 days ago"),
        (try issued(ahead: 2), .failure, "the clock is behind, by 47 hours"),
        (try issued(ahead: -18), .warning, "in 11 days; controllers replace it at 14 days"),
        (other, .failure, "is for another, and controllers expect \(amphora.id)"),
        (
          Self.block("CERTIFICATE", good) + Self.block("RSA PRIVATE KEY", other), .failure,
          "the private key belongs to none"
        ),
        (Self.block("CERTIFICATE", good), .failure, "has no private key"),
        // Signed by the clients' CA, and made for clients only.
        (
          try amphora.lab.clientCA.issueControllerCertificate(name: amphora.id.text).pem, .failure,
          "unsuitable certificate purpose"
        ),
      ]
      for (pem, verdict, words) in faults {
        try await amphora.write(pem, to: Self.certificate, mode: 0o600)
        let finding = try await doctor.finds(verdict, "agent-certificate", words)
        #expect(finding.remedy?.contains("openstack loadbalancer amphora failover \(amphora.id)") == true)
        // What the controller's action gives the next amphora.
        try await amphora.write(good, to: Self.certificate, mode: 0o600)
        try await doctor.isClean()
      }
      _ = try await amphora.run("/bin/rm \(Self.certificate)")
      try await doctor.finds(.failure, "agent-certificate", "No such file")
      // The agent cannot start without it; that is the same fault.
      _ = try await amphora.stopAgent()
      try await doctor.finds(.failure, "agent-certificate", "No such file")
      try await amphora.write(good, to: Self.certificate, mode: 0o644)
      try await amphora.startAgent()
      _ = try await amphora.run("/bin/chmod 0644 \(Self.certificate)")
      let mode = try await doctor.finds(.warning, "agent-certificate", "has mode 644")
      try await amphora.carryOut(mode.remedy)
      try await doctor.isClean()
    }
  }

  @Test func `the CA of controllers' certificates`() async throws {
    try await withAmphora { amphora in
      let doctor = try await HostDoctor(amphora)
      let good = try #require(amphora.text(Self.clientCA))
      let old: @Sendable () -> Int64 = { CertificateAuthority.systemUnixTime() - 400 * 86_400 }
      let faults: [(String, Finding.Verdict, String)] = [
        (
          try CertificateAuthority.create(name: "old CA", validity: .seconds(86_400), unixTime: old).certificatePEM(),
          .failure, "CN=old CA expired 399 days ago"
        ),
        (
          try CertificateAuthority.create(name: "ending CA", validity: .seconds(420 * 86_400), unixTime: old)
            .certificatePEM(), .warning, "CN=ending CA expires"
        ),
        (
          Self.block("CERTIFICATE", try amphora.lab.clientCA.issueControllerCertificate(name: "leaf").pem), .failure,
          "CN=leaf in it is no CA"
        ), ("nothing\n", .failure, "there is no certificate in it"),
      ]
      for (pem, verdict, words) in faults {
        try await amphora.write(pem, to: Self.clientCA)
        let finding = try await doctor.finds(verdict, "client-ca", words)
        #expect(finding.remedy?.contains("openstack loadbalancer amphora failover \(amphora.id)") == true)
        try await amphora.write(good, to: Self.clientCA)
        try await doctor.isClean()
      }
    }
  }

  @Test func `a configuration that is wrong, doubtful or open to all, whether or not the agent runs`() async throws {
    try await withAmphora { amphora in
      let doctor = try await HostDoctor(amphora)
      _ = try await amphora.run("/bin/chmod 0644 \(Self.configuration)")
      try await amphora.carryOut(try await doctor.finds(.warning, "configuration", "has mode 644").remedy)
      try await doctor.isClean()
      try await amphora.configure((of: "controller_ip_port_list = ", with: "controller_ip_port_list = nonsense, "))
      try await doctor.finds(.warning, "configuration", "this item is left out")
      try await amphora.configure((of: "bind_port = 9443", with: "bind_port = many"))
      try await doctor.finds(.failure, "configuration", "bind_port = many: not allowed")
      try await amphora.crashAgent()
      try await doctor.finds(.failure, "configuration", "bind_port = many: not allowed")
      try await amphora.configure()
      try await amphora.startAgent()
      try await doctor.isClean()
    }
  }

  @Test func `heartbeats that cannot be made, or have no way to go`() async throws {
    try await withAmphora { amphora in
      let doctor = try await HostDoctor(amphora)
      let list = "controller_ip_port_list = \(amphora.lab.network.controllerAddress):5555"
      let configure = "openstack loadbalancer amphora configure \(amphora.id)"
      let faults: [(String, String, Finding.Verdict, String, String)] = [
        ("heartbeat_key = \(amphora.lab.heartbeatKey)", "", .failure, "does not set heartbeat_key", configure),
        (list, "", .failure, "does not set controller_ip_port_list", configure),
        (
          "amphora_id = \(amphora.id)", "", .failure, "does not set amphora_id",
          "openstack loadbalancer amphora configure"
        ),
        (
          list, "controller_ip_port_list = 203.0.113.200:5555", .failure, "no way to 203.0.113.200:5555: Network is",
          "systemctl"
        ),
        (list, "controller_ip_port_list = no.invalid:5555", .failure, "no address for no.invalid", configure),
        (list, "\(list), 203.0.113.200:5555", .warning, "; 1 of 2 are in reach", "systemctl"),
      ]
      for (text, replacement, verdict, words, remedy) in faults {
        try await amphora.configure((of: text, with: replacement))
        let finding = try await doctor.finds(verdict, "heartbeat", words)
        #expect(finding.remedy?.contains(remedy) == true, "\(finding)")
        // What the controller's action sends.
        try await amphora.configure()
        try await doctor.isClean()
      }
    }
  }

  /// A block of a PEM text.
  private static func block(_ name: String, _ pem: String) -> String {
    guard let begin = pem.firstRange(of: "-----BEGIN \(name)-----"),
      let end = pem.firstRange(of: "-----END \(name)-----")
    else { return "" }
    return pem[begin.lowerBound..<end.upperBound] + "\n"
  }
}

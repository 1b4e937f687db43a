// PUT /1.0/certificate: the next connection gets the new certificate; what would lock controllers out is refused (contract
// agent-api §3.14, §5 W10).

import AmphoraController
import AmphoraCrypto
import AmphoraLab
import AmphoraProtocol
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(2))) struct RotationTests {
  private static let file = "/etc/octavia/certs/server.pem"

  @Test func `the next connection gets the new certificate, and an open one goes on`() async throws {
    try await withAmphora { amphora in
      let new = try amphora.lab.serverCA.issueAmphoraCertificate(id: amphora.id)
      let before = try await amphora.servedCertificate()
      let open = try amphora.connect(["-quiet", "-brief"])
      try open.send("GET / HTTP/1.1\r\n")
      try await poll("the handshake") { open.log.contains("CONNECTION ESTABLISHED") }

      try expect(await amphora.send("PUT", "/1.0/certificate", new.pem), 202, #"{"message": "OK"}"#)
      #expect(amphora.text(Self.file) == new.pem)
      #expect(amphora.mode(Self.file) == "600")
      let after = try await amphora.servedCertificate()
      #expect(after.serial == new.serial && after.serial != before.serial)
      #expect(try await open.exchange("Host: a\r\n\r\n").status == 200)

      // A repetition after a lost answer is the same again.
      try expect(await amphora.send("PUT", "/1.0/certificate", new.pem), 202, #"{"message": "OK"}"#)
      #expect(try await amphora.servedCertificate().serial == new.serial)
    }
  }

  @Test func `the new certificate is there after a restart`() async throws {
    try await withAmphora { amphora in
      let new = try amphora.lab.serverCA.issueAmphoraCertificate(id: amphora.id)
      try await amphora.client.rotateCertificate(pem: new.pem)
      #expect(try await amphora.stopAgent() == 0)
      try await amphora.startAgent()
      #expect(try await amphora.servedCertificate().serial == new.serial)
    }
  }

  @Test func `what would lock controllers out is refused, and the old certificate goes on`() async throws {
    try await withAmphora { amphora in
      let ca = amphora.lab.serverCA
      let (first, second) = try (
        ca.issueAmphoraCertificate(id: amphora.id).pem, ca.issueAmphoraCertificate(id: amphora.id).pem
      )
      func part(_ pem: String, _ end: String) throws -> (String, String) {
        let cut = try #require(pem.firstRange(of: end)).upperBound
        return (String(pem[..<cut]) + "\n", String(pem[cut...]))
      }
      let (certificate, _) = try part(first, "-----END CERTIFICATE-----")
      let (_, otherKey) = try part(second, "-----END CERTIFICATE-----")
      let other = try #require(AmphoraID("99999999-2222-4333-8444-555555555501"))
      let bodies = [
        "nothing": "", "no PEM": "hello\u{0}\u{1}", "certificate only": certificate, "key only": otherKey,
        "another key": certificate + otherKey, "cut": String(first.dropLast(300)),
        "another amphora's": try ca.issueAmphoraCertificate(id: other).pem,
        "expired": try ca.withClock(ahead: -40 * 86_400).issueAmphoraCertificate(id: amphora.id).pem,
        "from a far future": try ca.withClock(ahead: 20 * 86_400).issueAmphoraCertificate(id: amphora.id).pem,
      ]
      let (file, serial) = (amphora.text(Self.file), try await amphora.servedCertificate().serial)
      for (what, body) in bodies {
        let answer = try await amphora.send("PUT", "/1.0/certificate", body)
        #expect(answer.status == 400, "\(what): \(answer.text)")
        #expect(try answer.json.string("message") == "Invalid certificate", "\(what)")
        #expect(try !answer.json.string("details").isEmpty, "\(what)")
        #expect(!answer.text.contains("PRIVATE KEY-"), "\(what)")
      }
      #expect(amphora.text(Self.file) == file)
      #expect(try await amphora.servedCertificate().serial == serial)
      #expect(amphora.names(in: "/etc/octavia/certs") == ["client_ca.pem", "server.pem"], "no leftovers")
    }
  }

  @Test func `files that became unusable leave the identity in memory in place`() async throws {
    try await withAmphora { amphora in
      let serial = try await amphora.servedCertificate().serial
      try await amphora.write("garbage", to: Self.file, mode: 0o600)
      #expect(try await amphora.servedCertificate().serial == serial)
      let new = try amphora.lab.serverCA.issueAmphoraCertificate(id: amphora.id)
      try await amphora.client.rotateCertificate(pem: new.pem)
      #expect(try await amphora.servedCertificate().serial == new.serial)
    }
  }
}

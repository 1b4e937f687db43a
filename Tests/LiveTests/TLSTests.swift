// Who may speak with the agent, and in which version of TLS (contract agent-api §1.2).

import AmphoraController
import AmphoraCrypto
import AmphoraLab
import AmphoraProtocol
import Glibc
import Testing

@Suite(.live, .timeLimit(.minutes(2))) struct TLSTests {
  private static let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

  /// Expects that the handshake is refused with an alert, without any HTTP.
  private func expectRefusal(
    _ connection: TLSConnection, alert: String, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    // The request may or may not be taken by openssl before the alert comes.
    try? connection.send(Self.request)
    let (status, text) = TLSConnection.parse(try await connection.readToEnd())
    #expect(status == nil, "\(text)", sourceLocation: sourceLocation)
    #expect(text == "", sourceLocation: sourceLocation)
    #expect(connection.log.contains(alert), "\(connection.log)", sourceLocation: sourceLocation)
  }

  @Test(arguments: ["-tls1_2", "-tls1_3"]) func `a version is accepted`(version: String) async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let answer = try await amphora.connect(["-quiet", version]).exchange(Self.request)
    #expect(answer.status == 200)
    #expect(answer.text == #"{"api_version":"1.0"}"#)
  }

  @Test(arguments: ["-tls1", "-tls1_1"]) func `an old version is refused`(version: String) async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    // Security level 0, or openssl would not even offer it.
    let connection = try amphora.connect(["-quiet", version, "-cipher", "DEFAULT@SECLEVEL=0"])
    try await expectRefusal(connection, alert: "alert protocol version")
  }

  @Test(arguments: ["-tls1_2", "-tls1_3"]) func `no client certificate is refused`(version: String) async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let connection = try amphora.connect(["-quiet", version], anonymous: true)
    // RFC 8446 has an alert of its own for it; before there was only handshake_failure.
    try await expectRefusal(
      connection, alert: version == "-tls1_3" ? "alert certificate required" : "alert handshake failure")
  }

  @Test(arguments: ["-tls1_2", "-tls1_3"]) func `a certificate of another CA is refused`(version: String) async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let other = try CertificateAuthority.create(name: "lab client CA")
    let identity = try other.issueControllerCertificate(name: "lab controller").pem
    try await expectRefusal(try amphora.connect(["-quiet", version], identity: identity), alert: "alert")
  }

  @Test func `a certificate of the server CA is refused`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let identity = try amphora.lab.serverCA.issueAmphoraCertificate(id: amphora.id).pem
    try await expectRefusal(try amphora.connect(["-quiet", "-tls1_2"], identity: identity), alert: "alert unknown ca")
  }

  @Test func `a self-signed certificate is refused`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let folder = try TemporaryFolder()
    try await folder.openssl(
      "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=lab -keyout \(folder.path)/key.pem -out \(folder.path)/cert.pem"
    )
    let identity = try folder.read("cert.pem") + folder.read("key.pem")
    try await expectRefusal(try amphora.connect(["-quiet", "-tls1_2"], identity: identity), alert: "alert")
  }

  @Test(arguments: ["-tls1_2", "-tls1_3"]) func `an expired client certificate is refused`(version: String) async throws
  {
    let amphora = try await LiveLab.shared.plainAmphora()
    let identity = try await amphora.lab.expiredControllerIdentity()
    try await expectRefusal(
      try amphora.connect(["-quiet", version], identity: identity), alert: "alert certificate expired")
  }

  @Test func `the agent shows its certificate for its id`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let certificate = try await amphora.servedCertificate()
    #expect(certificate.hostNames == [amphora.id.text])
    #expect(amphora.mode("/etc/octavia/certs/server.pem") == "600", "delivered with 0660")
    #expect(amphora.mode("/etc/octavia/amphora-agent.conf") == "600")
  }

  @Test func `both IP versions are served`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    for address in [amphora.vm.managementAddress, "[fd00::\(10 + amphora.number)]"] {
      let connection = try TLSConnection(
        to: address, identity: amphora.lab.credentials.clientPEM, serverCA: amphora.lab.credentials.serverCAPEM,
        options: ["-quiet"])
      #expect(try await connection.exchange(Self.request).status == 200, "\(address)")
    }
  }

  @Test func `a connection that says nothing does not keep others waiting`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let silent = try (0..<20).map { _ in try amphora.connect() }
    #expect(try await amphora.client.discover() == "1.0")
    for connection in silent { connection.breakOff() }
    #expect(try await amphora.client.discover() == "1.0")
  }
}

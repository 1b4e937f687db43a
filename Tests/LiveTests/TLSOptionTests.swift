// What operators can change about TLS, and what clients may ask for (contract agent-api §1.2, §5 W31).

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(2))) struct TLSOptionTests {
  private static let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
  private static let lowest = "agent_tls_protocol = TLSv1.2"

  /// Whether a client with just this version gets an answer.
  private func isServed(_ amphora: LiveAmphora, _ version: String) async throws -> Bool {
    // Security level 0, or openssl would not offer versions before 1.2.
    let connection = try amphora.connect(["-quiet", version, "-cipher", "DEFAULT@SECLEVEL=0"])
    try? connection.send(Self.request)
    let (status, _) = TLSConnection.parse(try await connection.readToEnd())
    if status == nil { #expect(connection.log.contains("alert protocol version"), "\(connection.log)") }
    return status == 200
  }

  @Test(arguments: [
    ("SSLv3", ["-tls1", "-tls1_1", "-tls1_2", "-tls1_3"]), ("TLSv1", ["-tls1", "-tls1_1", "-tls1_2", "-tls1_3"]),
    ("TLSv1.1", ["-tls1_1", "-tls1_2", "-tls1_3"]), ("TLSv1.3", ["-tls1_2", "-tls1_3"]),
  ])
  func `the option is the lowest version, and 1.2 is served in any case`(option: String, served: [String]) async throws
  {
    try await withAmphora(starts: false) { amphora in
      try await amphora.configure((of: Self.lowest, with: "agent_tls_protocol = \(option)"))
      try await amphora.startAgent()
      for version in ["-tls1", "-tls1_1", "-tls1_2", "-tls1_3"] {
        #expect(try await isServed(amphora, version) == served.contains(version), "\(version)")
      }
    }
  }

  @Test(arguments: ["-tls1_2", "-tls1_3"]) func `HTTP/1.1 is agreed on or nothing, never HTTP/2`(version: String)
    async throws
  {
    let amphora = try await LiveLab.shared.plainAmphora()
    for (offered, agreed) in [
      ("h2,http/1.1", "ALPN protocol: http/1.1"), ("http/1.1", "ALPN protocol: http/1.1"),
      ("h2", "No ALPN negotiated"),
    ] {
      let connection = try amphora.connect([version, "-alpn", offered, "-nocommands", "-ign_eof"])
      try connection.send(Self.request)
      let text = try await connection.readToEnd()
      #expect(text.contains(agreed), "\(offered): \(text)")
      #expect(text.contains("HTTP/1.1 200 OK"), "\(offered): \(text)")
    }
  }

  @Test func `a replaced client CA counts for the next connection, and an open one goes on`() async throws {
    try await withAmphora { amphora in
      let other = try CertificateAuthority.create(name: "another client CA")
      let new = try other.issueControllerCertificate(name: "another controller").pem
      func isLetIn(_ identity: String?) async throws -> Bool {
        let connection = try amphora.connect(["-quiet", "-tls1_2"], identity: identity)
        try? connection.send(Self.request)
        return TLSConnection.parse(try await connection.readToEnd()).status == 200
      }
      let open = try amphora.connect(["-quiet", "-brief"])
      try open.send("GET / HTTP/1.1\r\n")
      try await poll("the handshake") { open.log.contains("CONNECTION ESTABLISHED") }
      #expect(try await !isLetIn(new))

      try await amphora.write(try other.certificatePEM(), to: "/etc/octavia/certs/client_ca.pem")
      #expect(try await isLetIn(new))
      #expect(try await !isLetIn(nil), "the former CA's controller")
      #expect(try await open.exchange("Host: a\r\n\r\n").status == 200)

      // Both, as during a change of CAs.
      let both = try other.certificatePEM() + amphora.lab.clientCA.certificatePEM()
      try await amphora.write(both, to: "/etc/octavia/certs/client_ca.pem")
      #expect(try await isLetIn(new))
      #expect(try await isLetIn(nil))

      // What is none leaves the former ones in force.
      try await amphora.write("nothing", to: "/etc/octavia/certs/client_ca.pem")
      #expect(try await isLetIn(new))
    }
  }

  @Test func `with a list of clients others of the same CA get a 403 and change nothing`() async throws {
    try await withAmphora(starts: false) { amphora in
      try await amphora.configure(
        (of: Self.lowest, with: "\(Self.lowest)\nagent_allowed_clients = Lab Controller, deploy.example"))
      try await amphora.startAgent()
      let ca = amphora.lab.clientCA
      // One CA for both sides would make every amphora's certificate one of these.
      let strangers = [
        "a peer": try ca.issueAmphoraCertificate(id: #require(AmphoraID("99999999-2222-4333-8444-555555555501"))).pem,
        "a part of a name": try ca.issueControllerCertificate(name: "lab").pem,
      ]
      let path = "/1.0/loadbalancer/\(freshID())/certificates/a.pem"
      for (who, identity) in strangers {
        let put = "PUT \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
        for request in [Self.request, put, "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"] {
          let (status, body) = try await amphora.connect(identity: identity).exchange(request)
          #expect(status == 403, "\(who): \(body)")
          let json = try JSON(body)
          #expect(json["http_code"] == .integer(403))
          #expect(json.string("error").hasPrefix("403 Forbidden: "))
        }
      }
      #expect(!amphora.exists("/var/lib/octavia/certs"))
      let other = try ca.issueControllerCertificate(name: "deploy.example").pem
      #expect(try await amphora.connect(identity: other).exchange(Self.request).status == 200)
      #expect(amphora.agentLog.contains("client refused"))
    }
  }
}

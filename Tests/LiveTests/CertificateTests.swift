// Tenants' TLS material (contract agent-api §2 #11–#13, §3.10).

import AmphoraController
import AmphoraCrypto
import AmphoraProtocol
import Testing

@Suite(.live, .timeLimit(.minutes(2))) struct CertificateTests {
  @Test func `a file is stored, told by its MD5, and removed`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let id = freshID()
    let (url, folder) = ("/1.0/loadbalancer/\(id)/certificates", "/var/lib/octavia/certs/\(id)")
    let missing = #"{"message": "Certificate Not Found", "details": "No certificate with filename: a.pem"}"#
    try expect(await amphora.send("GET", "\(url)/a.pem"), 404, missing)
    try expect(await amphora.send("DELETE", "\(url)/a.pem"), 200, #"{"message": "OK"}"#)
    #expect(!amphora.exists(folder))

    // printf 'hello\n' | md5sum
    let sum = "b1946ac92492d2347c6235b4d2611184"
    for _ in 1...2 {
      try expect(await amphora.send("PUT", "\(url)/a.pem", "hello\n"), 200, #"{"message": "OK"}"#, eTag: sum)
      #expect(amphora.text("\(folder)/a.pem") == "hello\n")
      #expect(amphora.mode("\(folder)/a.pem") == "600")
      #expect(amphora.mode(folder) == "700")
    }
    try expect(await amphora.send("GET", "\(url)/a.pem"), 200, "{\"md5sum\": \"\(sum)\"}", eTag: sum)
    #expect(amphora.names(in: folder) == ["a.pem"])

    for _ in 1...2 { try expect(await amphora.send("DELETE", "\(url)/a.pem"), 200, #"{"message": "OK"}"#) }
    try expect(await amphora.send("GET", "\(url)/a.pem"), 404, missing)
    #expect(amphora.names(in: folder) == [])
  }

  @Test func `bytes are stored and hashed as they are`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let id = freshID()
    let bytes: [UInt8] = Array("line\r\nline\r\n".utf8) + (0...255).map { $0 }
    let sum = Digest.hex(Digest.md5(bytes))
    let file = try #require(CertificateFileName("binary.part-2_x.pem"))
    let answer = try await amphora.send("PUT", "/1.0/loadbalancer/\(id)/certificates/\(file)", bytes: bytes)
    try expect(answer, 200, #"{"message": "OK"}"#, eTag: sum)
    #expect(try await amphora.client.certificateDigest(loadBalancer: id, file: file) == sum)
    #expect(try await !amphora.client.ensureCertificate(bytes, loadBalancer: id, file: file), "sent again")
    #expect(try await amphora.client.ensureCertificate([0], loadBalancer: id, file: file))
  }

  @Test func `an empty body is an empty file`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let id = freshID()
    let answer = try await amphora.send("PUT", "/1.0/loadbalancer/\(id)/certificates/crl.pem", "")
    try expect(answer, 200, #"{"message": "OK"}"#, eTag: "d41d8cd98f00b204e9800998ecf8427e")
    #expect(amphora.text("/var/lib/octavia/certs/\(id)/crl.pem") == "")
  }

  @Test func `many at once are all stored`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let ids = (0..<4).map { _ in freshID() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<24 {
        group.addTask {
          let file = try #require(CertificateFileName("n\(number).pem"))
          try await amphora.client.putCertificate(Array("\(number)".utf8), loadBalancer: ids[number % 4], file: file)
        }
      }
      try await group.waitForAll()
    }
    for number in 0..<24 {
      #expect(amphora.text("/var/lib/octavia/certs/\(ids[number % 4])/n\(number).pem") == "\(number)")
    }
    #expect(ids.map { amphora.names(in: "/var/lib/octavia/certs/\($0)").count } == [6, 6, 6, 6])
  }

  @Test func `a path that a file cannot have is the agent's 500 with the reason`() async throws {
    try await withAmphora { amphora in
      let id = freshID()
      try await amphora.write("in the way", to: "/var/lib/octavia/certs/\(id)")
      let answer = try await amphora.send("PUT", "/1.0/loadbalancer/\(id)/certificates/a.pem", "x")
      try expectFramework(answer, 500, "Internal Server Error")
      #expect(try answer.json.string("details").contains("/var/lib/octavia/certs/\(id)"), "\(answer.text)")
    }
  }
}

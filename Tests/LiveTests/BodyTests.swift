// Bodies that are too large, not what they should be, late, or never end (contract agent-api §1.3, §1.4, §5 W4, W5).

import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(2))) struct BodyTests {
  private func exchange(_ amphora: LiveAmphora, _ method: String, _ path: String, size: Int) async throws
    -> (status: Int?, text: String)
  {
    let connection = try amphora.connect()
    try connection.send("\(method) \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n")
    // The agent may have answered already; what it does not want to read it throws away.
    try? connection.send([UInt8](repeating: UInt8(ascii: "#"), count: size))
    return TLSConnection.parse(try await connection.readToEnd())
  }

  @Test func `a body that is too large is 400, and a body of just the limit is taken`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let id = freshID()
    let certificates = "/1.0/loadbalancer/\(id)/certificates"
    for (method, path, limit) in [
      ("PUT", "\(certificates)/large.pem", 1 << 20), ("PUT", "/1.0/loadbalancer/\(amphora.id)/\(id)/haproxy", 16 << 20),
      ("PUT", "/1.0/certificate", 1 << 20), ("PUT", "/1.0/config", 1 << 20), ("POST", "/1.0/plug/network", 1 << 20),
      ("PUT", "/1.0/loadbalancer/\(id)/start", 64 << 10),
    ] {
      let (status, body) = try await exchange(amphora, method, path, size: limit + 1)
      #expect(status == 400, "\(path): \(body)")
      #expect(body.contains("larger than \(limit) bytes"), "\(body)")
    }
    #expect(!amphora.exists("/var/lib/octavia/\(id)"))
    #expect(!amphora.exists("/var/lib/octavia/certs/\(id)"))
    #expect(try await exchange(amphora, "PUT", "\(certificates)/fits.pem", size: 1 << 20).status == 200)
    #expect(amphora.text("/var/lib/octavia/certs/\(id)/fits.pem")?.utf8.count == 1 << 20)
  }

  @Test func `chunks and 100-continue are understood`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let id = freshID()
    let connection = try amphora.connect()
    try connection.send(
      "PUT /1.0/loadbalancer/\(id)/certificates/a.pem HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
        + "Expect: 100-continue\r\n\r\n")
    try connection.send("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    let answer = try await connection.readToEnd()
    #expect(answer.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), "\(answer)")
    #expect(amphora.text("/var/lib/octavia/certs/\(id)/a.pem") == "abcde")
  }

  @Test func `a body of many chunks is too large all the same`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let connection = try amphora.connect()
    try connection.send("PUT /1.0/certificate HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    let chunk = "10000\r\n" + String(repeating: "x", count: 0x10000) + "\r\n"
    for _ in 0..<20 { try? connection.send(chunk) }
    try? connection.send("0\r\n\r\n")
    #expect(TLSConnection.parse(try await connection.readToEnd()).status == 400)
  }

  @Test(
    arguments: [
      ("a text of another type", #"{"mac_address": "fa:16:3e:00:00:99"}"#, "text/plain"),
      ("no type", #"{"mac_address": "fa:16:3e:00:00:99"}"#, nil), ("nothing", "", "application/json"),
      ("cut", #"{"mac_address": "fa:16"#, "application/json"), ("not JSON", "hello", "application/json"),
      ("a list", "[]", "application/json"), ("a text", #""x""#, "application/json"),
      ("null", "null", "application/json"),
      ("an empty object", "{}", "application/json"),
      ("a MAC that is a number", #"{"mac_address": 1}"#, "application/json"),
      (
        "a MAC that is none", #"{"mac_address": "fa:16:3e:00:00", "subnet_cidr": "203.0.113.0/24", "gateway": null}"#,
        "application/json"
      ),
      ("deep nesting", String(repeating: "[", count: 100_000), "application/json"),
    ] as [(String, String, String?)]) func `JSON that is none is the framework's 400`(
      what: String, body: String, type: String?
    )
    async throws
  {
    let amphora = try await LiveLab.shared.plainAmphora()
    try expectFramework(
      await amphora.send("POST", "/1.0/plug/vip/203.0.113.10", body, type: type), 400, "Bad Request",
      containing: "Invalid subnet information")
    try expectFramework(
      await amphora.send("POST", "/1.0/plug/network", body, type: type), 400, "Bad Request",
      containing: "Invalid port information")
    #expect(try await amphora.client.discover() == "1.0")
  }

  @Test(arguments: ["subnet_cidr", "gateway", "mac_address"])
  func `a missing key of a VIP plug is the framework's 400`(key: String) async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    var members = [
      "subnet_cidr": #""203.0.113.0/24""#, "gateway": "null", "mac_address": #""fa:16:3e:00:00:99""#,
    ]
    members[key] = nil
    let body = "{" + members.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
    try expectFramework(
      await amphora.send("POST", "/1.0/plug/vip/203.0.113.10", body, type: "application/json"), 400, "Bad Request",
      containing: "Invalid subnet information")
  }

  @Test func `a configuration that is not UTF-8 is 400 and leaves nothing`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let id = freshID()
    let answer = try await amphora.send(
      "PUT", "/1.0/loadbalancer/\(amphora.id)/\(id)/haproxy", bytes: Array("global\n  # ".utf8) + [0xC3, 0x28, 0x0A])
    try expect(answer, 400, #"{"message": "Invalid request", "details": "the configuration is not UTF-8 text"}"#)
    #expect(!amphora.exists("/var/lib/octavia/\(id)/haproxy.cfg"))
  }

  @Test func `a body that breaks off stores nothing, and the agent goes on`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let id = freshID()
    for _ in 0..<10 {
      let connection = try amphora.connect(["-quiet", "-brief"])
      try connection.send(
        "PUT /1.0/loadbalancer/\(id)/certificates/half.pem HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
      try await poll("the handshake") { connection.log.contains("CONNECTION ESTABLISHED") }
      connection.breakOff()
    }
    #expect(try await amphora.client.discover() == "1.0")
    try await amphora.client.putCertificate([1], loadBalancer: id, file: #require(CertificateFileName("whole.pem")))
    #expect(amphora.names(in: "/var/lib/octavia/certs/\(id)") == ["whole.pem"])
  }

  @Test func `a request that takes too long is ended, and the agent goes on`() async throws {
    var settings = LabAmphora.Settings()
    settings.requestReadTimeout = 2
    try await withAmphora(settings) { amphora in
      let id = freshID()
      let body = try amphora.connect(["-quiet", "-brief"])
      let head = try amphora.connect()
      let silent = try amphora.connect()
      let start = ContinuousClock.now
      try body.send(
        "PUT /1.0/loadbalancer/\(id)/certificates/slow.pem HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nslow")
      try head.send("GET / HTTP/1.1\r\nX: ")
      // Bytes that trickle do not buy time.
      let trickle = Task {
        while !Task.isCancelled {
          try body.send("x")
          try head.send("x")
          try await Task.sleep(for: .milliseconds(100))
        }
      }
      for connection in [body, head, silent] {
        let text = try await connection.readToEnd()
        #expect(text == "")
      }
      trickle.cancel()
      let took = ContinuousClock.now - start
      #expect(took > .milliseconds(1900) && took < .seconds(8), "\(took)")
      #expect(!amphora.exists("/var/lib/octavia/certs/\(id)/slow.pem"))
      #expect(try await amphora.client.discover() == "1.0")
      // An honest request has the same two seconds.
      try await amphora.client.putCertificate([1], loadBalancer: id, file: #require(CertificateFileName("slow.pem")))
    }
  }
}

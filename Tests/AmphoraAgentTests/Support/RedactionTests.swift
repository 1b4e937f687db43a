// What leaves an amphora in a support bundle, and what must not.

import AmphoraCrypto
import FoundationEssentials
import Testing

@testable import AmphoraAgent

@Suite struct RedactionTests {
  private let redaction = Redaction(secrets: ["s3cr3t & \"heart\" beat"])

  /// Keys that OpenSSL made, in the forms that keys are stored in.
  private static func keys() async throws -> [(form: String, pem: String)] {
    let commands: [(String, String)] = [
      ("PKCS#8 RSA", "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048"),
      ("PKCS#1", "openssl genrsa -traditional 2048"),
      ("traditional encrypted", "openssl genrsa -traditional -aes128 -passout pass:longenough 2048"),
      ("PKCS#8 encrypted", "openssl genpkey -algorithm RSA -aes128 -pass pass:longenough"),
      ("EC", "openssl ecparam -name prime256v1 -genkey -noout"),
      ("PKCS#8 EC", "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384"),
      ("Ed25519", "openssl genpkey -algorithm ED25519"),
    ]
    var keys: [(String, String)] = []
    for (form, command) in commands {
      let words = command.split(separator: " ").map(String.init)
      let output = try await Command.run(words[0], Array(words.dropFirst())).output
      let start = try #require(output.firstRange(of: "-----BEGIN"))
      keys.append((form, String(output[start.lowerBound...])))
    }
    return keys
  }

  /// The parts of a key of which none may be found again.
  private static func pieces(_ pem: String) -> [String] {
    pem.split(separator: "\n").filter { !$0.hasPrefix("-----") && !$0.contains(":") && !$0.isEmpty }.map(String.init)
  }

  private func expectNothing(of pem: String, in text: String, _ what: String, of form: String) {
    let left = Self.pieces(pem).filter { text.contains($0.prefix(24)) }
    #expect(left.isEmpty, "\(form), \(what): \(text)")
  }

  @Test func `private keys go in every form and wherever they stand`() async throws {
    for (form, pem) in try await Self.keys() {
      let lines = pem.split(separator: "\n")
      let journal = lines.map { "Jan 31 23:59:59 amphora haproxy[123]: \($0)" }.joined(separator: "\n")
      let base64 = Data(pem.utf8).base64EncodedString()
      let middle = lines.count / 2
      let texts: [(String, String)] = [
        ("a block", "before\n\(pem)after"), ("CRLF", pem.replacing("\n", with: "\r\n")),
        ("escaped in JSON", "{\"key\": \"\(pem.replacing("\n", with: "\\n"))\", \"other\": 1}"),
        ("on one line", lines.joined()), ("indented", lines.map { "    \($0)" }.joined(separator: "\n")),
        ("in a journal", journal + "\nJan 31 23:59:59 amphora haproxy[123]: after"),
        ("in base64 on one line", "content: \(base64)"), ("in base64 behind a path", "/run/x/\(base64)"),
        (
          "in base64 with the certificate before it",
          Data("-----BEGIN CERTIFICATE-----\nx\n\(pem)".utf8).base64EncodedString()
        ),
        ("without its end", "before\n" + lines[..<middle].joined(separator: "\n") + "\nan end"),
        ("without its beginning", "before it\n" + lines[middle...].joined(separator: "\n") + "\nafter"),
      ]
      for (what, text) in texts { expectNothing(of: pem, in: redaction.redacted(text), what, of: form) }
      // Behind the block the text goes on.
      #expect(redaction.redacted("before\n\(pem)after").hasPrefix("before\n"))
      #expect(redaction.redacted("before\n\(pem)after").hasSuffix("after"), "\(form)")
      #expect(redaction.redacted(texts[5].1).hasSuffix("haproxy[123]: after"), "\(form)")
    }
  }

  @Test func `a key in DER goes without its BEGIN line too`() async throws {
    for (form, pem) in try await Self.keys() where form != "traditional encrypted" {
      let body = Self.pieces(pem)
      expectNothing(of: pem, in: redaction.redacted("key \(body.joined())"), "DER on one line", of: form)
      expectNothing(of: pem, in: redaction.redacted(body.joined(separator: "\n")), "DER in lines", of: form)
    }
  }

  @Test func `certificates stay`() async throws {
    let certificate = try await Command.run(
      "openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=x"]
    ).output
    let start = try #require(certificate.firstRange(of: "-----BEGIN CERTIFICATE"))
    let pem = String(certificate[start.lowerBound...])
    #expect(redaction.redacted(pem) == pem)
    #expect(redaction.redacted(Self.pieces(pem).joined()) == Self.pieces(pem).joined())
    let key = try #require(try await Self.keys().first?.pem)
    #expect(redaction.redacted(pem + key + pem).hasPrefix(pem))
    #expect(redaction.redacted(pem + key + pem).hasSuffix(pem))
    let slashes = key.replacing("\nM", with: "\n/")
    let kept = String(decoding: PublicParts.only(Array((pem + slashes + pem).utf8)), as: UTF8.self)
    #expect(kept.hasPrefix(pem + pem + "["))
    expectNothing(of: slashes, in: kept, "public parts", of: "PKCS#8")
    let list = "/var/lib/a.pem [alpn h2] x.example\n/Uw2DFsj+6mOuxP/d7L45+0NotkKdXmLSwpNiLflZIJ6aXfBBHQL8K32468zw5JB\n"
    let paths = String(decoding: PublicParts.only(Array(list.utf8)), as: UTF8.self)
    #expect(paths == "/var/lib/a.pem [alpn h2] x.example\n[1 lines that are not public are left out]\n")
  }

  @Test func `a known secret goes wherever it stands, escaped or encoded`() {
    let secret = "s3cr3t & \"heart\" beat"
    let json = "s3cr3t & \\\"heart\\\" beat"
    let html = "s3cr3t &amp; &#34;heart&#34; beat"
    for text in ["x\(secret)y", "key is \(json).", "heartbeat_key = \(html)", "a\(secret)b\(secret)"] {
      let redacted = redaction.redacted(text)
      #expect(!redacted.contains("s3cr3t") && redacted.contains(Redaction.mark), "\(redacted)")
    }
    for pad in ["", "a", "ab", "abc"] {
      let encoded = Data("\(pad)[x]\nheartbeat_key = \(secret)\n".utf8).base64EncodedString()
      #expect(!redaction.redacted("content: \(encoded)").contains(encoded.prefix(40)), "\(pad)")
    }
    #expect(redaction.redacted("nothing of it") == "nothing of it")
  }

  @Test(arguments: [
    ("heartbeat_key = my own key", "heartbeat_key = (removed)"),
    ("auth_pass p4ssw0rd", "auth_pass (removed)"), ("    auth_pass \"p4 ss\"", "    auth_pass \"(removed)\""),
    ("stats auth admin:hunter2", "stats auth (removed)"),
    ("  user tenant password $5$abc$def groups g", "  user tenant password (removed) groups g"),
    ("  user tenant insecure-password hunter2", "  user tenant insecure-password (removed)"),
    (
      "option httpchk GET / HTTP/1.1\\r\\nAuthorization:\\ Basic\\ dXNlcjpodW50ZXIy",
      "option httpchk GET / HTTP/1.1\\r\\nAuthorization:(removed)"
    ),
    ("Authorization: Bearer abc.def", "Authorization: (removed)"),
    ("GET / HTTP/1.1 {Cookie: a=1; b=2}", "GET / HTTP/1.1 {Cookie: (removed)"),
    ("Set-Cookie: id=1; Path=/", "Set-Cookie: (removed)"),
    ("\"GET /a?token=abc&page=2 HTTP/1.1\" 200", "\"GET /a?token=(removed)&page=2 HTTP/1.1\" 200"),
    ("curl https://user:hunter2@host/path", "curl https://user:(removed)@host/path"),
    (#"{"password": "hunt\"er2", "user": "x"}"#, #"{"password": "(removed)", "user": "x"}"#),
    (#"log: {\"admin_password\": \"hunter2\"}"#, #"log: {\"admin_password\": \"(removed)\"}"#),
    (
      "Environment=\"OS_HEALTH_MANAGER__HEARTBEAT_KEY=my own key\"",
      "Environment=\"OS_HEALTH_MANAGER__HEARTBEAT_KEY=(removed)\""
    ),
    ("x-auth-token gAAAAABk", "x-auth-token (removed)"), ("PHPSESSID=abcdef;", "PHPSESSID=(removed)"),
    ("root:$6$salt$hash:19000:0", "root:(removed):19000:0"),
    ("sent eyJhbGciOiJIUzI1NiJ9abcdefghijklmnopqrstuvwxyz.abc", "sent (removed).abc"),
  ])
  func `secrets are known by their names`(text: String, expected: String) {
    #expect(redaction.redacted(text) == expected)
    // What is redacted stays as it is.
    #expect(redaction.redacted(expected) == expected)
  }

  @Test(arguments: [
    "    cookie SRV insert indirect nocache", "server m1 10.0.0.1:80 check cookie m1", "heartbeat_key = (set)",
    "[health_manager] heartbeat_key is not set: no heartbeats are sent", "the session of root began",
    "bind 203.0.113.10:443 ssl crt-list /var/lib/octavia/certs/a/b.pem", "bytes_in: 1234, sessions: 12",
    "6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8 OPEN", "fe80::1 dev eth1 lladdr fa:16:3e:00:00:01 router STALE",
    "stick-table type string len 64 size 10k expire 30s", "tcp-request content accept if { req.cook(a) -m found }",
  ])
  func `what is no secret stays`(text: String) {
    #expect(redaction.redacted(text) == text)
  }

  @Test func `bytes that are no text stay as they are`() {
    let bytes: [UInt8] = [0xFF, 0x00, 0x0A, 0x80, 0x0A]
    #expect(redaction.redacted(bytes) == bytes)
    #expect(redaction.redacted([UInt8]()) == [])
  }
}

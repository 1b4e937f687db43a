// What `amphora-agent explain haproxy` says about a configuration with everything in it.

import AmphoraCrypto
import AmphoraProtocol
import Files
import Glibc
import Testing

@testable import AmphoraAgent

@Suite struct ExplanationTests {
  private static let id = LoadBalancerID(unchecked: "0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10")
  private static let listener = "c1a7b3de-0000-4000-8000-000000000001"
  private static let rules = ["aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002"]

  /// As the controller writes it, with a byte that is no UTF-8 and a line that ends in a carriage return.
  private func configuration(_ folder: String) -> [UInt8] {
    let text = """
      # Configuration for loadbalancer \(Self.id)
      global
          stats socket \(folder)/\(Self.id).sock mode 0666 level user
          maxconn 20

      defaults
          timeout connect 5000
          timeout client 5000
          timeout server 5000

      frontend \(Self.listener)
          maxconn 20
          redirect scheme https if !{ ssl_fc }
          bind 127.0.0.1:18443 ssl crt-list \(folder)/list.pem
          mode http
              acl \(Self.rules[0]) req.hdr(host) -i -m beg www
              acl \(Self.rules[1]) path -m str /old
          use_backend pool-2:\(Self.listener) if \(Self.rules[0]) !\(Self.rules[1])
          http-request deny if \(Self.rules[1])
          default_backend pool-1:\(Self.listener)

      backend pool-1:\(Self.listener)
          mode http\r
          balance leastconn
          cookie SRV insert indirect nocache
          timeout check 3s
          option httpchk GET /live
          http-check expect rstatus 200
          server member-1 10.0.1.21:80 weight 7 check inter 5s fall 3 rise 2 addr 10.0.9.21 port 81 cookie a backup
          # a remark
          server member-2 [2001:db8::1]:80 weight 1 disabled

      backend pool-2:\(Self.listener)
          mode http
          server member-3 10.0.1.23:80

      """
    return Array(text.utf8).map { $0 } + [0x23, 0xff, 0x0a]
  }

  private func explain(_ body: (HAProxyExplanation, [UInt8], String) async throws -> Void) async throws {
    let folder = try LabFolder()
    let bytes = configuration(folder.path)
    folder.folder(Self.id.text)
    try DurableFile.write(bytes, to: "\(folder.path)/\(Self.id)/haproxy.cfg", mode: 0o600)
    let key = try PrivateKey.generateRSA()
    let profile = CertificateProfile(
      commonName: "www.example.com", serial: [1], notBefore: UnixTime.now - 86_400,
      notAfter: UnixTime.now + 34 * 86_400 + 3600)
    let certificate = try X509Certificate.issue(profile, for: key, issuer: nil, issuerKey: key)
    try folder.write("a.pem", try certificate.pem() + key.pem(.traditional))
    try folder.write("list.pem", "\(folder.path)/a.pem [alpn h2] www.example.com\n")
    try await body(try HAProxyExplanation.read(Self.id, AgentPaths(base: folder.path)), bytes, folder.path)
  }

  private func text(_ explanation: HAProxyExplanation, _ kind: HAProxyExplanation.Note.Kind) -> [String] {
    explanation.notes.filter { $0.kind == kind }.map(\.text)
  }

  @Test func `sections and servers are told in Octavia's terms`() async throws {
    try await explain { explanation, _, _ in
      #expect(explanation.silence == "haproxy does not run")
      #expect(
        text(explanation, .listener) == [
          "listener \(Self.listener): TERMINATED_HTTPS on 127.0.0.1:18443; default pool pool-1"
        ])
      #expect(text(explanation, .certificate) == ["TLS certificate CN=www.example.com, 34 days left (a.pem)"])
      #expect(
        text(explanation, .rule) == [
          "L7 rule \(Self.rules[0]): HOST_NAME STARTS_WITH www", "L7 rule \(Self.rules[1]): PATH EQUAL_TO /old",
        ])
      #expect(
        text(explanation, .policy) == [
          "L7 policy: REDIRECT_TO_POOL pool-2 when \(Self.rules[0]) and not \(Self.rules[1])",
          "L7 policy: REJECT when \(Self.rules[1])",
        ])
      #expect(
        text(explanation, .pool) == [
          "pool pool-1 of listener \(Self.listener): HTTP, LEAST_CONNECTIONS, session persistence HTTP_COOKIE",
          "pool pool-2 of listener \(Self.listener): HTTP, haproxy's default algorithm",
        ])
      #expect(
        text(explanation, .healthMonitor) == [
          "health monitor of the pool: HTTP GET /live, expects 200, every 5s, timeout 3s, up after 2, down after 3"
        ])
      #expect(
        text(explanation, .member) == [
          "member member-1 at 10.0.1.21:80, weight 7, backup, checked at 10.0.9.21 port 81",
          "member member-2 at [2001:db8::1]:80, weight 1, switched off", "member member-3 at 10.0.1.23:80, weight 1",
        ])
    }
  }

  @Test func `each note stands before its line, and the file's bytes are all there`() async throws {
    try await explain { explanation, bytes, _ in
      let newline = UInt8(ascii: "\n")
      let lines = explanation.annotated.split(separator: newline, omittingEmptySubsequences: false)
      func isOurs(_ line: ArraySlice<UInt8>) -> Bool { line.drop { $0 == 0x20 }.starts(with: "#:".utf8) }
      #expect(Array(lines.filter { !isOurs($0) }.joined(separator: [newline])) == bytes)
      for note in explanation.notes {
        let own = bytes.split(separator: newline, omittingEmptySubsequences: false)[note.line - 1]
        let first = try #require(note.text.split(separator: " ").first)
        let place = try #require(
          lines.firstIndex { isOurs($0) && String(decoding: $0, as: UTF8.self).contains(": \(first)") })
        #expect(lines[place...].first { !isOurs($0) } != nil && !own.isEmpty)
      }
      // The head names the file, whose path is longer here than in an amphora.
      #expect(lines.drop(while: isOurs).filter(isOurs).allSatisfy { $0.count <= 80 })
      let member = try #require(lines.firstIndex { String(decoding: $0, as: UTF8.self).contains("#: member member-2") })
      #expect(String(decoding: lines[member + 1], as: UTF8.self).hasPrefix("    server member-2 "))
    }
  }

  @Test(.enabled(if: LiveHAProxy.isInstalled)) func `haproxy accepts the file and the output alike`() async throws {
    try await explain { explanation, bytes, folder in
      for (name, text) in [("file.cfg", bytes), ("explained.cfg", explanation.annotated)] {
        try DurableFile.write(text, to: "\(folder)/\(name)", mode: 0o600)
        let result = try await Command.run(LiveHAProxy.program, ["-c", "-f", "\(folder)/\(name)"])
        #expect(result.isSuccess, "\(name): \(result.output)")
      }
    }
  }

  @Test func `JSON has each object with its line`() async throws {
    try await explain { explanation, _, _ in
      let json = try explanation.json()
      #expect(json.contains(#""id" : "member-3""#) && json.contains(#""kind" : "L7 policy""#))
      #expect(json.contains(#""line" : 14"#) && !json.contains("PRIVATE"))
    }
  }
}

// Where upstream's text would be refused, the file is written so that haproxy reads exactly what was asked for. A real
// haproxy is asked whether it does.

import Foundation
import Glibc
import Testing

@testable import AmphoraController

@Suite struct LiteralEscapingTests {
  /// A header or cookie, what a rule compares it with, and the request line that must match.
  struct Case: CustomTestStringConvertible, Sendable {
    let rule: [String: DocumentValue]
    let header: String
    var testDescription: String { header }
  }

  static let cases = [
    Case(
      rule: ["type": "HEADER", "key": "X-It's", "compare_type": "EQUAL_TO", "value": "it's"], header: "X-It's: it's"),
    Case(rule: ["type": "HEADER", "key": "X#Y", "compare_type": "EQUAL_TO", "value": "#1"], header: "X#Y: #1"),
    Case(
      rule: ["type": "COOKIE", "key": "sid'&x", "compare_type": "EQUAL_TO", "value": "z"], header: "Cookie: sid'&x=z"),
    Case(
      rule: ["type": "HEADER", "key": "'", "compare_type": "EQUAL_TO", "value": ##"a "b" #c \n $HOME %d &amp; <x>"##],
      header: ##"': a "b" #c \n $HOME %d &amp; <x>"##),
    Case(
      rule: ["type": "HEADER", "key": "'", "compare_type": "REGEX", "value": ##"^(it's) \d+\\#$"##],
      header: ##"': it's 12\#"##),
    Case(rule: ["type": "HEADER", "key": "X", "compare_type": "EQUAL_TO", "value": "-i"], header: "X: -i"),
    Case(
      rule: ["type": "HEADER", "key": "X", "compare_type": "STARTS_WITH", "value": "-f /etc"], header: "X: -f /etc/x"),
  ]

  @Test(.enabled(if: HAProxyProcess.path != nil, "haproxy is not installed"), arguments: cases)
  func `haproxy compares with exactly the names and values of a rule`(example: Case) throws {
    let text = try render(example.rule)
    let acl = try #require(text.split(separator: "\n").first { $0.hasPrefix("        acl ") })
    let folder = try TemporaryFolder()
    let socket = "\(folder.path)/s"
    let configuration = """
      defaults
          mode http
          timeout client 5s
      frontend test
          bind \(socket)
      \(acl)
          http-request deny deny_status 403 if \(Documents.id("b", 1))
          http-request return status 200

      """
    let process = Process()
    process.executableURL = URL(filePath: HAProxyProcess.path ?? "haproxy")
    process.arguments = ["-db", "-f", try folder.write(configuration, to: "haproxy.cfg")]
    process.standardError = FileHandle.nullDevice
    try process.run()
    defer {
      process.terminate()
      process.waitUntilExit()
    }
    #expect(try status(of: "GET / HTTP/1.1\r\nHost: x\r\n\(example.header)\r\n\r\n", from: socket) == "403")
    #expect(try status(of: "GET / HTTP/1.1\r\nHost: x\r\n\(example.header)x\r\n\r\n", from: socket) == other(example))
    #expect(try status(of: "GET / HTTP/1.1\r\nHost: x\r\n\r\n", from: socket) == "200")
  }

  @Test func `one name that upstream's text cannot carry changes the escaping of the whole file`() throws {
    let plain: [String: DocumentValue] = ["type": "HEADER", "key": "X", "compare_type": "EQUAL_TO", "value": "it's"]
    #expect(try render(plain).contains("req.hdr(X) -m str it&#39;s\n"))
    #expect(try render(plain.merging(["key": "X'"]) { $1 }).contains(#"req.hdr(\"X\'\") -m str it\'s"# + "\n"))
  }

  @Test func `a name that is not printed changes nothing`() throws {
    let hidden: DocumentValue = Documents.policy(
      2, "REJECT", ["admin_state_up": false], rule: ["type": "HEADER", "key": "X'", "value": "x"])
    let shown = Documents.policy(1, "REJECT", rule: ["value": "it's"])
    let document = Documents.balancer(listeners: [Documents.listener("HTTP", ["l7policies": [shown, hidden]])])
    #expect(try HAProxyConfiguration.render(LoadBalancerDocument(document)).contains("path -m beg it&#39;s\n"))
  }

  @Test func `spaces before commas of expected codes are kept in LVS files and left out for haproxy`() throws {
    let fields: [String: DocumentValue] = ["http_method": "GET", "url_path": "/", "expected_codes": "201 , 200,201"]
    let monitor = Documents.monitor("HTTP", fields)
    let document = Documents.balancer(listeners: [
      Documents.listener("HTTP", pool: "HTTP", pool: ["healthmonitor": monitor]),
      Documents.listener(
        "UDP", pool: "UDP", ["id": .string(Documents.id("c", 2))],
        pool: ["id": .string(Documents.otherPoolID), "healthmonitor": monitor]),
    ])
    let files = try ConfigurationFiles.render(LoadBalancerDocument(document))
    #expect(files["haproxy.cfg"]?.contains("    http-check expect rstatus 200|201\n") == true)
    let lvs = files["lvs-\(Documents.id("c", 2)).conf"] ?? ""
    #expect(
      lvs.split(separator: "\n").filter { $0.contains("status_code") }.map { $0.drop { $0 == " " } } == [
        "status_code 200", "status_code 201", "status_code 201 ",
      ])
  }

  private func render(_ rule: [String: DocumentValue]) throws -> String {
    let policy = Documents.policy(1, "REJECT", rule: rule)
    let document = Documents.balancer(listeners: [Documents.listener("HTTP", ["l7policies": [policy]])])
    return try HAProxyConfiguration.render(LoadBalancerDocument(document))
  }

  /// A beginning also matches when something follows.
  private func other(_ example: Case) -> String { example.rule["compare_type"] == "STARTS_WITH" ? "403" : "200" }

  /// The status code of the answer to a request; waits until haproxy listens.
  private func status(of request: String, from path: String) throws -> String {
    let deadline = ContinuousClock.now + .seconds(20)
    while true {
      let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      defer { close(descriptor) }
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
      let result = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      if result != 0 {
        try #require(ContinuousClock.now < deadline, "haproxy does not listen")
        sched_yield()
        continue
      }
      _ = request.withCString { write(descriptor, $0, strlen($0)) }
      var answer = [UInt8](repeating: 0, count: 64)
      let count = read(descriptor, &answer, answer.count)
      // HTTP/1.1 403 Forbidden
      return String(decoding: answer.prefix(max(count, 0)), as: UTF8.self).split(separator: " ").dropFirst().first.map(
        String.init) ?? ""
    }
  }
}

// Ids and file names that are none: refused, and nothing is written or removed anywhere (contract agent-api §1.1, §5 W1–W3).

import AmphoraProtocol
import Testing

@Suite(.live, .timeLimit(.minutes(2))) struct HostilePathTests {
  private static let uuid = "0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10"

  /// Texts as they stand in the request line, with the status that the contract gives.
  private static let ids: [(text: String, status: Int)] =
    [
      "..", ".", "%2e%2e", "%2E%2E", "a%20b", "\(uuid)%20", "%20\(uuid)", "\(uuid)%0a", "\(uuid).cfg", "lvs", "vrrp",
      "certs", "*", "~", "$(reboot)", "%60reboot%60", "-L", "--help", "%c3%a4", uuid + "0", String(uuid.dropLast()),
      String(repeating: "a", count: 300), String(repeating: "a", count: 5000),
    ].map { ($0, 400) }
    + [
      "%2f", "..%2f..", "%2e%2e%2fx", "\(uuid)%2F..", "%00", "\(uuid)%00", "%", "%zz", "%ff", "..%5c..%2f", "",
    ].map { ($0, 404) }

  private func answer(_ amphora: LiveAmphora, _ method: String, _ path: String) async throws -> (Int?, String) {
    let body = method == "PUT" ? "x" : ""
    return try await amphora.connect().exchange(
      "\(method) \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
  }

  @Test(arguments: [
    ("PUT", "/1.0/loadbalancer/", "/certificates/a.pem"), ("GET", "/1.0/loadbalancer/", "/certificates/a.pem"),
    ("DELETE", "/1.0/loadbalancer/", "/certificates/a.pem"), ("PUT", "/1.0/loadbalancer/11111111/", "/haproxy"),
    ("GET", "/1.0/loadbalancer/", "/haproxy"), ("PUT", "/1.0/loadbalancer/", "/reload"),
    ("DELETE", "/1.0/listeners/", ""),
  ]) func `an id that is none is refused, and nothing is touched`(method: String, head: String, tail: String)
    async throws
  {
    try await withAmphora { amphora in
      let before = try await amphora.tree()
      for (id, status) in Self.ids {
        let (actual, body) = try await answer(amphora, method, head + id + tail)
        let json = try JSON(body)
        if status == 400 {
          #expect(actual == 400, "\(method) \(head)\(id.prefix(40))\(tail): \(body)")
          #expect(json.string("message") == "Invalid Request", "\(id)")
        } else {
          // With one separator more it may be a path that exists for another method.
          #expect(actual == 404 || actual == 405, "\(method) \(head)\(id)\(tail): \(body)")
          #expect(json["http_code"] == actual.map { .integer($0) }, "\(id)")
        }
      }
      #expect(Set(try await amphora.tree()).symmetricDifference(before) == [])
    }
  }

  @Test(arguments: ["..", "-L", "_x", "a%20b", "a.b", "%c3%a4", String(repeating: "a", count: 65)])
  func `an amphora id outside the grammar is refused`(id: String) async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let (status, body) = try await answer(amphora, "PUT", "/1.0/loadbalancer/\(id)/\(Self.uuid)/haproxy")
    #expect(status == 400)
    #expect(try JSON(body).string("message") == "Invalid Request")
  }

  @Test func `a file name that is none has the contract's text, and nothing is touched`() async throws {
    try await withAmphora { amphora in
      let before = try await amphora.tree()
      let names = [
        "..", ".", ".pem", "..pem", "a..pem", "a.crt", "apem", "pem", "abpem", "a.pem.sh", "x.pem.bak", "a.PEM",
        "a%20b.pem", "a.pem%0a", "a%0a.pem", "%2e%2e", "%2e%2e.pem", "*.pem", "$(x).pem", "%c3%a4.pem",
        String(repeating: "a", count: 197) + ".pem", String(repeating: "a", count: 4000) + ".pem",
      ]
      for name in names {
        for method in ["PUT", "GET", "DELETE"] {
          let (status, body) = try await answer(
            amphora, method, "/1.0/loadbalancer/\(Self.uuid)/certificates/\(name)")
          #expect(status == 400, "\(method) \(name.prefix(40)): \(body)")
          #expect(try JSON(body) == JSON(#"{"message": "Filename has wrong format"}"#), "\(name.prefix(40))")
        }
      }
      for name in ["a%2Fb.pem", "..%2fa.pem", "a%00.pem", "%2fetc%2fpasswd.pem", "", "a.pem/"] {
        let (status, body) = try await answer(amphora, "PUT", "/1.0/loadbalancer/\(Self.uuid)/certificates/\(name)")
        #expect(status == 404, "\(name): \(body)")
      }
      #expect(Set(try await amphora.tree()).symmetricDifference(before) == [])
    }
  }

  @Test(arguments: ["restart", "haproxy", "st%20art", "..", "START%0a", "%20start", "enable"])
  func `an unknown action is named in lower case, before the id is looked at`(action: String) async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let decoded = action.replacing("%20", with: " ").replacing("%0a", with: "\n").lowercased()
    for path in [
      "/1.0/loadbalancer/\(Self.uuid)/\(action)", "/1.0/loadbalancer/nothing/\(action)", "/1.0/vrrp/\(action)",
    ] {
      let (status, body) = try await answer(amphora, "PUT", path)
      #expect(status == 400)
      #expect(
        try JSON(body)
          == .object(["message": .text("Invalid Request"), "details": .text("Unknown action: \(decoded)")]))
    }
  }

  @Test(arguments: ["nothing", "300.1.1.1", "1.2.3", "10.0.0.1%2f24", "::g", "%20", "10.0.0.1%00", "fe80::1%25eth0"])
  func `an address that is none is refused by look-up and VIP plug`(address: String) async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let isSeparator = address.contains("%2f") || address.contains("%00")
    let (status, body) = try await answer(amphora, "GET", "/1.0/interface/\(address)")
    #expect(status == (isSeparator ? 404 : 400), "\(body)")
    if !isSeparator { #expect(try JSON(body) == JSON(#"{"message": "Invalid IP address"}"#)) }
    let text = #"{"subnet_cidr": "203.0.113.0/24", "gateway": null, "mac_address": "fa:16:3e:00:00:99"}"#
    let (plugStatus, plugBody) = try await amphora.connect().exchange(
      "POST /1.0/plug/vip/\(address) HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        + "Content-Length: \(text.utf8.count)\r\n\r\n\(text)")
    #expect(plugStatus == (isSeparator ? 404 : 400), "\(plugBody)")
    if !isSeparator { #expect(try JSON(plugBody).string("message").hasPrefix("Invalid VIP: ")) }
  }
}

// Routes that change nothing (contract agent-api §1.1, §1.3, §2 #1–#3, §3.2, §3.3).

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing

@Suite(.live, .timeLimit(.minutes(2))) struct DiscoveryTests {
  private static let headers =
    "Host: amphora\r\nUser-Agent: Octavia HaProxy Rest Client/None (https://wiki.openstack.org/wiki/Octavia)\r\n"
    + "Accept: */*\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n\r\n"

  @Test(arguments: ["/", "//"]) func `discovery answers as controllers ask, and the connection ends`(path: String)
    async throws
  {
    let amphora = try await LiveLab.shared.plainAmphora()
    let connection = try amphora.connect()
    try connection.send("GET \(path) HTTP/1.1\r\n\(Self.headers)")
    let answer = try await connection.readToEnd()
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(answer)")
    #expect(answer.hasSuffix("\r\n\r\n{\"api_version\":\"1.0\"}"), "\(answer)")
    #expect(answer.lowercased().contains("\r\nconnection: close\r\n"))
    #expect(answer.lowercased().contains("\r\ncontent-type: application/json\r\n"))
  }

  @Test func `the client library discovers the version`() async throws {
    #expect(try await LiveLab.shared.plainAmphora().client.discover() == "1.0")
  }

  @Test func `HEAD answers like GET without a body`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let answer = try await amphora.send("HEAD", "/1.0/info")
    #expect(answer.status == 200)
    #expect(answer.body.isEmpty)
    #expect(answer.header("Content-Type") == "application/json")
    #expect((answer.header("Content-Length").flatMap { Int($0) } ?? 0) > 50)
  }

  @Test(arguments: [
    ("/", "GET, HEAD, OPTIONS"), ("/1.0/vrrp/upload", "PUT, OPTIONS"), ("/1.0/plug/network", "POST, OPTIONS"),
  ])
  func `OPTIONS lists the methods`(path: String, allow: String) async throws {
    let answer = try await LiveLab.shared.plainAmphora().send("OPTIONS", path)
    #expect(answer.status == 200)
    #expect(answer.header("Allow") == allow)
  }

  @Test func `info has exactly the contract's keys`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let answer = try await amphora.send("GET", "/1.0/info")
    #expect(answer.status == 200)
    let json = try answer.json
    #expect(json.keys == ["hostname", "haproxy_version", "api_version", "keepalived_version", "ipvsadm_version"])
    #expect(json["api_version"] == .text("1.0"))
    for (key, package) in [("haproxy_version", "haproxy"), ("keepalived_version", "keepalived")] {
      let version = try await amphora.run("/usr/bin/dpkg-query -W -f=${Version} \(package)")
      #expect(json.string(key) == version.output, "\(version)")
    }
    #expect(json.string("hostname") == (try await amphora.run("/bin/hostname").output).filter { !$0.isWhitespace })
    let fields = json.string("haproxy_version").split(separator: ".")
    #expect(fields.count >= 2 && Int(fields[0]) != nil, "controllers split at the dots")
  }

  @Test func `details has exactly the contract's keys and odd types`() async throws {
    try await withAmphora { amphora in
      let answer = try await amphora.send("GET", "/1.0/details")
      #expect(answer.status == 200)
      let json = try answer.json
      #expect(
        json.keys == [
          "hostname", "haproxy_version", "api_version", "keepalived_version", "ipvsadm_version", "networks", "active",
          "haproxy_count", "lvs_listener_process_count", "cpu_count", "cpu", "memory", "disk", "load",
          "active_tuned_profiles", "topology", "topology_status", "listeners", "packages",
        ])
      #expect(json["networks"] == .object([:]))
      #expect(json["active"] == .flag(true))
      #expect(json["haproxy_count"] == .integer(0))
      #expect(json["lvs_listener_process_count"] == .integer(0))
      #expect(json["listeners"] == .list([]))
      #expect(json["packages"] == .object([:]))
      #expect(json["topology"] == .text("SINGLE"))
      #expect(json["topology_status"] == .text("OK"))
      #expect(json["active_tuned_profiles"] == .text(""))
      #expect(
        json["cpu_count"] == .integer(Int(try await amphora.run("/usr/bin/nproc").output.filter(\.isNumber)) ?? -1))
      #expect(json["cpu"]?.keys == ["total", "user", "system", "soft_irq"])
      if case .integer(let total)? = json["cpu"]?["total"] { #expect(total > 0) } else { Issue.record("cpu.total") }
      for key in ["user", "system", "soft_irq"] { #expect(Int(json["cpu"]?.string(key) ?? "") != nil, "\(key)") }
      let memory = try #require(json["memory"])
      #expect(memory.keys == ["total", "free", "buffers", "cached", "swap_used", "shared", "slab"])
      for key in memory.keys { if case .integer? = memory[key] {} else { Issue.record("memory.\(key) is no integer") } }
      #expect(json["disk"]?.keys == ["used", "available"])
      guard case .list(let load)? = json["load"] else { return #expect(Bool(false), "load") }
      #expect(
        load.count == 3 && load.allSatisfy { if case .text(let text) = $0 { Double(text) != nil } else { false } })
    }
  }

  @Test func `looking does not make the namespace`() async throws {
    try await withAmphora { amphora in
      #expect(try await amphora.send("GET", "/1.0/details").status == 200)
      try expect(
        await amphora.send("GET", "/1.0/interface/203.0.113.4"), 404,
        #"{"message": "Error interface not found for IP address"}"#)
      #expect(try await amphora.run("/sbin/ip netns list").output == "")
      #expect(try await amphora.send("GET", "/1.0/listeners").text == "[]")
    }
  }

  @Test(arguments: [
    "/1.0", "/1.0/", "/1.0/info/", "/1.1/info", "/1.0/nothing", "/1.0/plug", "/1.0/plug/vip/", "///", "/1.0//info",
    "/1.0/loadbalancer", "/1.0/listeners/", "/0.5/info", "/1.0/certificate/", "/1.0/vrrp",
  ]) func `other paths are the framework's 404`(path: String) async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let connection = try amphora.connect()
    let (status, body) = try await connection.exchange("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(status == 404, "\(body)")
    let json = try JSON(body)
    #expect(json["http_code"] == .integer(404))
    #expect(json.string("error").hasPrefix("404 Not Found: "))
  }

  @Test(arguments: [
    ("POST", "/", "GET, HEAD, OPTIONS"), ("PUT", "/1.0/info", "GET, HEAD, OPTIONS"),
    ("DELETE", "/1.0/details", "GET, HEAD, OPTIONS"), ("GET", "/1.0/certificate", "PUT, OPTIONS"),
    ("GET", "/1.0/plug/network", "POST, OPTIONS"), ("POST", "/1.0/config", "PUT, OPTIONS"),
    ("GET", "/1.0/listeners/0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10", "DELETE, OPTIONS"),
    ("GET", "/1.0/vrrp/start", "PUT, OPTIONS"),
  ]) func `another method is the framework's 405 with Allow`(method: String, path: String, allow: String) async throws {
    let answer = try await LiveLab.shared.plainAmphora().send(method, path, method == "GET" ? nil : "x")
    try expectFramework(answer, 405, "Method Not Allowed")
    #expect(answer.header("Allow") == allow)
  }

  @Test func `what is not HTTP is answered with 400 in the framework's shape`() async throws {
    let amphora = try await LiveLab.shared.plainAmphora()
    let (status, body) = try await amphora.connect().exchange("this is not HTTP\r\n\r\n")
    #expect(status == 400)
    #expect(try JSON(body)["http_code"] == .integer(400))
    let long = "GET /1.0/info HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 40_000))\r\n\r\n"
    #expect(try await amphora.connect().exchange(long).status == 400)
  }
}

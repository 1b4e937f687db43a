import Addresses
import AmphoraProtocol
import Testing

private let lb = "6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8"
private let other = "A1B3F0C2-5d1e-4d57-8a0b-2f4f5a7c9d10"

/// `AgentRoute.parse` over contract agent-api §1.1 and §2.
@Suite struct RouteTests {
  static let table: [(String, String, AgentRoute)] = {
    guard let loadBalancer = LoadBalancerID(lb), let object = ServiceObjectID(lb), let listener = ListenerID(other),
      let amphora = AmphoraID("amp_1-x"), let file = CertificateFileName("5d3c.pem"),
      let v4 = IPAddress("203.0.113.10"),
      let v6 = IPAddress("2001:db8::2")
    else { return [] }
    return [
      ("GET", "/", .discovery),
      ("GET", "/1.0/info", .info),
      ("GET", "/1.0/details", .details),
      ("PUT", "/1.0/loadbalancer/amp_1-x/\(lb)/haproxy", .uploadHAProxy(amphora: amphora, loadBalancer: loadBalancer)),
      ("GET", "/1.0/loadbalancer/\(lb)/haproxy", .downloadHAProxy(loadBalancer)),
      ("PUT", "/1.0/loadbalancer/\(lb)/start", .control(object, .start)),
      ("PUT", "/1.0/loadbalancer/\(lb)/stop", .control(object, .stop)),
      ("PUT", "/1.0/loadbalancer/\(lb)/reload", .control(object, .reload)),
      ("DELETE", "/1.0/listeners/\(lb)", .deleteService(object)),
      ("GET", "/1.0/listeners", .listListeners),
      ("PUT", "/1.0/listeners/amp_1-x/\(other)/udp_listener", .uploadLVS(amphora: amphora, listener: listener)),
      ("GET", "/1.0/listeners/\(other)/udp_listener", .downloadLVS(listener)),
      ("PUT", "/1.0/loadbalancer/\(lb)/certificates/5d3c.pem", .putCertificate(loadBalancer, file)),
      ("GET", "/1.0/loadbalancer/\(lb)/certificates/5d3c.pem", .getCertificate(loadBalancer, file)),
      ("DELETE", "/1.0/loadbalancer/\(lb)/certificates/5d3c.pem", .deleteCertificate(loadBalancer, file)),
      ("POST", "/1.0/plug/vip/203.0.113.10", .plugVIP(v4)),
      ("POST", "/1.0/plug/vip/2001:db8::2", .plugVIP(v6)),
      ("POST", "/1.0/plug/network", .plugNetwork),
      ("PUT", "/1.0/certificate", .rotateCertificate),
      ("PUT", "/1.0/config", .updateConfiguration),
      ("PUT", "/1.0/vrrp/upload", .uploadVRRP),
      ("PUT", "/1.0/vrrp/start", .controlVRRP(.start)),
      ("PUT", "/1.0/vrrp/stop", .controlVRRP(.stop)),
      ("PUT", "/1.0/vrrp/reload", .controlVRRP(.reload)),
      ("GET", "/1.0/interface/203.0.113.10", .findInterface(v4)),
      ("GET", "/1.0/interface/2001:db8::2", .findInterface(v6)),
      ("PUT", "/1.0/interface/203.0.113.10/rules", .setInterfaceRules(v4)), ("GET", "/1.0/health", .health),
    ]
  }()

  @Test func `the table is whole`() { #expect(Self.table.count == 28) }

  @Test(arguments: table)
  func `each route is found by its path and writes the same path`(method: String, path: String, route: AgentRoute)
    throws
  {
    #expect(try AgentRoute.parse(method: method, path: path) == route)
    #expect(route.path == path)
    #expect(route.method.rawValue == method)
    #expect(try AgentRoute.parse(method: method, path: path + "?x=1#y") == route)
    #expect(AgentRoute.allowedMethods(path: path).contains(route.method))
  }

  @Test(arguments: table)
  func `GET routes answer HEAD and no others do`(method: String, path: String, route: AgentRoute) throws {
    if method == "GET" {
      #expect(try AgentRoute.parse(method: "HEAD", path: path) == route)
    } else if !AgentRoute.allowedMethods(path: path).contains(.get) {
      #expect(throws: RouteRejection.methodNotAllowed(allowed: AgentRoute.allowedMethods(path: path))) {
        try AgentRoute.parse(method: "HEAD", path: path)
      }
    }
  }

  @Test(arguments: table)
  func `a method that a path lacks is refused with those it has`(method: String, path: String, route: AgentRoute) {
    for wrong in ["PATCH", "TRACE", "get", "", "PROPFIND"] {
      #expect(throws: RouteRejection.methodNotAllowed(allowed: AgentRoute.allowedMethods(path: path))) {
        try AgentRoute.parse(method: wrong, path: path)
      }
    }
  }

  @Test(arguments: [
    ("/", "GET"), ("/1.0/listeners", "GET"), ("/1.0/listeners/\(lb)", "DELETE"), ("/1.0/plug/network", "POST"),
    ("/1.0/loadbalancer/\(lb)/certificates/a.pem", "DELETE,GET,PUT"), ("/1.0/loadbalancer/\(lb)/haproxy", "GET,PUT"),
    ("/1.0/loadbalancer/\(lb)/reload", "PUT"), ("/1.0/vrrp/upload", "PUT"), ("/nowhere", ""),
  ])
  func `the methods of a path`(path: String, methods: String) {
    #expect(AgentRoute.allowedMethods(path: path).map(\.rawValue).joined(separator: ",") == methods)
  }

  @Test func `GET on one listener is a wrong method, not an unknown path`() {
    #expect(throws: RouteRejection.methodNotAllowed(allowed: [.delete])) {
      try AgentRoute.parse(method: "GET", path: "/1.0/listeners/\(lb)")
    }
  }

  @Test func `discovery also answers two slashes`() throws {
    #expect(try AgentRoute.parse(method: "GET", path: "//") == .discovery)
    #expect(try AgentRoute.parse(method: "HEAD", path: "//?a") == .discovery)
  }

  @Test(arguments: [
    "", "///", "info", "/1.0", "/1.0/", "/1.0/info/", "/1.0//info", "//1.0/info", "/1.1/info", "/1.0/INFO",
    "/1.0/infos",
    "/1.0/loadbalancer//haproxy", "/1.0/loadbalancer/\(lb)/certificates/",
    "/1.0/loadbalancer/\(lb)/certificates/a%2Fb.pem", "/1.0/loadbalancer/\(lb)/certificates/a/b.pem", "/1.0/info%00",
    "/1.0/loadbalancer/\(lb)%00/haproxy", "/1.0/info%2", "/1.0/info%", "/1.0/info%zz", "/1.0/info%+1", "/1.0/info%ff",
    "/1.0/plug/vip/", "/1.0/plug/vip", "/1.0/interface/", "/1.0/interface/1.2.3.4/", "/1.0/vrrp", "/1.0/vrrp/", "*",
    "/1.0/../1.0/info", "/1.0/loadbalancer/%2e%2e/%2e%2e/x/haproxy", "/1.0/listeners/\(lb)/", "http://x/1.0/info",
  ])
  func `an unknown path is not found, whatever the method`(path: String) {
    for method in ["GET", "PUT", "POST", "DELETE"] {
      #expect(throws: RouteRejection.notFound) { try AgentRoute.parse(method: method, path: path) }
    }
  }

  @Test func `percent escapes are decoded before the path is matched`() throws {
    #expect(try AgentRoute.parse(method: "GET", path: "/1%2e0/%69nfo") == .info)
    #expect(try AgentRoute.parse(method: "GET", path: "/1.0%2Finfo") == .info)
    let address = try #require(IPAddress("2001:db8::2"))
    #expect(try AgentRoute.parse(method: "POST", path: "/1.0/plug/vip/2001%3Adb8%3a%3A2") == .plugVIP(address))
  }

  @Test(arguments: [
    "%2e%2e", "..", ".", "%2e", "a", "\(lb)x", "\(lb)%20", "%20\(lb)", "\(lb)%0a", "6e8fd3b60c0b44b891ad7d1e4d4ed9c8",
    "6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9cg", "{\(lb)}", "%2e%2e%5c", "\u{FF16}e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8",
  ])
  func `a hostile id is refused in every place of an id`(text: String) {
    let requests = [
      ("GET", "/1.0/loadbalancer/\(text)/haproxy"), ("PUT", "/1.0/loadbalancer/amp/\(text)/haproxy"),
      ("PUT", "/1.0/loadbalancer/\(text)/start"), ("DELETE", "/1.0/listeners/\(text)"),
      ("GET", "/1.0/listeners/\(text)/udp_listener"), ("PUT", "/1.0/listeners/amp/\(text)/udp_listener"),
      ("PUT", "/1.0/loadbalancer/\(text)/certificates/a.pem"),
      ("DELETE", "/1.0/loadbalancer/\(text)/certificates/a.pem"),
    ]
    for (method, path) in requests {
      #expect {
        try AgentRoute.parse(method: method, path: path)
      } throws: {
        guard case .invalidIdentifier? = $0 as? RouteRejection else { return false }
        return true
      }
    }
  }

  @Test(arguments: ["..", ".", "-x", "_x", "a%20b", "a;b", "a%0a", String(repeating: "a", count: 65), "é"])
  func `a hostile amphora id is refused`(text: String) {
    #expect {
      try AgentRoute.parse(method: "PUT", path: "/1.0/loadbalancer/\(text)/\(lb)/haproxy")
    } throws: {
      guard case .invalidIdentifier(what: "amphora id", _)? = $0 as? RouteRejection else { return false }
      return true
    }
  }

  @Test(arguments: [
    ("pem", "pem"), (".pem", ".pem"), ("..pem", "..pem"), ("%2e%2e", ".."), ("a.crt", "a.crt"),
    ("a.pem.bak", "a.pem.bak"),
    ("apem", "apem"), ("a.PEM", "a.PEM"), ("a.pem%0a", "a.pem\n"), ("a%20b.pem", "a b.pem"), ("a..pem", "a..pem"),
    ("a.pem.", "a.pem."), ("%2dx.pe", "-x.pe"), ("é.pem", "é.pem"), (String(repeating: "a", count: 197) + ".pem", ""),
  ])
  func `a hostile file name is refused`(segment: String, text: String) {
    let text = text.isEmpty ? segment : text
    for method in ["PUT", "GET", "DELETE"] {
      #expect(throws: RouteRejection.invalidFileName(text)) {
        try AgentRoute.parse(method: method, path: "/1.0/loadbalancer/\(lb)/certificates/\(segment)")
      }
    }
  }

  @Test(arguments: ["a.pem", "A-1_b.pem", "a.b.c.pem", "-.pem", String(repeating: "a", count: 196) + ".pem", "pem.pem"])
  func `ordinary file names pass`(name: String) throws {
    let file = try #require(CertificateFileName(name))
    let id = try #require(LoadBalancerID(lb))
    #expect(
      try AgentRoute.parse(method: "PUT", path: "/1.0/loadbalancer/\(lb)/certificates/\(name)")
        == .putCertificate(id, file))
  }

  @Test(arguments: ["START", "Start", "sTaRt"])
  func `actions are known in any letter case`(text: String) throws {
    let id = try #require(ServiceObjectID(lb))
    #expect(try AgentRoute.parse(method: "PUT", path: "/1.0/loadbalancer/\(lb)/\(text)") == .control(id, .start))
    #expect(try AgentRoute.parse(method: "PUT", path: "/1.0/vrrp/\(text)") == .controlVRRP(.start))
  }

  @Test func `an unknown action is told in lower case, before the id is judged`() {
    #expect(throws: RouteRejection.unknownAction("haproxy")) {
      try AgentRoute.parse(method: "PUT", path: "/1.0/loadbalancer/x/haproxy")
    }
    #expect(throws: RouteRejection.unknownAction("restart")) {
      try AgentRoute.parse(method: "PUT", path: "/1.0/loadbalancer/\(lb)/ReStart")
    }
    #expect(throws: RouteRejection.unknownAction("status")) {
      try AgentRoute.parse(method: "PUT", path: "/1.0/vrrp/status")
    }
  }

  @Test(arguments: ["amphora", "1.2.3", "1.2.3.4%0a", "fe80::1%25eth0", "[::1]", "1.2.3.4:80", "256.1.1.1"])
  func `what is no address is refused, naming what it was for`(text: String) {
    #expect {
      try AgentRoute.parse(method: "POST", path: "/1.0/plug/vip/\(text)")
    } throws: {
      guard case .invalidVIP? = $0 as? RouteRejection else { return false }
      return true
    }
    for (method, path) in [("GET", "/1.0/interface/\(text)"), ("PUT", "/1.0/interface/\(text)/rules")] {
      #expect {
        try AgentRoute.parse(method: method, path: path)
      } throws: {
        guard case .invalidAddress? = $0 as? RouteRejection else { return false }
        return true
      }
    }
  }
}

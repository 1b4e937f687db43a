// Wrong documents give errors that name the field and what is wrong with it.

import FoundationEssentials
import Testing

@testable import AmphoraController

@Suite struct DocumentErrorTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let path: [Step]
    let value: DocumentValue
    let error: String
    var testDescription: String { error }

    init(_ path: Step..., to value: DocumentValue, gives error: String) {
      self.path = path
      self.value = value
      self.error = error
    }
  }

  static let cases = [
    Case(
      "loadbalancer", "listeners", 0, "default_pool", "members", 0, "weight", to: 300,
      gives: "loadbalancer.listeners[0].default_pool.members[0].weight: 300 is outside 0...256"),
    Case(
      "loadbalancer", "listeners", 0, "protocol_port", to: 0,
      gives: "loadbalancer.listeners[0].protocol_port: 0 is outside 1...65535"),
    Case(
      "loadbalancer", "listeners", 0, "protocl", to: "HTTP",
      gives: "loadbalancer.listeners[0].protocl: is not a known field"),
    Case("extra", to: 1, gives: "\"extra\": is not a known field"),
    Case(
      "context", "options", "stick_size", to: "10k", gives: "context.options.stick_size: is not a known field"),
    Case(
      "loadbalancer", "listeners", 1, "protocol", to: "FTP",
      gives: "loadbalancer.listeners[1].protocol: \"FTP\" is not one of "
        + "HTTP, HTTPS, PROMETHEUS, SCTP, TCP, TERMINATED_HTTPS, UDP"),
    Case(
      "loadbalancer", "pools", 0, "lb_algorithm", to: .null, gives: "loadbalancer.pools[0].lb_algorithm: is required"),
    Case(
      "loadbalancer", "pools", 0, "members", to: "x", gives: "loadbalancer.pools[0].members: is a string, not a list"),
    Case("loadbalancer", to: [], gives: "loadbalancer: is a list, not an object"),
    Case(
      "loadbalancer", "admin_state_up", to: "true", gives: "loadbalancer.admin_state_up: is a string, not true or false"
    ),
    Case(
      "loadbalancer", "listeners", 0, "connection_limit", to: "5",
      gives: "loadbalancer.listeners[0].connection_limit: is a string, not an integer"),
    Case(
      "loadbalancer", "listeners", 0, "l7policies", 0, "redirect_http_code", to: 300,
      gives: "loadbalancer.listeners[0].l7policies[0].redirect_http_code: is not one of 301, 302, 303, 307, 308"),
    Case(
      "loadbalancer", "listeners", 0, "l7policies", 0, "redirect_url", to: .null,
      gives: "loadbalancer.listeners[0].l7policies[0].redirect_url: is required for action REDIRECT_TO_URL"),
    Case(
      "loadbalancer", "listeners", 0, "l7policies", 2, "rules", 0, "key", to: .null,
      gives: "loadbalancer.listeners[0].l7policies[2].rules[0].key: is required for type HEADER"),
    Case(
      "loadbalancer", "listeners", 0, "default_pool", "session_persistence", "cookie_name", to: .null,
      gives: "loadbalancer.listeners[0].default_pool.session_persistence.cookie_name: is required for type APP_COOKIE"),
    Case(
      "loadbalancer", "listeners", 0, "default_pool", "healthmonitor", "type", to: "SCTP",
      gives: "loadbalancer.listeners[0].default_pool.healthmonitor.type: SCTP is not possible in a HTTP pool"),
    Case(
      "loadbalancer", "listeners", 0, "default_pool", "healthmonitor", "http_version", to: 2,
      gives: "loadbalancer.listeners[0].default_pool.healthmonitor.http_version: is not one of the numbers 1.0 and 1.1"),
    Case(
      "loadbalancer", "listeners", 0, "default_pool", "protocol", to: "TCP",
      gives: "loadbalancer.listeners[0].default_pool: has protocol TCP, which a TERMINATED_HTTPS listener cannot use"),
    Case(
      "loadbalancer", "pools", 0, "protocol", to: "TCP",
      gives: "loadbalancer.listeners[0].l7policies[6].redirect_pool: has protocol TCP, "
        + "which a TERMINATED_HTTPS listener cannot use"),
    Case(
      "loadbalancer", "listeners", 1, "l7policies", to: [Documents.policy(8, "REJECT")],
      gives: "loadbalancer.listeners[1].l7policies: are not possible with protocol UDP"),
    Case(
      "loadbalancer", "listeners", 1, "id", to: .string(Documents.listenerID),
      gives: "loadbalancer.listeners: have the id \(Documents.listenerID) twice"),
    Case(
      "loadbalancer", "pools", 0, "members", to: [Documents.member(), Documents.member()],
      gives: "loadbalancer.pools[0].members: have the id \(Documents.memberID) twice"),
    Case(
      "loadbalancer", "listeners", 0, "insert_headers", to: ["X-Other": "true"],
      gives: "loadbalancer.listeners[0].insert_headers[\"X-Other\"]: is not a header that can be inserted"),
    Case(
      "loadbalancer", "listeners", 0, "insert_headers", to: ["X-Forwarded-For": "yes"],
      gives: "loadbalancer.listeners[0].insert_headers[\"X-Forwarded-For\"]: is not true or false"),
    Case(
      "context", "subnets", "subnet-4", "cidr", to: "10.0.0.1/24",
      gives: "context.subnets[\"subnet-4\"].cidr: \"10.0.0.1/24\" has host bits set"),
    Case(
      "context", "haproxy_version", to: "latest",
      gives: "context.haproxy_version: \"latest\" is not a version of haproxy like 2.6.12"),
    Case(
      "context", "vrrp_group", "vrrp_auth_pass", to: "a secret",
      gives: "context.vrrp_group.vrrp_auth_pass: the value is not a password of printable ASCII characters "
        + "without blanks, braces and backslashes"),
    Case("context", "certificates", "crl", to: .null, gives: "context.certificates[\"crl\"]: is null, not a string"),
    // These are found by the rendering, because a document without the file in question needs no such field.
    Case("context", "vrrp_group", to: .null, gives: "context.vrrp_group: is required for keepalived.conf"),
    Case("context", "host_amphora_id", to: .null, gives: "context.host_amphora_id: is required for keepalived.conf"),
    Case(
      "context", "host_amphora_id", to: .string(Documents.poolID),
      gives: "context.host_amphora_id: \(Documents.poolID) is not among the amphorae"),
    Case(
      "context", "amphorae", 0, "vrrp_interface", to: .null,
      gives: "context.amphorae[0].vrrp_interface: is required for keepalived.conf"),
    Case("context", "amphorae", 1, "vrrp_ip", to: .null, gives: "context.amphorae[1].vrrp_ip: is required for a peer"),
    Case("context", "certificates", to: [:], gives: "context.certificates: have no file id for \"ca\""),
    Case(
      "context", "subnets", to: [:], gives: "context.subnets[\"subnet-4\"]: is required for 10.0.0.10"),
  ]

  @Test(arguments: cases) func `a wrong field is named with its path and what is wrong`(example: Case) throws {
    let document = Documents.everything.replacing(example.path, with: example.value)
    let error = try #require(throws: DocumentError.self) {
      try ConfigurationFiles.render(LoadBalancerDocument(document))
    }
    #expect(error.description == example.error)
  }

  @Test func `the document that the cases start from has no error`() throws {
    let files = try ConfigurationFiles.render(LoadBalancerDocument(Documents.everything))
    #expect(files.keys.sorted() == ["haproxy.cfg", "keepalived.conf", "lvs-\(Documents.id("c", 2)).conf"])
  }

  @Test(arguments: ["", "{", "{\"loadbalancer\": ", "nonsense"]) func `what is not JSON says so`(text: String) throws {
    let error = try #require(throws: DocumentError.self) { try LoadBalancerDocument(json: Data(text.utf8)) }
    #expect(error.description.hasPrefix("the document is not JSON: "))
  }

  @Test func `errors show long and hostile texts clipped and escaped`() throws {
    let text = "a\nb\u{1B}\u{0}" + String(repeating: "x", count: 100_000)
    let document = Documents.everything.replacing(["loadbalancer", "id"], with: .string(text))
    let error = try #require(throws: DocumentError.self) { try LoadBalancerDocument(document) }
    #expect(error.reason == #""a\nb\u{1B}\0"# + String(repeating: "x", count: 55) + "...\" is not a UUID")
  }

  @Test func `a document changed after reading is checked again when rendered`() throws {
    var document = try LoadBalancerDocument(Documents.everything)
    document.loadBalancer.listeners[0].defaultPool?.sessionPersistence?.cookieName = nil
    #expect(throws: DocumentError.self) { try HAProxyConfiguration.render(document) }
    #expect(throws: DocumentError.self) { try KeepalivedVRRPConfiguration.render(document) }
  }
}

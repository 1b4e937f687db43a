@testable import AmphoraAgent
import Addresses
import Testing

@Suite struct HAProxyConfigurationTests {
  private static let example = """
    # Configuration for loadbalancer 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10
    global
        daemon
        stats socket /var/lib/octavia/0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10.sock mode 0666 level user
        maxconn 100

    frontend prometheus-exporter-internal-endpoint
        bind 127.0.0.1:9101
        mode http
    frontend c1a7b3de-0000-4000-8000-000000000001
        maxconn 100
        redirect scheme https if !{ ssl_fc }
        bind 203.0.113.2:443 ssl crt-list /var/lib/octavia/certs/x/y.pem ciphers AES
        bind 2001:db8::2:443 ssl crt-list /var/lib/octavia/certs/x/y.pem ciphers AES
        mode http
        default_backend d:c
    frontend c1a7b3de-0000-4000-8000-000000000002
        bind 203.0.113.2:22
        mode tcp
    backend d:c
        mode http
        server m 10.0.0.1:80 weight 1
    """

  @Test func `frontends, types, socket and addresses are read`() throws {
    let parsed = try HAProxyConfiguration(parsing: Self.example)
    #expect(
      parsed.frontends == [
        .init(name: "c1a7b3de-0000-4000-8000-000000000001", type: "TERMINATED_HTTPS"),
        .init(name: "c1a7b3de-0000-4000-8000-000000000002", type: "TCP"),
      ])
    #expect(parsed.statsSocket == "/var/lib/octavia/0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10.sock")
    #expect(parsed.boundAddresses.map(\.description) == ["203.0.113.2", "2001:db8::2"])
  }

  @Test func `several addresses on one bind line are all read`() throws {
    let text =
      "global\n    stats socket /s\nfrontend a\n    mode http\n    bind 10.0.0.1:80, 10.0.0.2:80, 2001:db8::1:80 ssl\n"
    #expect(
      try HAProxyConfiguration(parsing: text).boundAddresses.map(\.description) == [
        "10.0.0.1", "10.0.0.2", "2001:db8::1",
      ])
  }

  @Test(arguments: ["frontend a\n    mode http\n", "global\n    stats socket /s\nfrontend a\n    bind 1.2.3.4:5\n", ""])
  func `a file without socket, or a frontend without mode, is refused`(text: String) {
    #expect(throws: HAProxyConfigurationError.self) { try HAProxyConfiguration(parsing: text) }
  }

  @Test func `only the group setting of the global section goes`() {
    let text = """
      global
          daemon
          group nogroup
          user nobody
      defaults
          log-format %f\\ group\\ x
      frontend a
          group b
          http-request set-header X " group admin "
      """
    let expected = """
      global
          daemon
          user nobody
      defaults
          log-format %f\\ group\\ x
      frontend a
          group b
          http-request set-header X " group admin "
      """
    #expect(HAProxyConfiguration.removingGroup(text) == expected)
    #expect(HAProxyConfiguration.removingGroup(expected) == expected)
    #expect(HAProxyConfiguration.removingGroup("global\n\tgroup x\r\n\n") == "global\n\n")
  }
}

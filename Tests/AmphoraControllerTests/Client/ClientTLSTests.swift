import Addresses
import AmphoraController
import AmphoraProtocol
import Foundation
import NIOSSL
import Testing

/// Who is believed: contract agent-api §1.2.
@Suite struct ClientTLSTests {
  let lab: ClientLab

  init() throws { lab = try ClientLab.shared.get() }

  /// One request from a client with these credentials to a server with these; returns the API version.
  private func discover(
    address text: String = "127.0.0.1", zone: String? = nil, serverHost: String? = nil, amphora: AmphoraID? = nil,
    server: String? = nil, client: String? = nil, serverCA: String? = nil, minimumTLS: TLSVersion = .tlsv12,
    maximumTLS: TLSVersion? = nil
  ) async throws -> String {
    let agent = try await ScriptedAgent.start(
      host: serverHost ?? text, identityPEM: server ?? lab.server, clientCAPEM: lab.clientCA, minimumTLS: minimumTLS,
      maximumTLS: maximumTLS, script: [.json(200, #"{"api_version":"1.0"}"#)])
    let address = try #require(IPAddress(text))
    let client = try AmphoraClient(
      endpoint: AmphoraEndpoint(amphora: amphora ?? lab.amphora, address: address, zone: zone, port: agent.port),
      credentials: ControllerCredentials(clientPEM: client ?? lab.controller, serverCAPEM: serverCA ?? lab.serverCA),
      retry: .once)
    return try await ClientLab.closing(client, agent) { try await client.discover() }
  }

  private func expectUnreachable(_ reasonPart: String, _ body: () async throws -> String) async {
    let error = await #expect(throws: AmphoraClientError.self) { try await body() }
    guard case .unreachable(_, "GET /", 1, let reason)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(reason.contains(reasonPart), "\(reason)")
  }

  @Test(arguments: ["127.0.0.1", "::1"])
  func `the certificate is checked against the amphora's id, not the address`(address: String) async throws {
    #expect(try await discover(address: address) == "1.0")
  }

  @Test(.enabled(if: linkLocal() != nil, "no interface here has a link-local IPv6 address"))
  func `a link-local address is reached through its zone`() async throws {
    let (address, zone) = try #require(linkLocal())
    #expect(try await discover(address: address, zone: zone, serverHost: "::") == "1.0")
  }

  @Test func `the letter case of the id does not matter`() async throws {
    let upper = try #require(AmphoraID(ClientLab.amphoraText.uppercased()))
    #expect(try await discover(amphora: upper) == "1.0")
  }

  @Test(arguments: [TLSVersion.tlsv12, .tlsv13])
  func `TLS 1_2 and 1_3 are spoken`(version: TLSVersion) async throws {
    #expect(try await discover(minimumTLS: version, maximumTLS: version) == "1.0")
  }

  @Test func `older TLS is refused`() async throws {
    await expectUnreachable("handshake") { try await discover(minimumTLS: .tlsv1, maximumTLS: .tlsv11) }
  }

  @Test func `another CA's server is refused, though the CA has the same name`() async throws {
    await expectUnreachable("CERTIFICATE_VERIFY_FAILED") { try await discover(serverCA: lab.strangeCA) }
  }

  @Test func `another amphora's certificate is refused`() async throws {
    await expectUnreachable("failedToValidateHostname") { try await discover(amphora: lab.otherAmphora) }
  }

  @Test func `a controller that shows another CA's certificate gets no answer`() async throws {
    await expectUnreachable("UNKNOWN_CA") { try await discover(client: lab.strangeController) }
  }

  @Test func `bad credentials are refused before anything is sent`() throws {
    let address = try #require(IPAddress("127.0.0.1"))
    let endpoint = AmphoraEndpoint(amphora: lab.amphora, address: address)
    for credentials in [
      ControllerCredentials(clientPEM: "", serverCAPEM: lab.serverCA),
      ControllerCredentials(clientPEM: lab.clientCA, serverCAPEM: lab.serverCA),
      ControllerCredentials(clientPEM: lab.controller, serverCAPEM: "nothing"),
    ] {
      #expect(throws: CredentialError.self) { try AmphoraClient(endpoint: endpoint, credentials: credentials) }
    }
  }

  @Test(.enabled(if: CertificateFolder.hasOpenSSL, "/usr/bin/openssl is not installed"))
  func `a server of another make is talked to as well`() async throws {
    let folder = try CertificateFolder()
    try folder.write(lab.server, "server.pem")
    try folder.write(lab.clientCA, "client_ca.pem")
    try FileManager.default.createDirectory(atPath: folder.file("1.0"), withIntermediateDirectories: true)
    let info =
      #"{"hostname":"s_server","haproxy_version":"2.6","api_version":"1.0","keepalived_version":"2","ipvsadm_version":"1"}"#
    // With -HTTP openssl sends the file as it is: status line, headers, body.
    try folder.write(
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(info.utf8.count)\r\nConnection: close\r\n\r\n\(info)",
      "1.0/info")
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/openssl")
    process.arguments = [
      "s_server", "-accept", "127.0.0.1:0", "-cert", "server.pem", "-key", "server.pem", "-Verify", "1",
      "-verify_return_error",
      "-CAfile", "client_ca.pem", "-tls1_2", "-HTTP",
    ]
    process.currentDirectoryURL = URL(filePath: folder.path)
    process.standardInput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    defer {
      // Not SIGTERM: Foundation's children inherit the blocked signals of the thread that started them.
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    let port = try #require(acceptedPort(pipe.fileHandleForReading))
    let address = try #require(IPAddress("127.0.0.1"))
    let client = try AmphoraClient(
      endpoint: AmphoraEndpoint(amphora: lab.amphora, address: address, port: port), credentials: lab.credentials,
      retry: .once)
    #expect(try await ClientLab.closing(client, nil) { try await client.info().hostname } == "s_server")
  }
}

/// Reads `ACCEPT 127.0.0.1:<port>`, which s_server prints when it listens.
private func acceptedPort(_ output: FileHandle) -> Int? {
  var text = ""
  while true {
    let data = output.availableData
    guard !data.isEmpty else { return nil }
    text += String(decoding: data, as: UTF8.self)
    for line in text.split(separator: "\n").dropLast(text.hasSuffix("\n") ? 0 : 1) where line.hasPrefix("ACCEPT ") {
      return line.split(separator: ":").last.flatMap { Int($0) }
    }
  }
}

/// A link-local IPv6 address of this host and its interface.
///
/// In the tests' sandbox a link is made for it, which the sandbox takes away: there is only the loopback link, or links of
/// other tests, whose addresses may still be tentative.
private func linkLocal() -> (address: String, zone: String)? { foundLinkLocal }

private let foundLinkLocal: (address: String, zone: String)? = {
  guard getenv("AMPHORA_SANDBOX") != nil else { return findLinkLocal { _ in true } }
  for arguments in [
    "link add zone0 type veth peer name zone1", "link set zone1 up", "address add fe80::a9:1/64 dev zone0 nodad",
    "link set zone0 addrgenmode none up",
  ] {
    _ = try? HAProxyProcess.run("/sbin/ip", arguments.split(separator: " ").map(String.init))
  }
  return findLinkLocal { $0 == "zone0" }
}()

private func findLinkLocal(on isWanted: (String) -> Bool) -> (address: String, zone: String)? {
  var list: UnsafeMutablePointer<ifaddrs>?
  guard getifaddrs(&list) == 0 else { return nil }
  defer { freeifaddrs(list) }
  var next = list
  while let entry = next {
    next = entry.pointee.ifa_next
    guard let address = entry.pointee.ifa_addr, Int32(address.pointee.sa_family) == AF_INET6 else { continue }
    let bytes = address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { socket in
      withUnsafeBytes(of: socket.pointee.sin6_addr) { Array($0) }
    }
    let name = String(cString: entry.pointee.ifa_name)
    guard let parsed = IPAddress(bytes: bytes), parsed.isLinkLocal, isWanted(name) else { continue }
    return (parsed.description, name)
  }
  return nil
}

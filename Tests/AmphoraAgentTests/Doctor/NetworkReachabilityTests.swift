// Gateways and members: each fault is made in real namespaces; the doctor names it and nothing else.

import Addresses
import AmphoraProtocol
import Files
import Glibc
import Netlink
import Testing

@testable import AmphoraAgent

@Suite(.enabled(if: InterfaceLab.isPossible, InterfaceLab.why)) struct NetworkReachabilityTests {
  @Test(arguments: [("203.0.113.1/24", "eth1", "ARP"), ("2001:db8::1/64", "eth1", "neighbour discovery")])
  func `a gateway that is away is a warning, for not every subnet has a router`(
    address: String, link: String, protocolName: String
  ) async throws {
    let lab = try await NetworkLab()
    try lab.wire("address delete \(address) dev \(lab.far(Example.mac))")
    // The kernel takes all addresses of a network with its first one.
    try lab.wire("address replace 203.0.113.5/24 dev \(lab.far(Example.mac))")
    let faults = await lab.faults()
    #expect(faults.map(\.check) == ["gateway"] && faults.first?.verdict == .warning, "\(faults)")
    let gateway = address.prefix { $0 != "/" }
    #expect(faults.first?.evidence.hasPrefix("\(gateway) on \(link) does not answer \(protocolName)") == true)
    try lab.wire("address add \(address) dev \(lab.far(Example.mac))")
    #expect(await lab.faults() == [])
  }

  @Test func `with members behind it a gateway that is away is a failure, and they are its fault`() async throws {
    let lab = try await NetworkLab()
    let listener = try LabSocket(.tcp, at: "10.0.0.21", port: 80, in: lab.lab.wire)
    try lab.configure(members: ["10.0.0.21:80", "192.0.2.21:80", "192.0.2.22:80"])
    try lab.wire("address delete 10.0.0.254/24 dev \(lab.far(NetworkLab.memberMAC))")
    try lab.wire("address replace 10.0.0.21/24 dev \(lab.far(NetworkLab.memberMAC))")
    let faults = await lab.faults()
    #expect(faults.map(\.check) == ["gateway"] && faults.first?.verdict == .failure, "\(faults)")
    #expect(faults.first?.evidence == "10.0.0.254 on eth2 does not answer ARP; 2 members are behind it")
    try lab.wire("address add 10.0.0.254/24 dev \(lab.far(NetworkLab.memberMAC))")
    try lab.configure(members: ["10.0.0.21:80"])
    #expect(await lab.faults() == [])
    _ = listener
  }

  @Test func `a member whose port is closed is told, and whether its pool has others`() async throws {
    let lab = try await NetworkLab()
    let listener = try LabSocket(.tcp, at: "10.0.0.21", port: 80, in: lab.lab.wire)
    try lab.configure(members: ["10.0.0.21:80"])
    #expect(await lab.faults() == [])
    try lab.configure(members: ["10.0.0.21:80", "10.0.0.21:81", "10.0.0.21:82 disabled"])
    var faults = await lab.faults()
    #expect(faults.map(\.check) == ["member"] && faults.first?.verdict == .warning, "\(faults)")
    #expect(faults.first?.evidence == "10.0.0.21 port 81 (member m2 of pool p1): Connection refused")

    try lab.configure(members: ["10.0.0.21:81"])
    faults = await lab.faults()
    #expect(faults.map(\.check) == ["member"] && faults.first?.verdict == .failure, "\(faults)")
    let second = try LabSocket(.tcp, at: "10.0.0.21", port: 81, in: lab.lab.wire)
    #expect(await lab.faults() == [])
    _ = (listener, second)
  }

  @Test func `a member whose machine is away is told from one that drops packets`() async throws {
    let lab = try await NetworkLab()
    try lab.configure(members: ["10.0.0.22:80", "192.0.2.21:80"])
    let faults = await lab.faults()
    #expect(faults.map(\.check) == ["member", "member"], "\(faults)")
    #expect(
      faults.first?.evidence.contains("10.0.0.22 port 80 (member m1 of pool p1): nobody there answers ARP") == true)
    // The next hop has no way to it, and says so or not.
    #expect(faults.last?.evidence.hasPrefix("192.0.2.21 port 80 (member m2 of pool p1): ") == true)
    #expect(faults.last?.evidence.contains("ARP") == false)
  }

  @Test func `of a UDP pool the machine must be there`() async throws {
    let lab = try await NetworkLab()
    let listener = ListenerID(unchecked: "bbbbbbbb-0000-4000-8000-000000000001")
    let text = """
      # Configuration for Pool p9
      virtual_server_group ipv4-group {
          203.0.113.2 53
      }
      virtual_server group ipv4-group {
          protocol UDP
          # Configuration for Member m9
          real_server 10.0.0.23 53 {
              weight 1
          }
      }
      """
    _ = lab.folder.folder("lvs")
    try DurableFile.write(Array(text.utf8), to: lab.amphora.paths.lvsConfiguration(of: listener), mode: 0o644)
    let faults = await lab.faults()
    #expect(faults.map(\.check) == ["member"] && faults.first?.verdict == .failure, "\(faults)")
    #expect(
      faults.first?.evidence.hasPrefix("10.0.0.23 port 53 (member m9 of pool p9): nobody there answers ARP") == true)
    try lab.wire("address add 10.0.0.23/24 dev \(lab.far(NetworkLab.memberMAC))")
    #expect(await lab.faults() == [])
  }

  @Test func `members that haproxy finds in order are not asked, and count for their pool`() async throws {
    let lab = try await NetworkLab()
    // No listener at 80: asked, it would be a fault.
    try lab.configure(members: ["10.0.0.21:80", "10.0.0.21:81"])
    let path = lab.amphora.paths.statsSocket(of: NetworkLab.balancer)
    let answer = "# pxname,svname,status,\np1:f1,m1,UP,\np1:f1,m2,DOWN,\n\n"
    let server = try AnsweringSocket(path: path, answer: answer)
    let faults = await lab.faults()
    #expect(faults.map(\.check) == ["member"] && faults.first?.verdict == .warning, "\(faults)")
    #expect(faults.first?.evidence.hasPrefix("10.0.0.21 port 81 (member m2 ") == true)
    server.stop()
  }

  @Test func `not more members are listed than help`() async throws {
    let lab = try await NetworkLab()
    try lab.configure(members: (1...1000).map { "10.0.0.21:\($0 + 1000)" })
    let start = ContinuousClock.now
    let faults = await lab.faults()
    let duration = ContinuousClock.now - start
    #expect(faults.count == 65 && faults.last?.evidence == "and 936 more members", "\(faults.count)")
    // Far more than it takes, for the machine may be busy.
    #expect(duration < .seconds(10), "\(duration)")
    print("1,000 closed members: \(duration)")
  }
}

/// A UNIX socket that gives each client the same answer.
final class AnsweringSocket: Sendable {
  private let descriptor: CInt

  init(path: String, answer: String) throws {
    descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8).prefix(107)) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(bound == 0 && listen(descriptor, 8) == 0)
    BackgroundThread.detach(name: "stats") { [descriptor] in
      while true {
        let client = accept(descriptor, nil, nil)
        guard client >= 0 else { return }
        var command = [UInt8](repeating: 0, count: 256)
        _ = recv(client, &command, command.count, 0)
        let bytes = Array(answer.utf8)
        _ = send(client, bytes, bytes.count, CInt(MSG_NOSIGNAL))
        close(client)
      }
    }
  }

  /// Ends the thread that answers.
  func stop() { shutdown(descriptor, CInt(SHUT_RDWR)) }

  deinit { close(descriptor) }
}

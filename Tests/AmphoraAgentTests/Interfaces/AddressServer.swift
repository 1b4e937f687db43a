// A network that hands out addresses: dnsmasq as DHCP server and router, at the other end of a lab's wires.

import Files
import Glibc
import Netlink
import Testing

@testable import AmphoraAgent

/// Hands out one IPv4 address and an IPv6 prefix to whoever asks on the lab's only wire.
final class AddressServer: Sendable {
  static let isInstalled = FileRead.exists(program) && FileRead.exists(client)
  static let why: Comment = "needs dnsmasq and dhclient (Debian: dnsmasq-base, isc-dhcp-client)"
  /// ISC's client, where distributions install it.
  static let client = "/sbin/dhclient"
  private static let program = "/usr/sbin/dnsmasq"

  /// The only address there is to lease.
  static let lease = "10.9.0.50/24"
  static let prefix = "2001:db8:9:"
  static let router = "10.9.0.1"

  private let folder: String

  /// What the server has done so far.
  var log: String { FileRead.text("\(folder)/dnsmasq.log") ?? "" }

  init(_ lab: InterfaceLab) throws {
    folder = lab.folder.path
    let far = try #require(try NetlinkSocket(in: lab.wire).links().first { $0.name.hasPrefix("w") }).name
    // No name server, domain or host name among the options: dhclient's script would write them to this machine's files.
    let arguments = [
      "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--port=0", "--user=root", "--interface=\(far)",
      "--dhcp-authoritative", "--no-ping", "--dhcp-range=10.9.0.50,10.9.0.50,255.255.255.0,10m", "--enable-ra",
      "--dhcp-range=2001:db8:9::,ra-only,64", "--ra-param=\(far),5,60", "--log-dhcp",
      "--log-facility=\(folder)/dnsmasq.log", "--dhcp-leasefile=\(folder)/dnsmasq.leases",
      "--pid-file=\(folder)/dnsmasq.pid",
    ]
    try lab.wire.runBlocking {
      for words in [
        "address add \(Self.router)/24 dev \(far)", "address add 2001:db8:9::1/64 dev \(far) nodad",
      ] {
        try NamespaceProcess.run("/sbin/ip", words.split(separator: " ").map(String.init), within: .seconds(5))
      }
      try NamespaceProcess.run(Self.program, arguments, within: .seconds(10))
    }
  }

  deinit {
    for (file, name) in [("dnsmasq", "dnsmasq"), ("dhclient-eth2", "dhclient")] {
      if let process = FileRead.liveProcess(pidFile: "\(folder)/\(file).pid", named: name) { kill(process, SIGKILL) }
    }
  }
}

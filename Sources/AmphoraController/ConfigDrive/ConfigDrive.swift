// What an amphora reads at its first boot: the config drive that a controller's order becomes in nova's hands (contract
// image §4). The tree is made here; `genisoimage -V config-2` or a driver makes a medium of it.

public import Addresses
public import AmphoraProtocol
import FoundationEssentials

/// The config drive of one amphora.
public struct ConfigDrive: Sendable {
  /// How the files reach the amphora.
  public enum Delivery: String, Sendable, CaseIterable {
    /// nova injects them: `openstack/content/0000` and on.
    case injectedFiles
    /// In `user_data`, as with Octavia's deprecated option `user_data_config_drive`.
    case userData
  }

  /// The id that nova gives the machine; not the amphora's.
  public var instance: String
  /// The machine's name, `amphora-` and the amphora's id.
  public var name: String
  /// What nova appends to the host name, its `[api] dhcp_domain`; empty for nothing.
  public var domain = "novalocal"
  /// The NIC on the management network.
  public var network: ManagementNetwork
  /// The files that must be there before the agent starts.
  public var files: [BootFile]
  /// How they get there.
  public var delivery = Delivery.injectedFiles
  /// Public keys that may log in, by name, each as one line of `authorized_keys`.
  public var sshKeys: [String: String] = [:]
  /// The time zone, Octavia's `amp_timezone`.
  public var timezone = "UTC"
  /// Seed for the machine's random numbers; nova gives 512 bytes.
  public var randomSeed: [UInt8]

  /// Makes a config drive with what nova would choose.
  public init(amphora: AmphoraID, network: ManagementNetwork, files: [BootFile]) {
    instance = UUID().uuidString.lowercased()
    name = "amphora-\(amphora)"
    self.network = network
    self.files = files
    var generator = SystemRandomNumberGenerator()
    randomSeed = (0..<512).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
  }
}

/// The NIC on the management network: the only one that an amphora has at its first boot.
public struct ManagementNetwork: Hashable, Sendable {
  /// Its hardware address.
  public var mac: MACAddress
  /// Its MTU; nil leaves it to the link.
  public var mtu: Int?
  /// Its addresses with their networks' prefix lengths; none means DHCP for IPv4.
  public var addresses: [CIDR] = []
  /// The gateways of these networks.
  public var gateways: [IPAddress] = []

  /// Makes a NIC that asks DHCP.
  public init(mac: MACAddress, mtu: Int? = nil) {
    self.mac = mac
    self.mtu = mtu
  }
}

extension BootFile {
  /// The files that controllers send (contract heartbeat-and-config §1.8).
  ///
  /// - Parameters:
  ///   - configuration: `amphora-agent.conf`.
  ///   - certificate: the amphora's own certificate with its key.
  ///   - clientCAPEM: the certificates of the CA that signs controllers' certificates.
  ///   - logForwarding: rsyslog's rules; empty when logs stay on the amphora.
  public static func amphora(
    configuration: AgentConfigurationText, certificate: IssuedCertificate, clientCAPEM: String,
    logForwarding: String = ""
  ) -> [BootFile] {
    [
      BootFile(path: AgentConfigurationText.path, text: configuration.text),
      BootFile(path: "/etc/octavia/certs/server.pem", text: certificate.pem),
      BootFile(path: "/etc/octavia/certs/client_ca.pem", text: clientCAPEM),
      BootFile(path: "/etc/rsyslog.d/10-rsyslog.conf", text: logForwarding),
    ]
  }
}

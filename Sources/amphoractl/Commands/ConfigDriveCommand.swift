// amphoractl config-drive: the tree that a new amphora reads at its first boot.

import Addresses
import AmphoraController
import AmphoraCrypto
import AmphoraProtocol
import ArgumentParser

/// The NIC on the management network.
struct ManagementNetworkOptions: ParsableArguments {
  @Option(help: "The hardware address of the NIC on the management network.")
  var mac: MACAddress

  @Option(help: "Its MTU in bytes; the link's own unless told.")
  var mtu: Int?

  @Option(
    parsing: .singleValue,
    help: "Its address with the prefix length, as 192.0.2.10/24; may be repeated. Without one it asks DHCP.")
  var address: [CIDR] = []

  @Option(parsing: .singleValue, help: "The gateway of such an address; may be repeated.")
  var gateway: [IPAddress] = []

  func validate() throws {
    if let mtu, !(576...65535).contains(mtu) { throw ValidationError("--mtu must be from 576 to 65535") }
    for gateway in gateway where !address.contains(where: { $0.contains(gateway) }) {
      throw ValidationError("--gateway \(gateway) is in the network of no --address")
    }
  }

  var network: ManagementNetwork {
    var network = ManagementNetwork(mac: mac, mtu: mtu)
    network.addresses = address
    network.gateways = gateway
    return network
  }
}

struct ConfigDriveCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "config-drive",
    abstract: "Write what a new amphora reads at its first boot: certificate, configuration, network.",
    discussion: """
      The server CA issues the amphora's certificate. The folder gets openstack/latest and openstack/content as nova \
      would fill them for a controller, everything readable by you only. Make the medium of it with

        genisoimage -o cd.iso -ldots -allow-lowercase -allow-multidot -l -J -r -V config-2 FOLDER

      EXAMPLE: amphoractl config-drive 6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8 --output drive --mac fa:16:3e:00:00:01 \
      --receiver 192.0.2.5:5555 --key-file heartbeat.key
      """)

  @OptionGroup var global: GlobalOptions
  @OptionGroup var keyOptions: HeartbeatKeyOptions
  @OptionGroup var management: ManagementNetworkOptions

  @Argument(help: "The amphora's id, a UUID.") var id: String

  @Option(name: .shortAndLong, help: "The folder to write to; made if it does not exist.", completion: .directory)
  var output: String

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp("Where heartbeats go; may be repeated.", valueName: "address:port"))
  var receiver: [String] = []

  @Option(help: "Seconds between heartbeats.") var heartbeatInterval = 10

  @Option(help: "How many amphorae serve its load balancer: SINGLE or ACTIVE_STANDBY.")
  var topology = Topology.single

  @Option(help: "A file with an ssh public key that may log in.", completion: .file()) var sshKey: String?

  @Option(help: "A file with rsyslog's rules for sending logs away.", completion: .file()) var rsyslog: String?

  @Option(help: "The time zone.") var timezone = "UTC"

  @Option(help: "What is appended to the host name, nova's dhcp_domain; may be empty.") var domain = "novalocal"

  @Flag(help: "Have the agent log at level debug.") var debug = false

  @Flag(help: "Send the files in user_data, as with Octavia's deprecated option user_data_config_drive.")
  var userDataMode = false

  func validate() throws {
    guard (1...86400).contains(heartbeatInterval) else {
      throw ValidationError("--heartbeat-interval must be from 1 to 86400")
    }
    for text in receiver {
      guard let (host, port) = HostAndPort.split(text), port != nil, IPAddress(host) != nil else {
        throw ValidationError(
          "--receiver \(text): it must be ADDRESS:PORT, such as 192.0.2.5:5555 or [2001:db8::5]:5555")
      }
    }
  }

  private struct Body: Encodable {
    let amphora: String
    let folder: String
    let certificate: CertificateBody
    let files: [String]
  }

  func execute(_ context: CommandContext) async throws {
    guard let amphora = AmphoraID(id) else { throw CommandFailure(.usage, "'\(id)' is no amphora id") }
    let issued = try context.signingAuthority(.server).issueAmphoraCertificate(
      id: amphora, validity: context.configuration.duration(.validity))
    let drive = try drive(amphora, issued, context)
    let written = try drive.write(to: output)
    try context.records.store(issued.certificate, of: amphora)
    let certificate = CertificateBody(
      subject: issued.certificate.subject, serial: issued.serial, notAfter: Quantity.iso8601(unixTime: issued.notAfter),
      path: nil)
    let body = Body(amphora: amphora.text, folder: output, certificate: certificate, files: written)
    try context.output.result(body, text: Terminal.safe(written.joined(separator: "\n")))
  }

  private func drive(
    _ amphora: AmphoraID, _ issued: IssuedCertificate, _ context: CommandContext
  ) throws -> ConfigDrive {
    var agent = AgentConfigurationText(
      amphora: amphora, topology: topology, heartbeatReceivers: receiver,
      heartbeatKey: try context.configuration.heartbeatKeyText(keyOptions.key, file: keyOptions.keyFile))
    agent.heartbeatInterval = heartbeatInterval
    agent.isVerbose = debug
    var trusted = ""
    for certificate in try context.authority(.client).trusted() { trusted += try certificate.pem() }
    let files = BootFile.amphora(
      configuration: agent, certificate: issued, clientCAPEM: trusted,
      logForwarding: try rsyslog.map { try Parsed.text($0) } ?? "")
    var drive = ConfigDrive(amphora: amphora, network: management.network, files: files)
    drive.delivery = userDataMode ? .userData : .injectedFiles
    drive.timezone = timezone
    drive.domain = domain
    if let sshKey { drive.sshKeys = ["operator": try Secret.firstLine(of: sshKey)] }
    return drive
  }
}

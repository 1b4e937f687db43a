// amphoractl amphora plug: NICs that were hot-plugged become the VIP port or a member port.

import Addresses
import AmphoraController
import AmphoraProtocol
import ArgumentParser
import FoundationEssentials

struct AmphoraPlug: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plug", abstract: "Have the amphora take a hot-plugged NIC.",
    discussion: "EXAMPLE: amphoractl amphora plug network web-1 --mac fa:16:3e:00:00:02 --ip 10.0.1.5/24",
    subcommands: [VIP.self, Network.self])

  /// What both kinds of NIC have.
  struct Port: ParsableArguments {
    @Option(help: "The NIC's hardware address.") var mac: String?
    @Option(help: "The MTU in bytes; the link's own unless told.") var mtu: Int?
    @Option(
      help: ArgumentHelp(
        "A JSON file with the whole body of the request, in place of all other options; - is standard input.",
        valueName: "file"),
      completion: .file())
    var body: String?

    func validate() throws {
      guard (mac == nil) != (body == nil) else { throw ValidationError("give --mac, or --body") }
      if let mac, MACAddress(mac) == nil { throw ValidationError("'\(mac)' is no hardware address") }
      if let mtu, !(68...65535).contains(mtu) { throw ValidationError("--mtu must be from 68 to 65535") }
    }

    func decoded<Body: Decodable>(_ type: Body.Type) throws -> Body? {
      guard let body else { return nil }
      do { return try JSONDecoder().decode(type, from: Data(InputFile.bytes(body))) } catch let error as DecodingError {
        throw CommandFailure(.usage, "\(body): is no body of this request: \(error)")
      }
    }
  }

  struct VIP: AmphoraRequest {
    static let configuration = CommandConfiguration(
      commandName: "vip", abstract: "Take a NIC as the VIP port.",
      discussion: """
        Host routes and further VIPs go into --body.

        EXAMPLE: amphoractl amphora plug vip web-1 203.0.113.10 --mac fa:16:3e:00:00:01 --subnet 203.0.113.0/24 \
        --gateway 203.0.113.1 --vrrp-ip 203.0.113.4
        """)

    @OptionGroup var target: AmphoraOptions
    @Argument(help: "The VIP.") var vip: IPAddress
    @OptionGroup var port: Port
    @Option(help: "The VIP's subnet, as 203.0.113.0/24.") var subnet: CIDR?
    @Option(help: "The subnet's gateway.") var gateway: IPAddress?
    @Option(name: .customLong("vrrp-ip"), help: "The amphora's own address on the port.") var vrrpIP: IPAddress?

    func validate() throws {
      if port.body == nil && subnet == nil { throw ValidationError("--subnet is missing") }
    }

    func call(_ client: AmphoraClient, _ output: Output) async throws {
      let body =
        try port.decoded(PlugVIPBody.self)
        ?? PlugVIPBody(
          subnetCIDR: subnet.map { "\($0)" } ?? "", gateway: gateway.map { "\($0)" }, macAddress: port.mac ?? "",
          vrrpIP: vrrpIP.map { "\($0)" }, mtu: port.mtu)
      try output.plugged(client, try await client.plugVIP(vip, body))
    }
  }

  struct Network: AmphoraRequest {
    static let configuration = CommandConfiguration(
      commandName: "network", abstract: "Take a NIC as a member port, or change one.",
      discussion: """
        Without --ip the port is configured by DHCP and router advertisements.

        EXAMPLE: amphoractl amphora plug network web-1 --mac fa:16:3e:00:00:02 --ip 10.0.1.5/24
        """)

    @OptionGroup var target: AmphoraOptions
    @OptionGroup var port: Port
    @Option(help: "An address with its prefix length, as 10.0.1.5/24; may be repeated.") var ip: [String] = []

    func call(_ client: AmphoraClient, _ output: Output) async throws {
      let body =
        try port.decoded(PlugNetworkBody.self)
        ?? PlugNetworkBody(
          macAddress: port.mac ?? "", fixedIPs: ip.isEmpty ? nil : try ip.map(fixedIP), mtu: port.mtu)
      try output.plugged(client, try await client.plugNetwork(body))
    }

    private func fixedIP(_ text: String) throws -> FixedIPBody {
      let parts = text.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 2, let address = IPAddress(parts[0]), let length = Int(parts[1]),
        let subnet = CIDR(address: address, prefixLength: length)?.network
      else { throw CommandFailure(.usage, "--ip \(text): it must be ADDRESS/PREFIX, as 10.0.1.5/24") }
      return FixedIPBody(ipAddress: "\(address)", subnetCIDR: "\(subnet)")
    }
  }
}

extension Output {
  fileprivate func plugged(_ client: AmphoraClient, _ outcome: AmphoraClient.PlugOutcome) throws {
    switch outcome {
    case .plugged(let details): try self.outcome(client, "plugged", details: details.isEmpty ? nil : details)
    case .alreadyPlugged: try self.outcome(client, "is plugged already")
    }
  }
}

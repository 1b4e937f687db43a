// The documents of `openstack/latest` in nova's words.

import Addresses
import FoundationEssentials

extension ConfigDrive {
  /// A file's place in the drive.
  private static func contentPath(_ index: Int) -> String {
    let digits = String(index)
    return "/content/" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  /// The files of the tree by their paths in it.
  ///
  /// Most are secrets: the amphora's key, its configuration with the heartbeat key, the random seed.
  public func tree() throws -> [String: String] {
    try check()
    var tree = [
      "openstack/latest/meta_data.json": try Self.json(metaData),
      "openstack/latest/network_data.json": try Self.json(NetworkData(network)),
      "openstack/latest/user_data": userData,
      "openstack/latest/vendor_data.json": "{}\n",
    ]
    for (index, file) in files.enumerated() where delivery == .injectedFiles {
      tree["openstack" + Self.contentPath(index)] = file.text
    }
    return tree
  }

  private var metaData: MetaData {
    MetaData(
      uuid: instance, name: name, hostname: domain.isEmpty ? name : "\(name).\(domain)",
      publicKeys: sshKeys.isEmpty ? nil : sshKeys,
      keys: sshKeys.isEmpty
        ? nil : sshKeys.sorted { $0.key < $1.key }.map { MetaData.Key(name: $0.key, type: "ssh", data: $0.value) },
      randomSeed: Data(randomSeed).base64EncodedString(),
      files: delivery == .injectedFiles
        ? files.enumerated().map { MetaData.File(contentPath: Self.contentPath($0.offset), path: $0.element.path) } : []
    )
  }

  /// The cloud-config document.
  var userData: String {
    var text = "#cloud-config\n# For the amphora \(name); read by cloud-init, or by amphora-agent init.\n\n"
    var commands = ["systemctl restart rsyslog"]
    if delivery == .userData {
      text += "write_files:\n" + files.map(Self.written).joined()
      // The files come after the agent's first start.
      commands.append("service amphora-agent restart")
    }
    text += "runcmd:\n" + commands.map { "-   \($0)\n" }.joined()
    return text + "\ntimezone: \(timezone)\n"
  }

  /// An entry of `write_files`: the text as a block, in which nothing needs escaping, or in base64 when there is something
  /// that YAML would change or refuse.
  private static func written(_ file: BootFile) -> String {
    guard file.text.unicodeScalars.allSatisfy({ $0 == "\t" || $0 == "\n" || $0.isPrintableInYAML }) else {
      return "-   path: \(file.path)\n    encoding: b64\n    content: \(Data(file.text.utf8).base64EncodedString())\n"
    }
    // By bytes: to Swift a carriage return with a line feed is one character.
    let newline = UInt8(ascii: "\n")
    var lines = file.text.utf8.split(separator: newline, omittingEmptySubsequences: false).map { String(Substring($0)) }
    var ending = "-"
    if lines.last == "" {
      lines.removeLast()
      ending = lines.last.map { $0.isEmpty ? "+" : "" } ?? ""
    }
    // Without a number the first line that is not empty says how far the block is indented.
    let isIndented = lines.first { !$0.isEmpty }?.hasPrefix(" ") ?? false
    return "-   path: \(file.path)\n    content: |\(isIndented ? "4" : "")\(ending)\n"
      + lines.map { $0.isEmpty ? "\n" : "        \($0)\n" }.joined()
  }

  private static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
  }
}

/// `meta_data.json`.
private struct MetaData: Encodable {
  struct File: Encodable {
    let contentPath: String
    let path: String

    enum CodingKeys: String, CodingKey {
      case path
      case contentPath = "content_path"
    }
  }
  struct Key: Encodable {
    let name: String
    let type: String
    let data: String
  }

  let uuid: String
  let name: String
  let hostname: String
  let publicKeys: [String: String]?
  let keys: [Key]?
  let randomSeed: String
  let files: [File]
  let launchIndex = 0
  let availabilityZone = "nova"

  enum CodingKeys: String, CodingKey {
    case uuid, name, hostname, keys, files
    case publicKeys = "public_keys"
    case randomSeed = "random_seed"
    case launchIndex = "launch_index"
    case availabilityZone = "availability_zone"
  }
}

/// `network_data.json`.
private struct NetworkData: Encodable {
  struct Link: Encodable {
    let id: String
    let type = "ovs"
    let mac: String
    let mtu: Int?

    enum CodingKeys: String, CodingKey {
      case id, type, mtu
      case mac = "ethernet_mac_address"
    }
  }
  struct Route: Encodable {
    let network: String
    let netmask: String
    let gateway: String
  }
  struct Network: Encodable {
    let id: String
    let type: String
    let link: String
    var address: String?
    var netmask: String?
    var routes: [Route]?

    enum CodingKeys: String, CodingKey {
      case id, type, link, netmask, routes
      case address = "ip_address"
    }
  }

  let links: [Link]
  let networks: [Network]
  let services: [String] = []

  init(_ network: ManagementNetwork) {
    // nova names a link for its tap device.
    let link = "tap" + network.mac.description.split(separator: ":").dropFirst().joined()
    links = [Link(id: link, mac: network.mac.description, mtu: network.mtu)]
    if network.addresses.isEmpty {
      networks = [Network(id: "network0", type: "ipv4_dhcp", link: link)]
      return
    }
    networks = network.addresses.enumerated().map { index, address in
      let family = address.address.family
      let everything = "\(IPAddress.any(family))"
      return Network(
        id: "network\(index)", type: family == .v4 ? "ipv4" : "ipv6", link: link, address: "\(address.address)",
        netmask: Self.mask(address),
        routes: network.gateways.filter(address.contains).map {
          Route(network: everything, netmask: everything, gateway: "\($0)")
        })
    }
  }

  /// The prefix length as a mask: `255.255.255.0`, `ffff:ffff:ffff:ffff::`.
  private static func mask(_ network: CIDR) -> String {
    let bits = network.prefixLength
    let bytes = (0..<network.address.bytes.count).map { index in
      ~UInt8(truncatingIfNeeded: 0xFF >> min(8, max(0, bits - 8 * index)))
    }
    return IPAddress(bytes: bytes).map { "\($0)" } ?? ""
  }
}

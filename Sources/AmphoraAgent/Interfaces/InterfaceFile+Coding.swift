// Interface files as JSON. Writing gives exactly the keys of contract networking §3.2, because upstream's reader fails for
// all interfaces on any other; reading ignores unknown keys.

import Addresses

extension InterfaceFile: Codable {
  private enum CodingKeys: String, CodingKey {
    case name, mtu, addresses, routes, rules, scripts
    case kind = "if_type"
    case isSRIOV = "is_sriov"
  }

  private struct Scripts: Codable {
    struct Entry: Codable { let command: String }
    var up: [Entry]?
    var down: [Entry]?
  }

  /// Decodes a file; `name` and `if_type` must be there.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let name = try container.decode(String.self, forKey: .name)
    guard let name = InterfaceName(name) else {
      throw DecodingError.dataCorruptedError(
        forKey: .name, in: container, debugDescription: "'\(name)' cannot be the name of an interface")
    }
    let scripts = try container.decodeIfPresent(Scripts.self, forKey: .scripts)
    let mtu = try container.decodeIfPresent(Int.self, forKey: .mtu) ?? 0
    guard (0...Int(Int32.max)).contains(mtu) else {
      throw DecodingError.dataCorruptedError(forKey: .mtu, in: container, debugDescription: "\(mtu) is no MTU")
    }
    self.init(
      name: name, kind: try container.decode(Kind.self, forKey: .kind), mtu: mtu == 0 ? nil : mtu,
      addresses: try container.decodeIfPresent([Address].self, forKey: .addresses) ?? [],
      routes: try container.decodeIfPresent([Route].self, forKey: .routes) ?? [],
      rules: try container.decodeIfPresent([Rule].self, forKey: .rules) ?? [],
      upScripts: scripts?.up?.map(\.command) ?? [], downScripts: scripts?.down?.map(\.command) ?? [],
      isSRIOV: try container.decodeIfPresent(Bool.self, forKey: .isSRIOV) ?? false)
  }

  /// Encodes every key of the schema, `mtu` only when there is one.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name.text, forKey: .name)
    try container.encode(kind, forKey: .kind)
    try container.encodeIfPresent(mtu, forKey: .mtu)
    try container.encode(addresses, forKey: .addresses)
    try container.encode(routes, forKey: .routes)
    try container.encode(rules, forKey: .rules)
    try container.encode(
      Scripts(up: upScripts.map(Scripts.Entry.init), down: downScripts.map(Scripts.Entry.init)), forKey: .scripts)
    try container.encode(isSRIOV, forKey: .isSRIOV)
  }
}

extension InterfaceFile.Kind: Codable {
  /// The word in the file.
  package var word: String {
    switch self {
    case .vip: "vip"
    case .backend: "backend"
    case .loopback: "lo"
    case .other(let word): word
    }
  }

  /// Decodes a word; any word is taken.
  package init(from decoder: any Decoder) throws {
    switch try decoder.singleValueContainer().decode(String.self) {
    case "vip": self = .vip
    case "backend": self = .backend
    case "lo": self = .loopback
    case let word: self = .other(word)
    }
  }

  /// Encodes the word.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(word)
  }
}

extension InterfaceFile.Address: Codable {
  private enum CodingKeys: String, CodingKey {
    case address, prefixlen, dhcp, ipv6auto
    case owned = "octavia_owned"
  }

  /// Decodes an entry; one without `address` is an automatic one.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    guard let address = try container.decodeIfPresent(AsWritten<IPAddress>.self, forKey: .address) else {
      self = .automatic(
        dhcp: try container.decodeIfPresent(Bool.self, forKey: .dhcp) ?? false,
        ipv6auto: try container.decodeIfPresent(Bool.self, forKey: .ipv6auto) ?? false)
      return
    }
    let length = try container.decode(Int.self, forKey: .prefixlen)
    guard (0...address.value.family.bitWidth).contains(length) else {
      throw DecodingError.dataCorruptedError(
        forKey: .prefixlen, in: container, debugDescription: "\(length) is no prefix length for \(address)")
    }
    self = .assigned(
      .init(address, prefixLength: length, ownedKey: try container.decodeIfPresent(Bool.self, forKey: .owned)))
  }

  /// Encodes the keys that apply; `dhcp` and `ipv6auto` only when true.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .assigned(let entry):
      try container.encode(entry.address, forKey: .address)
      try container.encode(entry.prefixLength, forKey: .prefixlen)
      try container.encodeIfPresent(entry.ownedKey, forKey: .owned)
    case .automatic(let dhcp, let ipv6auto):
      if dhcp { try container.encode(true, forKey: .dhcp) }
      if ipv6auto { try container.encode(true, forKey: .ipv6auto) }
    }
  }
}

extension InterfaceFile.Route: Codable {
  private enum CodingKeys: String, CodingKey {
    case dst, gateway, prefsrc, scope, flags, onlink, table
  }

  /// Decodes an entry.
  ///
  /// Old files say `"onlink": true` instead of the flag.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let flags = try container.decodeIfPresent([String].self, forKey: .flags) ?? []
    let onlink = try container.decodeIfPresent(Bool.self, forKey: .onlink) ?? false
    let scope = try container.decodeIfPresent(String.self, forKey: .scope)
    guard scope == nil || scope == "link" else {
      throw DecodingError.dataCorruptedError(
        forKey: .scope, in: container, debugDescription: "'\(scope ?? "")' is no scope that interface files use")
    }
    let gateway = try container.decodeIfPresent(String.self, forKey: .gateway)
    self.init(
      to: try container.decode(AsWritten<CIDR>.self, forKey: .dst),
      // An empty gateway is none, as for the generator.
      via: gateway == "" ? nil : try container.decodeIfPresent(AsWritten<IPAddress>.self, forKey: .gateway),
      from: try container.decodeIfPresent(AsWritten<IPAddress>.self, forKey: .prefsrc), isLinkScope: scope != nil,
      isOnLink: onlink || flags.contains("onlink"), tableKey: try container.decodeTable(forKey: .table))
  }

  /// Encodes the keys that apply.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(destination, forKey: .dst)
    try container.encodeIfPresent(gateway, forKey: .gateway)
    try container.encodeIfPresent(preferredSource, forKey: .prefsrc)
    if isLinkScope { try container.encode("link", forKey: .scope) }
    if isOnLink { try container.encode(["onlink"], forKey: .flags) }
    try container.encodeIfPresent(tableKey, forKey: .table)
  }
}

extension InterfaceFile.Rule: Codable {
  private enum CodingKeys: String, CodingKey {
    case src, table
    case length = "src_len"
  }

  /// Decodes an entry.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let source = try container.decode(AsWritten<IPAddress>.self, forKey: .src)
    let length = try container.decode(Int.self, forKey: .length)
    guard (0...source.value.family.bitWidth).contains(length) else {
      throw DecodingError.dataCorruptedError(
        forKey: .length, in: container, debugDescription: "\(length) is no prefix length for \(source)")
    }
    self.init(from: source, length: length, tableKey: try container.decodeTable(forKey: .table))
  }

  /// Encodes the keys that apply.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(source, forKey: .src)
    try container.encode(sourceLength, forKey: .length)
    try container.encodeIfPresent(tableKey, forKey: .table)
  }
}

extension KeyedDecodingContainer {
  /// A routing table: 32 bits wide in the kernel, and 0 stands for none.
  fileprivate func decodeTable(forKey key: Key) throws -> Int? {
    guard let table = try decodeIfPresent(Int.self, forKey: key) else { return nil }
    guard (1...Int(UInt32.max)).contains(table) else {
      throw DecodingError.dataCorruptedError(forKey: key, in: self, debugDescription: "\(table) is no routing table")
    }
    return table
  }
}

// What one interface of the namespace shall look like, as it stands in `<directory>/<name>.json` (contract networking §3).

package import Addresses

/// The content of an interface file: the desired state of one interface.
package struct InterfaceFile: Hashable, Sendable {
  /// What an interface is for.
  package enum Kind: Hashable, Sendable {
    /// Carries VIPs; only these have policy rules.
    case vip
    /// A member port.
    case backend
    /// The loopback link.
    case loopback
    /// A word this program does not know; treated like ``backend``.
    case other(String)
  }

  /// An entry of `addresses`.
  package enum Address: Hashable, Sendable {
    /// An address with a prefix length.
    case assigned(AssignedAddress)
    /// No address: it comes from DHCPv4, from router advertisements, or from both.
    case automatic(dhcp: Bool, ipv6auto: Bool)
  }

  /// An address and who puts it on the link.
  package struct AssignedAddress: Hashable, Sendable {
    /// The address; IPv6 may be in the long form.
    package var address: AsWritten<IPAddress>
    /// The length of its network in bits.
    package var prefixLength: Int
    /// The key `octavia_owned`; nil when the file has none, which means true.
    ///
    /// False: keepalived adds and removes it.
    package var ownedKey: Bool?

    /// Makes an entry.
    package init(_ address: AsWritten<IPAddress>, prefixLength: Int, ownedKey: Bool? = nil) {
      self.address = address
      self.prefixLength = prefixLength
      self.ownedKey = ownedKey
    }

    /// Whether the agent adds and removes the address.
    package var isOwned: Bool { ownedKey ?? true }
  }

  /// An entry of `routes`.
  package struct Route: Hashable, Sendable {
    /// The destination; host bits may be set and are masked before use.
    package var destination: AsWritten<CIDR>
    /// The next hop.
    package var gateway: AsWritten<IPAddress>?
    /// The preferred source.
    package var preferredSource: AsWritten<IPAddress>?
    /// Whether `scope` is `link`.
    package var isLinkScope: Bool
    /// Whether the next hop is on this link though no address covers it.
    package var isOnLink: Bool
    /// The routing table; nil when the file names none, which means ``mainTable``.
    package var tableKey: Int?

    /// Makes an entry.
    package init(
      to destination: AsWritten<CIDR>, via gateway: AsWritten<IPAddress>? = nil,
      from source: AsWritten<IPAddress>? = nil,
      isLinkScope: Bool = false, isOnLink: Bool = false, tableKey: Int? = nil
    ) {
      self.destination = destination
      self.gateway = gateway
      preferredSource = source
      self.isLinkScope = isLinkScope
      self.isOnLink = isOnLink
      self.tableKey = tableKey
    }

    /// The routing table.
    package var table: Int { tableKey ?? InterfaceFile.mainTable }
  }

  /// An entry of `rules`: packets from a source look up a table.
  package struct Rule: Hashable, Sendable {
    /// The source's address.
    package var source: AsWritten<IPAddress>
    /// The length of the source's network in bits.
    package var sourceLength: Int
    /// The routing table; nil when the file names none, which means ``mainTable``.
    package var tableKey: Int?

    /// Makes an entry.
    package init(from source: AsWritten<IPAddress>, length: Int, tableKey: Int?) {
      self.source = source
      sourceLength = length
      self.tableKey = tableKey
    }

    /// The routing table.
    package var table: Int { tableKey ?? InterfaceFile.mainTable }
  }

  /// The table of a route or rule that names none.
  package static let mainTable = 254
  /// The table that packets from a VIP look up.
  package static let vipTable = 1

  /// The interface's name in the namespace.
  package var name: InterfaceName
  /// What the interface is for.
  package var kind: Kind
  /// In bytes; nil leaves the link's own.
  package var mtu: Int?
  /// In the order of the file.
  package var addresses: [Address]
  /// In the order of the file; of several to one destination in one table the first wins.
  package var routes: [Route]
  /// In the order of the file.
  package var rules: [Rule]
  /// Commands to run after the bring-up, in order.
  package var upScripts: [String]
  /// Commands to run after the take-down, in order.
  package var downScripts: [String]
  /// Whether the SR-IOV firewall guards the interface.
  package var isSRIOV: Bool

  /// Makes a file; everything but name and kind is empty unless given.
  package init(
    name: InterfaceName, kind: Kind, mtu: Int? = nil, addresses: [Address] = [], routes: [Route] = [],
    rules: [Rule] = [],
    upScripts: [String] = [], downScripts: [String] = [], isSRIOV: Bool = false
  ) {
    self.name = name
    self.kind = kind
    self.mtu = mtu
    self.addresses = addresses
    self.routes = routes
    self.rules = rules
    self.upScripts = upScripts
    self.downScripts = downScripts
    self.isSRIOV = isSRIOV
  }

  /// The entries that carry an address.
  package var assigned: [AssignedAddress] {
    addresses.compactMap { if case .assigned(let entry) = $0 { entry } else { nil } }
  }

  /// Whether a DHCPv4 client shall run on the interface.
  package var wantsDHCP: Bool {
    addresses.contains { if case .automatic(dhcp: true, _) = $0 { true } else { false } }
  }

  /// Whether the interface shall take addresses and routes from router advertisements.
  package var wantsRouterAdvertisements: Bool {
    addresses.contains { if case .automatic(_, ipv6auto: true) = $0 { true } else { false } }
  }
}

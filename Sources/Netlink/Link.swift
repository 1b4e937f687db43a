// Network interfaces as the kernel reports them.

package import Addresses
import CNetlink

/// A network interface at the moment it was read.
package struct Link: Hashable, Sendable, CustomStringConvertible {
  /// The number the kernel knows it by, unique in its namespace.
  package let index: Int32
  /// The name, 1 to 15 bytes.
  package let name: String
  /// The Ethernet address; nil for links that have none or only zeros, such as `lo`.
  package let macAddress: MACAddress?
  /// The largest packet in bytes.
  package let mtu: UInt32
  /// The flags of `SIOCGIFFLAGS` (`IFF_*`).
  package let flags: Flags
  /// What the link can do at the moment (RFC 2863), apart from what it is told to.
  package let operationalState: OperationalState
  /// The driver's kind for virtual links: `veth`, `bridge`; nil for hardware.
  package let kind: String?
  /// The bridge this link is a port of.
  package let masterIndex: Int32?
  /// Traffic since the link was made.
  package let statistics: Statistics

  /// Whether it is administratively up, whatever the cable says.
  package var isUp: Bool { flags.contains(.up) }

  /// `eth1 (3)`: name and index.
  package var description: String { "\(name) (\(index))" }

  /// Flags of a link, linux/if.h.
  package struct Flags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    /// Administratively up.
    package static let up = Flags(rawValue: 0x1)
    /// Can send to all stations of its network.
    package static let broadcast = Flags(rawValue: 0x2)
    /// `lo`.
    package static let loopback = Flags(rawValue: 0x8)
    /// Up and able to pass traffic.
    package static let running = Flags(rawValue: 0x40)
    /// There is a carrier.
    package static let lowerUp = Flags(rawValue: 0x10000)
  }

  /// `IF_OPER_*` of linux/if.h.
  package enum OperationalState: UInt8, Hashable, Sendable {
    case unknown, notPresent, down, lowerLayerDown, testing, dormant, up
  }

  /// 64-bit counters (`IFLA_STATS64`).
  package struct Statistics: Hashable, Sendable {
    /// Ethernet headers included.
    package var receivedBytes: UInt64 = 0
    /// Ethernet headers included.
    package var sentBytes: UInt64 = 0
    /// Packets taken in.
    package var receivedPackets: UInt64 = 0
    /// Packets put out.
    package var sentPackets: UInt64 = 0
    /// Damaged on the way in.
    package var receiveErrors: UInt64 = 0
    /// Not sent for a fault of link or driver.
    package var sendErrors: UInt64 = 0
    /// Received, but not passed on, for instance without memory.
    package var receiveDropped: UInt64 = 0
    /// Not sent because a queue was full.
    package var sendDropped: UInt64 = 0
  }

  /// Whether the kernel would take this as a link's name.
  ///
  /// It must also hold no `%`, which asks the kernel to number it.
  package static func isValidName(_ name: String) -> Bool {
    (1...15).contains(name.utf8.count) && name != "." && name != ".."
      && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && !"/:%".utf8.contains($0) }
  }
}

extension Link {
  /// Copies libnl's link.
  init?(_ link: OpaquePointer) {
    guard let name = rtnl_link_get_name(link) else { return nil }
    self.index = rtnl_link_get_ifindex(link)
    self.name = String(cString: name)
    macAddress = rtnl_link_get_addr(link).flatMap { MACAddress(bytes: NetlinkAddress.bytes($0)) }
    mtu = rtnl_link_get_mtu(link)
    flags = Flags(rawValue: rtnl_link_get_flags(link))
    operationalState = OperationalState(rawValue: rtnl_link_get_operstate(link)) ?? .unknown
    kind = rtnl_link_get_type(link).map { String(cString: $0) }
    let master = rtnl_link_get_master(link)
    masterIndex = master > 0 ? master : nil
    statistics = Statistics(
      receivedBytes: rtnl_link_get_stat(link, RTNL_LINK_RX_BYTES),
      sentBytes: rtnl_link_get_stat(link, RTNL_LINK_TX_BYTES),
      receivedPackets: rtnl_link_get_stat(link, RTNL_LINK_RX_PACKETS),
      sentPackets: rtnl_link_get_stat(link, RTNL_LINK_TX_PACKETS),
      receiveErrors: rtnl_link_get_stat(link, RTNL_LINK_RX_ERRORS),
      sendErrors: rtnl_link_get_stat(link, RTNL_LINK_TX_ERRORS),
      receiveDropped: rtnl_link_get_stat(link, RTNL_LINK_RX_DROPPED),
      sendDropped: rtnl_link_get_stat(link, RTNL_LINK_TX_DROPPED))
  }
}

// IP addresses on links.

package import Addresses
import CNetlink
import Glibc

/// An IP address on a link.
package struct InterfaceAddress: Hashable, Sendable, CustomStringConvertible {
  /// The address with the prefix length of its network; host bits are set.
  package var cidr: CIDR
  /// The link.
  package var linkIndex: Int32
  /// Its state, or what is wished for a new one.
  package var flags: Flags
  /// How far it reaches: `fe80::/10` has ``RouteScope/link``, `::1` ``RouteScope/host``.
  package var scope: RouteScope

  /// An address to be added, or compared with a listed one.
  package init(_ cidr: CIDR, linkIndex: Int32, flags: Flags = [], scope: RouteScope = .universe) {
    self.cidr = cidr
    self.linkIndex = linkIndex
    self.flags = flags
    self.scope = scope
  }

  /// The address alone.
  package var address: IPAddress { cidr.address }
  /// The length of the network's prefix in bits.
  package var prefixLength: Int { cidr.prefixLength }
  /// Set by hand: without a lifetime, so from neither DHCP nor router advertisements.
  package var isPermanent: Bool { flags.contains(.permanent) }
  /// IPv6 only: duplicate detection still runs, or has failed.
  ///
  /// It cannot be used as a source yet.
  package var isTentative: Bool { flags.contains(.tentative) }
  /// IPv6 only: another host has it.
  ///
  /// Stays so until the address is deleted.
  package var isDuplicate: Bool { flags.contains(.duplicate) }

  /// `203.0.113.2/24 on link 3`.
  package var description: String { "\(cidr) on link \(linkIndex)" }

  /// Address flags, linux/if_addr.h `IFA_F_*`.
  package struct Flags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    /// IPv4 only: a further address in the network of another one, and deleted with that (unless `promote_secondaries`).
    package static let secondary = Flags(rawValue: 0x01)
    /// IPv6 only: usable at once, without duplicate detection.
    package static let noDuplicateDetection = Flags(rawValue: 0x02)
    /// Duplicate detection failed (`dadfailed`).
    package static let duplicate = Flags(rawValue: 0x08)
    /// Its preferred lifetime is over: used, but not for new connections.
    package static let deprecated = Flags(rawValue: 0x20)
    /// IPv6 only: duplicate detection runs or has failed.
    package static let tentative = Flags(rawValue: 0x40)
    /// Without a lifetime.
    package static let permanent = Flags(rawValue: 0x80)
    /// The kernel makes no connected route for it.
    package static let noPrefixRoute = Flags(rawValue: 0x200)

    /// What a request may ask for; the rest is the kernel's to say.
    static let settable: Flags = [.noDuplicateDetection, .noPrefixRoute]
  }
}

extension NetlinkSocket {
  /// The addresses of all links, or of one.
  ///
  /// Same as `ip address show`.
  package func addresses(on link: Link? = nil) throws(NetlinkError) -> [InterfaceAddress] {
    try dump(RTM_GETADDR, "addresses", InterfaceAddress.init)
      .filter { link == nil || $0.linkIndex == link?.index }
  }

  /// How long ago each address was put on its link, by address.
  ///
  /// The kernel counts from its boot in hundredths of a second and 32 bits, so that ages start over after 497 days.
  package func addressAges() throws(NetlinkError) -> [IPAddress: Duration] {
    let stamps = try dump(RTM_GETADDR, "addresses") { object in
      InterfaceAddress(object).map { ($0.address, rtnl_addr_get_create_time(object)) }
    }
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    let hundredths = UInt32(truncatingIfNeeded: now.tv_sec * 100 + now.tv_nsec / 10_000_000)
    return Dictionary(
      stamps.map { address, stamp in
        let age = hundredths &- stamp
        // The kernel's tick may be seconds behind the clock, and a little ahead of it.
        return (address, .milliseconds(age > UInt32.max - 1000 ? 0 : Int(age) * 10))
      }, uniquingKeysWith: { first, _ in first })
  }

  /// Adds an address, without broadcast address or label, valid for ever.
  ///
  /// Same as `ip address add CIDR dev LINK`.
  ///
  /// EEXIST when the link has it already, ENODEV when there is no such link.
  package func add(_ address: InterfaceAddress) throws(NetlinkError) {
    try send(.newAddress(address), "add address", address.description)
  }

  /// Deletes an address; an IPv4 address may take its ``InterfaceAddress/Flags/secondary`` ones with it.
  ///
  /// Same as `ip address delete CIDR dev LINK`. ``NetlinkError/isNotFound`` when the link has no such address.
  package func delete(_ address: InterfaceAddress) throws(NetlinkError) {
    try send(.deleteAddress(address), "delete address", address.description)
  }
}

extension NetlinkRequest {
  static func newAddress(_ address: InterfaceAddress) -> NetlinkRequest {
    var request = NetlinkRequest(RTM_NEWADDR, flags: Int32(NLM_F_CREATE | NLM_F_EXCL), address)
    let flags = address.flags.intersection(.settable)
    // As an attribute, because the header's field has only 8 bits.
    if !flags.isEmpty { request.append(IFA_FLAGS, flags.rawValue) }
    return request
  }

  static func deleteAddress(_ address: InterfaceAddress) -> NetlinkRequest {
    NetlinkRequest(RTM_DELADDR, flags: 0, address)
  }

  private init(_ type: Int, flags: Int32, _ address: InterfaceAddress) {
    self.init(
      type, flags: flags,
      header: ifaddrmsg(
        ifa_family: address.address.family.number, ifa_prefixlen: UInt8(address.prefixLength), ifa_flags: 0,
        ifa_scope: address.scope.rawValue, ifa_index: UInt32(bitPattern: address.linkIndex)))
    // IPv4 wants its own address as LOCAL; ADDRESS is the peer's, which without a peer is the same.
    if address.address.family == .v4 { append(IFA_LOCAL, address.address.bytes) }
    append(IFA_ADDRESS, address.address.bytes)
  }
}

extension InterfaceAddress {
  /// Copies libnl's address; nil for families that are not IP.
  init?(_ address: OpaquePointer) {
    guard let ip = rtnl_addr_get_local(address).flatMap(NetlinkAddress.ip),
      let cidr = CIDR(address: ip, prefixLength: Int(rtnl_addr_get_prefixlen(address)))
    else { return nil }
    self.init(
      cidr, linkIndex: rtnl_addr_get_ifindex(address), flags: Flags(rawValue: rtnl_addr_get_flags(address)),
      scope: RouteScope(rawValue: UInt8(truncatingIfNeeded: rtnl_addr_get_scope(address))))
  }
}

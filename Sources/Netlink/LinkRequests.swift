// Finding and changing links. Changes are requests of our own: libnl's `rtnl_link_change` also sends the flags it read
// before, which may have changed since and, in a move, would bring the link up on the other side.

package import Addresses
import CNetlink
import Glibc

extension NetlinkSocket {
  /// All links of the namespace.
  ///
  /// Same as `ip -s link`.
  package func links() throws(NetlinkError) -> [Link] {
    try dump(RTM_GETLINK, "links", Link.init)
  }

  /// The link of this name, or nil.
  package func link(named name: String) throws(NetlinkError) -> Link? {
    // An impossible name names nothing; the kernel would answer with other errors than ENODEV.
    guard Link.isValidName(name) else { return nil }
    var request = NetlinkRequest.link(0, type: RTM_GETLINK)
    request.append(IFLA_IFNAME, name)
    return try link(request, name)
  }

  /// The link of this index, or nil.
  package func link(index: Int32) throws(NetlinkError) -> Link? {
    guard index > 0 else { return nil }
    return try link(.link(index, type: RTM_GETLINK), "\(index)")
  }

  /// The first link with this Ethernet address, or nil.
  package func link(mac: MACAddress) throws(NetlinkError) -> Link? {
    try links().first { $0.macAddress == mac }
  }

  /// Sets the link administratively up.
  ///
  /// Same as `ip link set LINK up`.
  package func setUp(_ link: Link) throws(NetlinkError) {
    try send(.link(link.index, flags: .up, change: .up), "set up", link.description)
  }

  /// Sets the link down, which also removes its routes and IPv6 addresses.
  ///
  /// Same as `ip link set LINK down`.
  package func setDown(_ link: Link) throws(NetlinkError) {
    try send(.link(link.index, flags: [], change: .up), "set down", link.description)
  }

  /// Sets the MTU in bytes.
  ///
  /// EINVAL when the driver does not take it. Same as `ip link set LINK mtu MTU`.
  package func setMTU(_ mtu: UInt32, of link: Link) throws(NetlinkError) {
    var request = NetlinkRequest.link(link.index)
    request.append(IFLA_MTU, mtu)
    try send(request, "set MTU \(mtu) of", link.description)
  }

  /// Renames the link.
  ///
  /// EEXIST when the name is taken. Same as `ip link set LINK name NAME`.
  package func rename(_ link: Link, to name: String) throws(NetlinkError) {
    try Self.check(name, "rename to")
    var request = NetlinkRequest.link(link.index)
    request.append(IFLA_IFNAME, name)
    try send(request, "rename to \(name)", link.description)
  }

  /// Makes the link a port of a bridge, or of none.
  ///
  /// Same as `ip link set LINK master BRIDGE`.
  package func setMaster(of link: Link, to bridge: Link?) throws(NetlinkError) {
    var request = NetlinkRequest.link(link.index)
    request.append(IFLA_MASTER, bridge?.index ?? 0)
    try send(request, "set master \(bridge?.name ?? "none") of", link.description)
  }

  /// Deletes a virtual link; of a veth pair both ends go.
  ///
  /// Same as `ip link delete LINK`.
  package func delete(_ link: Link) throws(NetlinkError) {
    try send(.link(link.index, type: RTM_DELLINK), "delete", link.description)
  }

  private func link(_ request: NetlinkRequest, _ object: String) throws(NetlinkError) -> Link? {
    do throws(NetlinkError) {
      return try get(request, "read link", object, Link.init).first
    } catch {
      if error.isNoDevice { return nil }
      throw error
    }
  }

  /// Refuses names the kernel would cut, number or refuse with a less telling error.
  static func check(_ name: String, _ operation: String) throws(NetlinkError) {
    guard Link.isValidName(name) else {
      throw NetlinkError(operation, "'\(name)'", errno: EINVAL, message: "not a name for a link")
    }
  }
}

extension NetlinkRequest {
  /// A request about one link, to which attributes may be added.
  static func link(
    _ index: Int32, flags: Link.Flags = [], change: Link.Flags = [], type: Int = RTM_NEWLINK
  ) -> NetlinkRequest {
    NetlinkRequest(
      type,
      header: ifinfomsg(
        ifi_family: UInt8(AF_UNSPEC), __ifi_pad: 0, ifi_type: 0, ifi_index: index, ifi_flags: flags.rawValue,
        ifi_change: change.rawValue))
  }
}

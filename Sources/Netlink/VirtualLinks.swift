// Virtual links for laboratories: pairs of Ethernet ports and bridges.

package import Addresses
import CNetlink
import Glibc

/// One end of a veth pair that is to be made.
package struct VethEnd: Hashable, Sendable {
  /// The link's name.
  package var name: String
  /// The Ethernet address; nil for a random one.
  package var macAddress: MACAddress?
  /// Where it is made; nil for the socket's own namespace.
  package var namespace: NetworkNamespace?

  /// An end with a name; the rest as the kernel likes.
  package init(_ name: String, macAddress: MACAddress? = nil, namespace: NetworkNamespace? = nil) {
    self.name = name
    self.macAddress = macAddress
    self.namespace = namespace
  }
}

extension NetlinkSocket {
  /// Makes two links joined by a wire, each directly in its namespace, both down.
  ///
  /// Same as `ip link add NAME type veth peer name NAME netns NAMESPACE`.
  package func createVeth(_ end: VethEnd, peer: VethEnd) throws {
    for end in [end, peer] { try Self.check(end.name, "create veth") }
    try Self.withDescriptor(of: end) { ownNamespace in
      try Self.withDescriptor(of: peer) { peerNamespace in
        var request = NetlinkRequest.newLink()
        request.append(end, ownNamespace)
        request.append(IFLA_LINKINFO) { info in
          info.append(IFLA_INFO_KIND, "veth")
          info.append(IFLA_INFO_DATA) { data in
            data.append(Int(VETH_INFO_PEER)) {
              $0.append(raw: ifinfomsg())
              $0.append(peer, peerNamespace)
            }
          }
        }
        try send(request, "create veth", "\(end.name) with peer \(peer.name)")
      }
    }
  }

  /// Makes a bridge, down and without ports.
  ///
  /// Same as `ip link add NAME type bridge`.
  package func createBridge(named name: String) throws(NetlinkError) {
    try Self.check(name, "create bridge")
    var request = NetlinkRequest.newLink()
    request.append(IFLA_IFNAME, name)
    request.append(IFLA_LINKINFO) { $0.append(IFLA_INFO_KIND, "bridge") }
    try send(request, "create bridge", name)
  }

  private static func withDescriptor(of end: VethEnd, _ body: (Int32?) throws -> Void) throws {
    if let namespace = end.namespace {
      try namespace.withDescriptor { try body($0) }
    } else {
      try body(nil)
    }
  }
}

extension NetlinkRequest {
  static func newLink() -> NetlinkRequest {
    NetlinkRequest(RTM_NEWLINK, flags: Int32(NLM_F_CREATE | NLM_F_EXCL), header: ifinfomsg())
  }

  fileprivate mutating func append(_ end: VethEnd, _ namespace: Int32?) {
    append(IFLA_IFNAME, end.name)
    if let mac = end.macAddress { append(IFLA_ADDRESS, mac.bytes) }
    if let namespace { append(IFLA_NET_NS_FD, namespace) }
  }
}

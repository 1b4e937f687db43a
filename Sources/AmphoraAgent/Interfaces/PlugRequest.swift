// Plug requests as values that cannot be wrong: parsed once from the JSON bodies, then used without checks.

package import Addresses
package import AmphoraProtocol

/// A static route that Neutron hands to a subnet's ports.
package struct HostRoute: Hashable, Sendable {
  /// The destination, spelled as received.
  package let destination: AsWritten<CIDR>
  /// The next hop, spelled as received; of the destination's family.
  package let nextHop: AsWritten<IPAddress>

  /// Makes a host route.
  package init(to destination: AsWritten<CIDR>, via nextHop: AsWritten<IPAddress>) {
    self.destination = destination
    self.nextHop = nextHop
  }
}

/// A VIP and what its subnet brings along.
package struct VIPAddress: Hashable, Sendable {
  /// The VIP.
  package let address: IPAddress
  /// The VIP's subnet, without host bits and of the VIP's family.
  package let subnet: CIDR
  /// The subnet's gateway, spelled as received.
  package let gateway: AsWritten<IPAddress>?
  /// The subnet's host routes.
  package let hostRoutes: [HostRoute]

  /// Makes a VIP.
  package init(_ address: IPAddress, subnet: CIDR, gateway: AsWritten<IPAddress>?, hostRoutes: [HostRoute]) {
    self.address = address
    self.subnet = subnet
    self.gateway = gateway
    self.hostRoutes = hostRoutes
  }
}

/// An address of a member port.
package struct FixedIP: Hashable, Sendable {
  /// The address, spelled as received.
  package let address: AsWritten<IPAddress>
  /// Its subnet.
  package let subnet: CIDR
  /// The subnet's gateway; used only on the VIP port.
  package let gateway: AsWritten<IPAddress>?
  /// The subnet's host routes.
  package let hostRoutes: [HostRoute]
}

/// The VIPs of a port: the primary one, further ones, and the amphora's own address.
package struct VIPSet: Hashable, Sendable {
  /// The load balancer's VIP.
  package var primary: VIPAddress
  /// Further VIPs, in the controller's order.
  package var additional: [VIPAddress]
  /// The amphora's own address in the primary VIP's subnet.
  package var vrrp: IPAddress?
  /// All VIPs, the primary one first.
  package var all: [VIPAddress] { [primary] + additional }

  /// Parses the VIP part of a body.
  package init(vip: String, body: PlugVIPBody) throws(PlugRefusal) {
    primary = try Self.parse(vip, body.subnetCIDR, body.gateway, body.hostRoutes ?? [])
    var additional: [VIPAddress] = []
    for other in body.additionalVIPs ?? [] {
      additional.append(try Self.parse(other.ipAddress, other.subnetCIDR, other.gateway, other.hostRoutes))
    }
    self.additional = additional
    guard let text = body.vrrpIP else { return }
    guard let address = IPAddress(text) else {
      throw .invalidVRRPAddress(reason: "'\(text)' does not appear to be an IPv4 or IPv6 address")
    }
    guard address.family == primary.subnet.address.family else {
      throw .invalidVRRPAddress(reason: "'\(text)' is not of the IP version of \(primary.subnet)")
    }
    vrrp = address
  }

  private static func parse(
    _ text: String, _ subnetText: String, _ gatewayText: String?, _ routes: [HostRouteBody]
  ) throws(PlugRefusal) -> VIPAddress {
    guard let address = IPAddress(text) else {
      throw .invalidVIP(reason: "'\(text)' does not appear to be an IPv4 or IPv6 address")
    }
    guard let subnet = CIDR(subnetText) else {
      throw .invalidVIP(reason: "'\(subnetText)' does not appear to be an IPv4 or IPv6 network")
    }
    guard subnet == subnet.network else { throw .invalidVIP(reason: "\(subnetText) has host bits set") }
    guard subnet.address.family == address.family else {
      throw .invalidVIP(reason: "'\(text)' is not of the IP version of \(subnet)")
    }
    let body = BodyParser { field, reason in .malformedVIPBody(field: field, reason: reason) }
    return VIPAddress(
      address, subnet: subnet, gateway: try body.gateway(gatewayText, of: address.family),
      hostRoutes: try body.hostRoutes(routes))
  }
}

/// `POST /1.0/plug/vip/{vip}`.
package struct VIPPlug: Hashable, Sendable {
  /// The NIC.
  package let mac: MACAddress
  /// The VIPs it shall carry.
  package let vips: VIPSet
  /// In bytes; nil leaves the link's.
  package let mtu: Int?
  /// Whether the port is an SR-IOV virtual function.
  package let isSRIOV: Bool

  /// Parses the VIP of the path and the body.
  package init(vip: String, body: PlugVIPBody) throws(PlugRefusal) {
    vips = try VIPSet(vip: vip, body: body)
    let parser = BodyParser { field, reason in .malformedVIPBody(field: field, reason: reason) }
    mac = try parser.mac(body.macAddress)
    mtu = try parser.mtu(body.mtu)
    isSRIOV = body.isSRIOV ?? false
  }
}

/// `POST /1.0/plug/network`.
package struct NetworkPlug: Hashable, Sendable {
  /// The NIC.
  package let mac: MACAddress
  /// The port's addresses; none means DHCP and router advertisements.
  package let fixedIPs: [FixedIP]
  /// In bytes; nil leaves the link's.
  package let mtu: Int?
  /// The VIPs, when the port is the VIP port.
  package let vips: VIPSet?
  /// Whether the port is an SR-IOV virtual function.
  package let isSRIOV: Bool

  /// Parses the body.
  package init(body: PlugNetworkBody) throws(PlugRefusal) {
    let parser = BodyParser { field, reason in .malformedNetworkBody(field: field, reason: reason) }
    // Addresses come first, because a wrong one has a text of its own.
    var fixedIPs: [FixedIP] = []
    for fixed in body.fixedIPs ?? [] {
      guard let address = AsWritten<IPAddress>(text: fixed.ipAddress) else {
        throw .invalidNetworkPort(reason: "'\(fixed.ipAddress)' is no IP address")
      }
      fixedIPs.append(
        FixedIP(
          address: address, subnet: try parser.subnet(fixed.subnetCIDR, of: address.value.family),
          gateway: try parser.gateway(fixed.gateway, of: address.value.family),
          hostRoutes: try parser.hostRoutes(fixed.hostRoutes ?? [])))
    }
    self.fixedIPs = fixedIPs
    mac = try parser.mac(body.macAddress)
    mtu = try parser.mtu(body.mtu)
    isSRIOV = body.isSRIOV ?? false
    guard let information = body.vipNetInfo else {
      vips = nil
      return
    }
    guard let vip = information.vip else {
      throw .malformedNetworkBody(field: "vip_net_info.vip", reason: "is missing")
    }
    vips = try VIPSet(vip: vip, body: information)
  }
}

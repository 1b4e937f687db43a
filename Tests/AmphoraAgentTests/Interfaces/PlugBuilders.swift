// Request bodies and files of the examples, built the way the API builds them.

import Addresses
import AmphoraProtocol

@testable import AmphoraAgent

enum Example {
  static let mac = "02:00:00:00:00:0a"

  static let bodyA = PlugVIPBody(
    subnetCIDR: "203.0.113.0/24", gateway: "203.0.113.1", macAddress: mac, vrrpIP: "203.0.113.4", mtu: 1450)

  static let bodyC = PlugVIPBody(
    subnetCIDR: "2001:db8::/64", gateway: "2001:db8::1", macAddress: mac, vrrpIP: "2001:db8::4", mtu: 1450)

  static var bodyD: PlugVIPBody {
    var body = bodyA
    body.hostRoutes = [HostRouteBody(destination: "198.51.100.0/24", nexthop: "203.0.113.5")]
    body.additionalVIPs = [
      AdditionalVIPBody(
        ipAddress: "2001:db8::2", subnetCIDR: "2001:db8::/64", gateway: "2001:db8::1",
        hostRoutes: [HostRouteBody(destination: "2001:db8:9::/48", nexthop: "2001:db8::5")])
    ]
    return body
  }

  static let memberOfE = FixedIPBody(
    ipAddress: "10.0.0.5", subnetCIDR: "10.0.0.0/24",
    hostRoutes: [HostRouteBody(destination: "192.0.2.0/24", nexthop: "10.0.0.254")], gateway: "10.0.0.1")

  static func bodyE(mac: String = mac) -> PlugNetworkBody {
    var vip = bodyA
    vip.vip = "203.0.113.2"
    return PlugNetworkBody(macAddress: mac, fixedIPs: [memberOfE], mtu: 1450, vipNetInfo: vip)
  }

  static func bodyF(mac: String = mac) -> PlugNetworkBody {
    PlugNetworkBody(
      macAddress: mac,
      fixedIPs: [
        memberOfE,
        FixedIPBody(
          ipAddress: "2001:db8:5::5", subnetCIDR: "2001:db8:5::/64",
          hostRoutes: [HostRouteBody(destination: "2001:db8:6::/64", nexthop: "2001:db8:5::fe")]),
      ], mtu: 1450)
  }

  static func file(_ vip: String, _ body: PlugVIPBody, _ topology: Topology) throws -> InterfaceFile {
    let plug = try VIPPlug(vip: vip, body: body)
    return .vipPort(.vipPort, vips: plug.vips, topology: topology, mtu: plug.mtu, isSRIOV: plug.isSRIOV)
  }
}

// The parts that both plug bodies have in common; each body has its own refusal for a value of the wrong form.

import Addresses
import AmphoraProtocol

/// Parses values of a plug body.
struct BodyParser {
  /// Makes the refusal of the body from a field and a reason.
  let refusal: (_ field: String, _ reason: String) -> PlugRefusal

  func mac(_ text: String) throws(PlugRefusal) -> MACAddress {
    guard let mac = MACAddress(text) else { throw refusal("mac_address", "'\(text)' is no MAC address") }
    return mac
  }

  /// 0 stands for "not given", as upstream reads it.
  ///
  /// The upper bound is the kernel's for loopback and tunnels; what a NIC takes is its driver's to say.
  func mtu(_ value: Int?) throws(PlugRefusal) -> Int? {
    guard let value, value != 0 else { return nil }
    guard (1...65_536).contains(value) else { throw refusal("mtu", "\(value) is no MTU") }
    return value
  }

  /// A gateway; null and the empty text stand for none.
  func gateway(_ text: String?, of family: IPAddress.Family) throws(PlugRefusal) -> AsWritten<IPAddress>? {
    guard let text, !text.isEmpty else { return nil }
    guard let gateway = AsWritten<IPAddress>(text: text) else { throw refusal("gateway", "'\(text)' is no IP address") }
    guard gateway.value.family == family else {
      throw refusal("gateway", "'\(text)' is of another IP version than the address")
    }
    return gateway
  }

  func subnet(_ text: String, of family: IPAddress.Family) throws(PlugRefusal) -> CIDR {
    guard let subnet = CIDR(text) else { throw refusal("subnet_cidr", "'\(text)' is no network") }
    guard subnet == subnet.network else { throw refusal("subnet_cidr", "\(text) has host bits set") }
    guard subnet.address.family == family else {
      throw refusal("subnet_cidr", "\(text) is of another IP version than the address")
    }
    return subnet
  }

  func hostRoutes(_ bodies: [HostRouteBody]) throws(PlugRefusal) -> [HostRoute] {
    var routes: [HostRoute] = []
    for body in bodies {
      guard let destination = AsWritten<CIDR>(text: body.destination) else {
        throw refusal("host_routes.destination", "'\(body.destination)' is no network")
      }
      guard let nextHop = AsWritten<IPAddress>(text: body.nexthop) else {
        throw refusal("host_routes.nexthop", "'\(body.nexthop)' is no IP address")
      }
      guard destination.value.address.family == nextHop.value.family else {
        throw refusal("host_routes", "\(destination) and \(nextHop) are of different IP versions")
      }
      routes.append(HostRoute(to: destination, via: nextHop))
    }
    return routes
  }
}

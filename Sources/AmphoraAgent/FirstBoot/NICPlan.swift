// How one NIC gets its addresses, and the systemd-networkd file that says so.

package import Addresses

/// The settings of a management NIC.
package struct NICPlan: Hashable, Sendable {
  package struct Route: Hashable, Sendable {
    package let destination: CIDR
    package let gateway: IPAddress
  }

  package let mac: MACAddress
  package var mtu: Int?
  package var usesDHCPv4 = false
  package var usesDHCPv6 = false
  /// Whether IPv6 addresses and routes come from router advertisements.
  package var listensToRouters = false
  package var addresses: [CIDR] = []
  package var routes: [Route] = []

  package init(mac: MACAddress) { self.mac = mac }

  /// A NIC of which nothing is known but that it is the only one.
  static func automatic(_ mac: MACAddress) -> NICPlan {
    var plan = NICPlan(mac: mac)
    plan.usesDHCPv4 = true
    return plan
  }

  /// Whether the NIC would get any address at all.
  var hasAddresses: Bool { usesDHCPv4 || usesDHCPv6 || listensToRouters || !addresses.isEmpty }
}

extension NICPlan {
  static let folder = "/etc/systemd/network"
  private static let (prefix, suffix) = ("10-amphora-", ".network")

  /// The name of the NIC's file, by its MAC: kernel names depend on the slot and the machine type.
  var fileName: String { "\(Self.prefix)\(mac.description.filter { $0 != ":" })\(Self.suffix)" }

  /// Whether a file of networkd's folder is one of ours.
  static func isOurs(_ name: String) -> Bool { name.hasPrefix(prefix) && name.hasSuffix(suffix) }

  /// The file of systemd-networkd (systemd.network(5)).
  package var file: String {
    let dhcp =
      switch (usesDHCPv4, usesDHCPv6) {
      case (true, true): "yes"
      case (true, false): "ipv4"
      case (false, true): "ipv6"
      case (false, false): "no"
      }
    var lines = [
      "# Written by amphora-agent init for the management network. Every other NIC is the agent's to configure.",
      "[Match]", "MACAddress=\(mac)", "Type=ether", "",
    ]
    if let mtu { lines += ["[Link]", "MTUBytes=\(mtu)", ""] }
    lines += ["[Network]", "DHCP=\(dhcp)", "IPv6AcceptRA=\(listensToRouters ? "yes" : "no")"]
    lines += addresses.map { "Address=\($0)" }
    for route in routes {
      lines += ["", "[Route]", "Destination=\(route.destination)", "Gateway=\(route.gateway)"]
      // A gateway outside of the NIC's networks is reached all the same; nova allows it.
      let isNear = route.gateway.isLinkLocal || addresses.contains { $0.contains(route.gateway) }
      if !isNear { lines.append("GatewayOnLink=yes") }
    }
    // An amphora has no name service: programs would wait for answers that never come (contract image §3.6).
    let quiet = ["UseDNS=no", "UseDomains=no"]
    if usesDHCPv4 {
      // The MAC, because a machine id made at each first boot would make a new client of the same port.
      lines += ["", "[DHCPv4]", "ClientIdentifier=mac", "UseHostname=no", "UseMTU=yes"] + quiet
    }
    if listensToRouters {
      // Routers may announce a DHCPv6 server on any network, and without routers, as on an isolated network, nobody would
      // tell the client to begin.
      lines += ["", "[DHCPv6]", "UseHostname=no"] + (usesDHCPv6 ? ["WithoutRA=solicit"] : []) + quiet
      lines += ["", "[IPv6AcceptRA]"] + quiet
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

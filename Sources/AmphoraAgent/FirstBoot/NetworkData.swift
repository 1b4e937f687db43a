// network_data.json: the NICs that the machine was made with, and how each gets its addresses.

import Addresses

/// What network_data.json says of the NICs; what it says wrongly is left out and told.
enum NetworkData {
  /// The NICs that have addresses, in the document's order.
  static func plans(_ document: DriveField, report: inout BootReport) -> [NICPlan] {
    var plans: [(id: String, plan: NICPlan)] = []
    for field in report.attempt({ try document.optional("links")?.elements(limit: 64) ?? [] }) ?? [] {
      guard var link = report.attempt({ try link(field) }) else { continue }
      // A wrong MTU costs performance; without the link nobody reaches the amphora. 68 is the least that IPv4 needs
      // (RFC 791), 65536 the most that a driver takes.
      link.plan.mtu = report.attempt { try field.optional("mtu")?.number(in: 68...65_536) } ?? nil
      plans.append(link)
    }
    for field in report.attempt({ try document.optional("networks")?.elements() ?? [] }) ?? [] {
      report.attempt {
        let id = try field.required("link")
        let name = try id.text()
        guard let index = plans.firstIndex(where: { $0.id == name }) else {
          throw id.error("is \(Quoted.text(name)), which is no usable link")
        }
        // A network that is wrong in one point adds nothing.
        var plan = plans[index].plan
        try add(field, to: &plan)
        plans[index].plan = plan
      }
    }
    return plans.map(\.plan).filter(\.hasAddresses)
  }

  private static func link(_ field: DriveField) throws(FieldError) -> (id: String, plan: NICPlan) {
    let id = try field.required("id").text()
    if let type = try field.optional("type"), ["bond", "vlan"].contains(try type.text()) {
      throw type.error("is \(Quoted.text(try type.text())); only single NICs are configured")
    }
    let address = try field.required("ethernet_mac_address")
    guard let mac = MACAddress(try address.text()) else {
      throw address.error("is \(Quoted.text(try address.text())), which is no MAC address")
    }
    return (id, NICPlan(mac: mac))
  }

  private static func add(_ field: DriveField, to plan: inout NICPlan) throws(FieldError) {
    let type = try field.required("type")
    switch try type.text() {
    case "ipv4_dhcp", "dhcp4", "dhcp": plan.usesDHCPv4 = true
    case "ipv6_dhcp", "ipv6_dhcpv6-stateful", "dhcp6":
      plan.usesDHCPv6 = true
      // The default route comes from routers in any case; DHCPv6 has none.
      plan.listensToRouters = true
    case "ipv6_slaac", "ipv6_dhcpv6-stateless": plan.listensToRouters = true
    case "ipv4": try addStatic(field, .v4, to: &plan)
    case "ipv6": try addStatic(field, .v6, to: &plan)
    case let other: throw type.error("is \(Quoted.text(other)), which is no known kind of network")
    }
  }

  private static func addStatic(
    _ field: DriveField, _ family: IPAddress.Family, to plan: inout NICPlan
  ) throws(FieldError) {
    plan.addresses.append(try network(field, address: "ip_address", family))
    if let gateway = try field.optional("gateway") {
      plan.routes.append(.init(destination: .everything(family), gateway: try address(gateway, family)))
    }
    for route in try field.optional("routes")?.elements() ?? [] {
      // Without a gateway the destination is on the link, which the address says already.
      guard let gateway = try route.optional("gateway") else { continue }
      let destination = try network(route, address: "network", family).network
      let entry = NICPlan.Route(destination: destination, gateway: try address(gateway, family))
      if !plan.routes.contains(entry) { plan.routes.append(entry) }
    }
  }

  /// `ADDRESS/LENGTH`, or an address with the length or the mask under `netmask`.
  private static func network(
    _ field: DriveField, address key: String, _ family: IPAddress.Family
  ) throws(FieldError) -> CIDR {
    let place = try field.required(key)
    let text = try place.text()
    let network: CIDR?
    if text.contains("/") {
      network = CIDR(text)
    } else {
      let host = try address(place, family)
      let mask = try field.required("netmask")
      guard let length = try prefixLength(mask, family) else {
        throw mask.error("is \(Quoted.text(try mask.text())), which is no mask")
      }
      network = CIDR(address: host, prefixLength: length)
    }
    guard let network, network.address.family == family else {
      throw place.error("is \(Quoted.text(text)), which is no \(family == .v4 ? "IPv4" : "IPv6") network")
    }
    return network
  }

  private static func address(_ field: DriveField, _ family: IPAddress.Family) throws(FieldError) -> IPAddress {
    guard let address = IPAddress(try field.text()), address.family == family else {
      throw field.error("is \(Quoted.text(try field.text())), which is no \(family == .v4 ? "IPv4" : "IPv6") address")
    }
    return address
  }

  /// The length of a mask such as `255.255.255.0`, `ffff:ffff::` or `24`; nil when it is none.
  private static func prefixLength(_ field: DriveField, _ family: IPAddress.Family) throws(FieldError) -> Int? {
    let text = try field.text()
    guard let mask = IPAddress(text) else { return Int(text).flatMap { (0...family.bitWidth).contains($0) ? $0 : nil } }
    let length = mask.bytes.reduce(0) { $0 + $1.nonzeroBitCount }
    let ones = [UInt8](repeating: 0xFF, count: mask.bytes.count)
    return mask.family == family && IPAddress(bytes: ones)?.masked(to: length) == mask ? length : nil
  }
}

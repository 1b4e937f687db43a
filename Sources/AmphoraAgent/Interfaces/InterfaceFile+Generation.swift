// Interface files from plug requests, entry by entry in the order of contract networking §3.3.

import Addresses

extension InterfaceFile {
  /// The file of the VIP port, which may carry member subnets as well.
  package static func vipPort(
    _ name: InterfaceName, vips: VIPSet, fixedIPs: [FixedIP] = [], topology: Topology, mtu: Int?, isSRIOV: Bool
  ) -> InterfaceFile {
    var file = InterfaceFile(name: name, kind: .vip, mtu: mtu, isSRIOV: isSRIOV)
    if let vrrp = vips.vrrp {
      file.addresses.append(.assigned(.init(AsWritten(exploded: vrrp), prefixLength: vips.primary.subnet.prefixLength)))
    } else {
      if vips.all.contains(where: { $0.address.family == .v4 }) {
        file.addresses.append(.automatic(dhcp: true, ipv6auto: false))
      }
      if vips.all.contains(where: { $0.address.family == .v6 }) {
        file.addresses.append(.automatic(dhcp: false, ipv6auto: true))
      }
    }
    for vip in vips.all { file.append(vip, topology) }
    for fixed in fixedIPs {
      if let gateway = fixed.gateway { file.appendDefaultRoutes(gateway, topology) }
      file.append(fixed)
    }
    file.setMasquerade(Set(vips.all.map(\.address.family) + fixedIPs.map(\.address.value.family)))
    return file
  }

  /// The file of a member port; without fixed addresses it takes what DHCP and router advertisements give.
  package static func memberPort(_ name: InterfaceName, fixedIPs: [FixedIP], mtu: Int?, isSRIOV: Bool) -> InterfaceFile
  {
    var file = InterfaceFile(name: name, kind: .backend, mtu: mtu, isSRIOV: isSRIOV)
    guard !fixedIPs.isEmpty else {
      file.addresses = [.automatic(dhcp: true, ipv6auto: true)]
      file.setMasquerade([.v4, .v6])
      return file
    }
    for fixed in fixedIPs { file.append(fixed) }
    file.setMasquerade(Set(fixedIPs.map(\.address.value.family)))
    return file
  }

  /// The file of the loopback link, which haproxy's processes need up for talking to each other.
  package static let loopback: InterfaceFile = {
    // 127.0.0.1/8; the guard is for the parser's optional, the text is fixed.
    guard let address = AsWritten<IPAddress>(text: "127.0.0.1") else {
      return InterfaceFile(name: .loopback, kind: .loopback)
    }
    return InterfaceFile(
      name: .loopback, kind: .loopback, addresses: [.assigned(.init(address, prefixLength: 8))])
  }()

  private mutating func append(_ vip: VIPAddress, _ topology: Topology) {
    let hostLength = vip.address.family.bitWidth
    let address = AsWritten(exploded: vip.address)
    let subnet = AsWritten(exploded: vip.subnet)
    if let gateway = vip.gateway { appendDefaultRoutes(gateway, topology) }
    addresses.append(.assigned(.init(address, prefixLength: hostLength, ownedKey: topology == .single)))
    routes.append(Route(to: subnet, isLinkScope: true))
    if topology == .single {
      routes.append(Route(to: subnet, from: address, isLinkScope: true, tableKey: Self.vipTable))
      rules.append(Rule(from: address, length: hostLength, tableKey: Self.vipTable))
    }
    // Also in active/standby: keepalived adds them to table 1 once more when it becomes master.
    routes += vip.hostRoutes.map { Route($0) } + vip.hostRoutes.map { Route($0, tableKey: Self.vipTable) }
  }

  private mutating func append(_ fixed: FixedIP) {
    addresses.append(.assigned(.init(fixed.address, prefixLength: fixed.subnet.prefixLength)))
    routes += fixed.hostRoutes.map { Route($0) }
  }

  private mutating func appendDefaultRoutes(_ gateway: AsWritten<IPAddress>, _ topology: Topology) {
    let everything = AsWritten(CIDR.everything(gateway.value.family))
    routes.append(Route(to: everything, via: gateway, isOnLink: true))
    if topology == .single {
      routes.append(Route(to: everything, via: gateway, isOnLink: true, tableKey: Self.vipTable))
    }
  }

  private mutating func setMasquerade(_ families: Set<IPAddress.Family>) {
    for family in [IPAddress.Family.v4, .v6] where families.contains(family) {
      upScripts.append(MasqueradeCommand(.add, family, name, isSRIOV: isSRIOV).text)
      downScripts.append(MasqueradeCommand(.delete, family, name, isSRIOV: isSRIOV).text)
    }
  }
}

extension InterfaceFile.Route {
  fileprivate init(_ hostRoute: HostRoute, tableKey: Int? = nil) {
    self.init(to: hostRoute.destination, via: hostRoute.nextHop, isOnLink: true, tableKey: tableKey)
  }
}

// Which addresses to add to a link and which to delete.

import Addresses
import Netlink

extension InterfacePlan {
  static func addresses(_ file: InterfaceFile, _ link: Link, _ actual: [InterfaceAddress]) -> InterfacePlan {
    var plan = InterfacePlan()
    let present = Set(actual.filter { $0.linkIndex == link.index }.map(\.cidr))
    let wanted = wantedAddresses(file, link)
    plan.steps += wanted.filter { !present.contains($0.cidr) }.map(Step.addAddress)

    let keep = Set(wanted.map(\.cidr))
    // keepalived's addresses, whatever prefix length it gives them.
    let foreign = Set(file.assigned.lazy.filter { !$0.isOwned }.map(\.address.value))
    let stale = actual.filter { address in
      address.linkIndex == link.index && address.isPermanent && !keep.contains(address.cidr)
        && !foreign.contains(address.address)
        // Link-local addresses and ::1 are the kernel's (N1).
        && !(address.address.family == .v6 && (address.scope == .link || address.scope == .host))
    }
    if stale.contains(where: { mayTakeOthersAlong($0, wanted) }) {
      plan.steps.append(.keepSecondaries(linkName: link.name))
    }
    plan.steps += stale.map(Step.deleteAddress)
    return plan
  }

  /// What the file owns, without repetitions.
  ///
  /// IPv6 addresses skip duplicate address detection, for three reasons: Neutron hands out each address once and port
  /// security enforces it, so there is nothing to detect; haproxy's bind and routes with a preferred source work at once
  /// instead of 1–2 s later; and a stray answer cannot disable a VIP for good, as a failed detection does. keepalived does
  /// the same with its VIPs. Neighbours learn of the address from the advertisement that follows a plug or a haproxy
  /// start.
  private static func wantedAddresses(_ file: InterfaceFile, _ link: Link) -> [InterfaceAddress] {
    var seen: Set<CIDR> = []
    return file.assigned.filter(\.isOwned).compactMap { entry in
      guard let cidr = CIDR(address: entry.address.value, prefixLength: entry.prefixLength), seen.insert(cidr).inserted
      else { return nil }
      return InterfaceAddress(
        cidr, linkIndex: link.index, flags: cidr.address.family == .v6 ? .noDuplicateDetection : [])
    }
  }

  /// Whether deleting an IPv4 address may delete wanted ones: those of its network that came later.
  private static func mayTakeOthersAlong(_ address: InterfaceAddress, _ wanted: [InterfaceAddress]) -> Bool {
    address.address.family == .v4 && !address.flags.contains(.secondary)
      && wanted.contains { $0.prefixLength == address.prefixLength && $0.cidr.network == address.cidr.network }
  }
}

// The two plug requests step by step, in the order that a crash needs: interface file, list, move, up. A list line without
// its NIC is harmless; a NIC moved without a line or file would not come back after a reboot.

import Addresses
import Files
import Logging
import Netlink

/// One plug request, or a restore, on a thread inside the namespace.
struct PlugFlow {
  let paths: InterfacePaths
  let configurator: InterfaceConfigurator
  let root: RootLinks
  let logger: Logger

  var store: InterfaceFileStore { paths.store }

  func plugVIP(_ plug: VIPPlug, _ topology: Topology) throws -> InterfacePlugger.Outcome {
    let file = InterfaceFile.vipPort(
      .vipPort, vips: plug.vips, topology: topology, mtu: plug.mtu, isSRIOV: plug.isSRIOV)
    let inside = try NetlinkSocket().links()
    if let present = inside.first(where: { $0.macAddress == plug.mac }) {
      return try repairVIP(file, present, plug.vips)
    }
    try plugNew(plug.mac, file, inside)
    return .plugged(file.name, addresses: plug.vips.all.map(\.address))
  }

  func plugNetwork(_ plug: NetworkPlug, _ topology: Topology) throws -> InterfacePlugger.Outcome {
    let inside = try NetlinkSocket().links()
    if let present = inside.first(where: { $0.macAddress == plug.mac }), let name = InterfaceName(present.name) {
      let file = refreshed(name, plug, topology)
      try store.store(file)
      try configurator.onStep("file written")
      // The list is not touched when it is right; a repeated plug finds it right.
      try record(plug.mac, name, inside)
      try bringUp(file)
      return .updated(name)
    }
    let name = InterfaceName.firstFree(notIn: inside.compactMap { InterfaceName($0.name) })
    let file = InterfaceFile.memberPort(name, fixedIPs: plug.fixedIPs, mtu: plug.mtu, isSRIOV: plug.isSRIOV)
    try plugNew(plug.mac, file, inside)
    return .plugged(name, addresses: [])
  }

  /// The NIC is in the namespace already.
  ///
  /// An earlier request may have ended half-way, and the controller takes 409 for success (N3, W19); so the answer is
  /// 409 only if nothing had to be done.
  private func repairVIP(
    _ requested: InterfaceFile, _ link: Link, _ vips: VIPSet
  ) throws -> InterfacePlugger.Outcome {
    guard link.name == requested.name.text else { return .alreadyPlugged(InterfaceName(link.name) ?? requested.name) }
    // The file may hold more than the request, such as member addresses plugged since. A finished plug is left as it is.
    if let recorded = store.load(requested.name), recorded.covers(requested) || isConfigured(recorded) {
      let outcome = try bringUp(recorded)
      return outcome.isUnchanged
        ? .alreadyPlugged(requested.name) : .plugged(requested.name, addresses: vips.all.map(\.address))
    }
    try store.store(requested)
    try bringUp(requested)
    return .plugged(requested.name, addresses: vips.all.map(\.address))
  }

  private func isConfigured(_ file: InterfaceFile) -> Bool { (try? configurator.difference(file).isEmpty) ?? false }

  /// The new file of an interface that is in the namespace.
  private func refreshed(
    _ name: InterfaceName, _ plug: NetworkPlug, _ topology: Topology
  ) -> InterfaceFile {
    guard var vips = plug.vips else {
      return .memberPort(name, fixedIPs: plug.fixedIPs, mtu: plug.mtu, isSRIOV: plug.isSRIOV)
    }
    // The controller leaves the additional VIPs out of this request (W33).
    if vips.additional.isEmpty, let recorded = store.load(name)?.recordedVIPs,
      recorded.first?.address == vips.primary.address
    {
      vips.additional = Array(recorded.dropFirst())
    }
    return .vipPort(
      name, vips: vips, fixedIPs: plug.fixedIPs, topology: topology, mtu: plug.mtu, isSRIOV: plug.isSRIOV)
  }

  private func plugNew(_ mac: MACAddress, _ file: InterfaceFile, _ inside: [Link]) throws {
    let nic = try root.find(mac, rescan: paths.pciRescan)
    // Before anything is written: the file and the line belong to the NIC that has the name.
    if let owner = inside.first(where: { $0.name == file.name.text }) {
      throw PlugError.nameTaken(file.name, by: owner.macAddress?.description ?? "of unknown MAC address")
    }
    let isFirst = !FileRead.exists(store.path(of: file.name))
    try store.store(file)
    try configurator.onStep("file written")
    do {
      try record(mac, file.name, inside)
    } catch {
      // Without its line nothing would ever belong to the file.
      if isFirst { try? DurableFile.remove(store.path(of: file.name)) }
      throw error
    }
    try configurator.onStep("listed")
    // Should it fail, file and line stay: they say where the NIC belongs, the repetition finds them, and a boot would do
    // what this could not.
    try root.socket.move(nic, into: paths.namespace, as: file.name.text)
    try configurator.onStep("moved")
    try bringUp(file)
  }

  /// Rewrites the list with this NIC under this name.
  ///
  /// NICs inside the namespace are listed under the name they have, and NICs that are nowhere any more are dropped.
  private func record(_ mac: MACAddress, _ name: InterfaceName, _ inside: [Link]) throws {
    let outside = try root.socket.links()
    let present = Set((inside + outside).compactMap(\.macAddress)).union([mac])
    var list = PluggedInterfaces(path: paths.pluggedInterfaces, present: present)
    for link in inside {
      if let mac = link.macAddress, list.name(of: mac) != nil, let name = InterfaceName(link.name) {
        list.record(mac, as: name)
      }
    }
    list.record(mac, as: name)
    try list.write(to: paths.pluggedInterfaces)
  }

  @discardableResult
  func bringUp(_ file: InterfaceFile) throws -> InterfaceConfigurator.Outcome {
    do {
      let outcome = try configurator.up(file)
      for warning in outcome.warnings {
        logger.warning("interface configured in part", metadata: ["interface": "\(file.name)", "reason": "\(warning)"])
      }
      return outcome
    } catch let error as InterfaceError {
      throw PlugError.bringUp(file.name, error)
    }
  }
}

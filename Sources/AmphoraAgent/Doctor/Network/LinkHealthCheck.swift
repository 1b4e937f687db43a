// Cables, and what they lose.

import Netlink

/// Whether each link has a carrier and loses no packets.
struct LinkHealthCheck: DoctorCheck {
  let name = "link"

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    guard let view = await NetworkView.read(amphora) else { return [] }
    let links = view.interfaces.compactMap(\.link).filter { !$0.flags.contains(.loopback) }
    let findings = links.flatMap { link in
      [carrier(link), losses(link)].compactMap { $0 }
    }
    if !findings.isEmpty || links.isEmpty { return findings }
    return [.pass(name, links.map { "\($0.name) has a carrier" }.joined(separator: ", ") + "; no losses")]
  }

  /// A link that is down has none, and is reported as down.
  private func carrier(_ link: Link) -> Finding? {
    guard link.isUp, !link.flags.contains(.lowerUp) else { return nil }
    let port = link.macAddress.map { "openstack port list --mac-address \($0)" } ?? "the port"
    return .failure(
      name, "\(link.name): NO-CARRIER",
      remedy: "the port is down outside this machine: look whether it is ACTIVE and bound: \(port)")
  }

  /// Counted since the link was made, hence both a number and a share: stations also send what nobody here wants, such as
  /// LLDP, and the kernel counts that as dropped.
  private func losses(_ link: Link) -> Finding? {
    let counts = link.statistics
    let all = [
      ("received packets dropped", counts.receiveDropped, counts.receivedPackets),
      ("received packets damaged", counts.receiveErrors, counts.receivedPackets),
      ("packets not sent for a full queue", counts.sendDropped, counts.sentPackets),
      ("packets not sent for an error", counts.sendErrors, counts.sentPackets),
    ]
    let lost = all.filter { $0.1 >= 1000 && $0.1 >= $0.2 / 100 }
    guard !lost.isEmpty else { return nil }
    return .warning(
      name, "\(link.name): " + lost.map { "\($0.1) \($0.0) (of \($0.2))" }.joined(separator: "; "),
      remedy: "look whether the numbers grow: ip -s -s link show \(link.name); then a larger flavor or fewer listeners")
  }
}

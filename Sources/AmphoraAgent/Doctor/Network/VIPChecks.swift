// Who has the VIPs: this amphora, its peer, both, or nobody.

import Addresses
import Files
import Netlink

/// Whether the VIPs are here or not as this amphora's part in the topology says.
///
/// In SINGLE the interface file owns the VIP, and a missing one is a fault of the interface. In a pair keepalived moves it.
/// Without its cooperation its state shows in what it has done: as master it adds the VIPs, and rules and routes marked with
/// its number; all of them, or as backup none.
struct VIPCheck: DoctorCheck {
  let name = "vip-role"

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    guard let view = await NetworkView.read(amphora),
      let interface = view.interfaces.first(where: { !$0.file.vips.isEmpty }), interface.isSound,
      let link = interface.link
    else { return [] }
    let entries = interface.file.assigned.filter { $0.ownedKey != nil }
    let moved = entries.filter { !$0.isOwned }.map(\.address.value)
    guard !moved.isEmpty else {
      return [.pass(name, "SINGLE: \(Self.list(entries.map(\.address.value))) on \(link.name)")]
    }
    switch VRRPGate.read(amphora.paths) {
    // That keepalived is dead is another check's to say.
    case .closed: return []
    case .absent: return unmoved(moved, view, amphora)
    case .open(let pid): return [roleFinding(moved, view, link, pid)]
    }
  }

  /// The controller sends keepalived's configuration before the load balancer's.
  private func unmoved(_ vips: [IPAddress], _ view: NetworkView, _ amphora: LocalAmphora) -> [Finding] {
    guard !LoadBalancerStore(paths: amphora.paths).ids().isEmpty || !LVSStore(paths: amphora.paths).ids().isEmpty else {
      return []
    }
    return [
      .failure(
        name,
        "keepalived shall move \(Self.list(vips)), but \(amphora.paths.vrrpConfiguration) is not there",
        remedy: "openstack loadbalancer amphora failover \(amphora.amphoraIDText)")
    ]
  }

  private func roleFinding(_ vips: [IPAddress], _ view: NetworkView, _ link: Link, _ pid: Int32) -> Finding {
    let present = Set(view.addresses.filter { $0.linkIndex == link.index }.map(\.address))
    let here = vips.filter(present.contains)
    let missing = vips.filter { !present.contains($0) }
    // What keepalived adds as a master and takes away as a backup.
    let marked = view.rules.filter { $0.protocol == .keepalived && $0.source.map { vips.contains($0.address) } == true }
    let isMaster = !here.isEmpty || !marked.isEmpty
    guard isMaster else {
      return .pass(name, "ACTIVE_STANDBY: not master, \(Self.list(vips)) is not here (keepalived \(pid))")
    }
    guard missing.isEmpty else {
      let signs = here.isEmpty ? "its rules are here" : "\(Self.list(here)) is here"
      return .failure(
        name, "keepalived \(pid) is master (\(signs)), but \(Self.list(missing)) is not on \(link.name)",
        remedy: "systemctl restart octavia-keepalived (the peer takes the VIP over meanwhile)")
    }
    return .pass(name, "ACTIVE_STANDBY: master, \(Self.list(vips)) on \(link.name) (keepalived \(pid))")
  }

  private static func list(_ addresses: [IPAddress]) -> String {
    addresses.map(\.description).joined(separator: ", ")
  }
}

/// Whether another station of the network has a VIP that is here.
struct DuplicateVIPCheck: DoctorCheck {
  let name = "duplicate-vip"
  /// A station on the same network answers within a few milliseconds, and all that time is spent when nobody does.
  var patience = Duration.milliseconds(100)

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    guard let view = await NetworkView.read(amphora) else { return [] }
    let questions = view.interfaces.flatMap { self.questions($0, view) }
    let patience = patience
    guard !questions.isEmpty else { return [] }
    let answers: [NeighbourQuestion: Set<MACAddress>]
    do {
      answers = try await amphora.interfaces.namespace.run {
        try NeighbourProbe.ask(questions, patience: patience, endsWhenAnswered: false)
      }
    } catch { return blind(error) }
    let findings = questions.compactMap { question in answers[question].map { finding(question, $0, view) } }
    if !findings.isEmpty { return findings }
    return [.pass(name, "nobody else has " + questions.map { "\($0.address)" }.joined(separator: ", "))]
  }

  private func questions(_ interface: NetworkView.Interface, _ view: NetworkView) -> [NeighbourQuestion] {
    guard interface.isSound, let link = interface.link else { return [] }
    let present = Set(view.addresses.filter { $0.linkIndex == link.index }.map(\.address))
    // From this machine's own address where it has one: networks with port security let ARP through from those a port may
    // have, and drop the probes of RFC 5227, which are from 0.0.0.0.
    return interface.file.vips.filter(present.contains)
      .compactMap { NeighbourQuestion($0, on: link, from: view.source(forVIP: $0, on: link)) }
  }

  private func finding(_ question: NeighbourQuestion, _ macs: Set<MACAddress>, _ view: NetworkView) -> Finding {
    let holders = macs.map(\.description).sorted()
    let link = view.links.first { $0.index == question.linkIndex }?.name ?? "the link"
    return .failure(
      name,
      "\(question.address) is on \(link) (\(question.mac)) and also at \(holders.joined(separator: " and "))",
      remedy:
        "find the machine (openstack port list --mac-address \(holders.first ?? "…")) and take the address off it; "
        + "a former amphora of this load balancer is to be deleted")
  }
}

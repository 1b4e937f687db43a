// Gateways, and the members of pools. A member behind a gateway that is silent is that gateway's fault.

import Addresses
import Netlink

/// Whether gateways and members answer.
struct ReachabilityCheck: DoctorCheck {
  let name = "reachability"
  /// Only what is silent takes so long.
  var patience = Duration.milliseconds(800)

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    let (patience, paths) = (patience, amphora.paths)
    guard let view = await NetworkView.read(amphora) else { return [] }
    let result: Reachability
    do {
      let members = try await BlockingIO.run { ConfiguredMembers(paths) }
      result = try await amphora.interfaces.namespace.run { try Reachability(view, members, patience: patience) }
    } catch { return blind(error) }
    return result.gatewayFindings(view) + result.memberFindings(view)
  }
}

/// What was asked and what answered.
struct Reachability: Sendable {
  /// The next hops of the interface files' routes on sound links.
  private let gateways: [NeighbourQuestion]
  private let silent: Set<NeighbourQuestion>
  private let members: [ConfiguredMember]
  private let failures: [ConfiguredMember: String]
  /// Members that were not asked, because the way to them is known to be broken.
  private let behindSilence: [ConfiguredMember]
  /// Pools of which haproxy has found a member in order.
  private let livePools: Set<String>

  /// Asks; in the calling thread's namespace, blocks.
  init(_ view: NetworkView, _ configured: ConfiguredMembers, patience: Duration) throws {
    let gateways = Self.gateways(view)
    let answers = try NeighbourProbe.ask(gateways, patience: patience / 2, endsWhenAnswered: true)
    let silent = Set(gateways.filter { answers[$0] == nil })
    func isBehindSilence(_ member: ConfiguredMember) -> Bool {
      guard let way = view.way(to: member.address), let gateway = way.gateway else { return false }
      return silent.contains { $0.address == gateway && $0.linkIndex == way.linkIndex }
    }
    // A broken interface is reported as such, and with it what is behind it.
    let known = configured.unknown.filter { member in
      guard let way = view.way(to: member.address) else { return view.isSound }
      return view.interface(of: way)?.isSound ?? true
    }
    let asked = known.filter { !isBehindSilence($0) }
    self.gateways = gateways
    self.silent = silent
    self.members = asked
    behindSilence = known.filter(isBehindSilence)
    livePools = configured.livePools
    failures = try Self.ask(asked, view, patience / 2)
  }

  private static func gateways(_ view: NetworkView) -> [NeighbourQuestion] {
    var seen: Set<NeighbourQuestion> = []
    return view.interfaces.filter(\.isSound).flatMap { interface -> [NeighbourQuestion] in
      guard let link = interface.link else { return [] }
      return interface.file.routes.compactMap { route in
        guard let gateway = route.gateway?.value else { return nil }
        return NeighbourQuestion(gateway, on: link, from: view.source(for: gateway, on: link))
      }
    }.filter { seen.insert($0).inserted }
  }

  private static func ask(
    _ members: [ConfiguredMember], _ view: NetworkView, _ patience: Duration
  ) throws -> [ConfiguredMember: String] {
    let streams = members.filter { $0.transport == .tcp }
    let refused = ConnectProbe(patience: patience).failures(
      of: streams.map { ConnectProbe.Target(address: $0.address, port: $0.port) })
    var failures: [ConfiguredMember: String] = [:]
    for member in streams {
      failures[member] = refused[ConnectProbe.Target(address: member.address, port: member.port)].map { "\($0)" }
    }
    // Nothing harmless can be sent to a UDP or SCTP port, but the machine must be there.
    let questions = members.filter { failures[$0] != nil || $0.transport == .datagrams }
      .compactMap { member in Self.question(member, view).map { (member, $0) } }
    let answers = try NeighbourProbe.ask(questions.map(\.1), patience: patience / 2, endsWhenAnswered: true)
    for (member, question) in questions where answers[question] == nil {
      failures[member] = "nobody there answers \(member.address.family == .v4 ? "ARP" : "neighbour discovery")"
    }
    return failures
  }

  /// Nil for a member that is not on a network of this machine's own.
  private static func question(_ member: ConfiguredMember, _ view: NetworkView) -> NeighbourQuestion? {
    guard let way = view.way(to: member.address), way.gateway == nil,
      let link = view.links.first(where: { $0.index == way.linkIndex })
    else { return nil }
    return NeighbourQuestion(member.address, on: link, from: view.source(for: member.address, on: link))
  }
}

extension Reachability {
  /// One for each silent gateway.
  func gatewayFindings(_ view: NetworkView) -> [Finding] {
    let name = "gateway"
    if gateways.isEmpty { return [] }
    guard !silent.isEmpty else {
      return [.pass(name, gateways.map { "\($0.address)" }.joined(separator: ", ") + " answers")]
    }
    return gateways.filter(silent.contains).map { question in
      let link = view.links.first { $0.index == question.linkIndex }?.name ?? "its link"
      let protocolName = question.address.family == .v4 ? "ARP" : "neighbour discovery"
      let evidence = "\(question.address) on \(link) does not answer \(protocolName)"
      let behind = behindSilence.count { view.way(to: $0.address)?.gateway == question.address }
      if behind > 0 {
        return .failure(
          name, "\(evidence); \(behind) member\(behind == 1 ? " is" : "s are") behind it",
          remedy: "look at the router of that subnet: openstack port list --fixed-ip ip-address=\(question.address)")
      }
      return .warning(
        name, "\(evidence): clients in other networks are not reached",
        remedy: "nothing if the subnet has no router; else look at it: openstack port list --fixed-ip ip-address="
          + "\(question.address)")
    }
  }

  /// One for each member that does not answer, but not more than a screen takes.
  func memberFindings(_ view: NetworkView) -> [Finding] {
    let name = "member"
    let failing = members.filter { failures[$0] != nil }
    guard !failing.isEmpty else {
      return members.isEmpty
        ? [] : [.pass(name, "\(members.count) asked, \(members.count == 1 ? "it answers" : "all answer")")]
    }
    let alive = livePools.union(members.filter { failures[$0] == nil }.map(\.pool))
    var findings = failing.prefix(64).map { member -> Finding in
      let evidence = "\(member.description): \(failures[member] ?? "")"
      let remedy =
        "look whether the member runs and its security group lets in port \(member.port) from this network"
      return alive.contains(member.pool)
        ? .warning(name, evidence, remedy: remedy)
        : .failure(name, "\(evidence); nor does any other of its pool", remedy: remedy)
    }
    if failing.count > 64 {
      findings.append(
        .warning(name, "and \(failing.count - 64) more members", remedy: "openstack loadbalancer member list POOL"))
    }
    return findings
  }
}

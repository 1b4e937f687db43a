// From what there is and what is wanted to steps. Nothing is done here; ids of what will be made are chosen here.

import Addresses
import AmphoraProtocol

/// Collects the steps of one plan.
struct Planner {
  private(set) var record: LoadBalancerRecord
  private(set) var steps: [PlannedStep] = []
  private let desired: LoadBalancerDocument
  private let newID: @Sendable () -> String
  // A second failover in the same plan finds the first one done.
  private var replaced: Set<AmphoraID> = []
  private var replacements: Set<AmphoraID> = []

  init(_ record: LoadBalancerRecord, desired: LoadBalancerDocument, newID: @escaping @Sendable () -> String) {
    self.record = record
    self.desired = desired
    self.newID = newID
  }

  // MARK: Apply

  /// Makes the load balancer what the document says: what is missing is made, what is too much is deleted.
  ///
  /// What an interrupted or failed run left is completed, whatever that run was.
  mutating func apply() throws {
    undoReplacements()
    let vip = try vipPort()
    if vip.made == nil { add(.reserveVIP(port: vip.id)) }
    let roles: [AmphoraRole] = record.topology == .single ? [.standalone] : [.master, .backup]
    for role in roles where !record.keptAmphorae.contains(where: { $0.role == role }) { _ = try newAmphora(role) }
    let fresh = record.keptAmphorae.filter { $0.status != .allocated }
    for amphora in fresh { add(.buildAmphora(amphora: amphora.id)) }
    for amphora in fresh { add(.awaitAmphora(amphora: amphora.id)) }
    for amphora in record.keptAmphorae { try plugVIP(amphora.id) }
    deleteLeftovers()
    let expected = expectedDocuments()
    for amphora in record.keptAmphorae where record.topology == .activeStandby {
      let digest = try expected.vrrpDigest(amphora)
      if digest == nil || digest != amphora.vrrpDigest { add(.configureVRRP(amphora: amphora.id)) }
    }
    var unplug: [(PortID, AmphoraID)] = []
    for amphora in record.keptAmphorae { unplug += try plugNetworks(amphora.id).map { ($0, amphora.id) } }
    for amphora in record.keptAmphorae where try expected.listenersDigest(amphora) != amphora.listenersDigest {
      add(.updateListeners(amphora: amphora.id))
    }
    // Only now: until the update, haproxy may still send to members there.
    for (port, amphora) in unplug {
      add(.detachPort(port: port, amphora: amphora))
      add(.deletePort(port: port))
    }
    if !steps.isEmpty || record.status != .active { add(.activate) }
  }

  /// The successor of an amphora that is still in service was chosen by a failover that did not come so far as to retire
  /// it: the old one stays, and what may have been made of the new one goes.
  private mutating func undoReplacements() {
    for amphora in record.keptAmphorae {
      guard let old = amphora.replaces, record.keptAmphorae.contains(where: { $0.id == old }) else { continue }
      record.change(amphora.id) { $0.status = .pendingDelete }
    }
  }

  /// Amphorae that are on their way out, and ports whose amphora is gone.
  private mutating func deleteLeftovers() {
    for amphora in record.amphorae where amphora.status == .pendingDelete { deleteAmphora(amphora.id, mayFail: false) }
    for port in record.ports where port.amphora.map({ record.amphora($0) == nil }) ?? false {
      add(.deletePort(port: port.id))
    }
  }

  /// What configurations will depend on once all amphorae serve.
  private func expectedDocuments() -> AmphoraDocuments {
    var expected = record
    for amphora in record.keptAmphorae { expected.change(amphora.id) { $0.status = .allocated } }
    return AmphoraDocuments(desired: desired, record: expected)
  }

  // MARK: Failover

  /// Replaces an amphora in the contract's order (heartbeat-and-config §4.3); `role` is that of the new one.
  mutating func failOver(_ old: AmphoraID, role: AmphoraRole) throws {
    let survivors = record.keptAmphorae.filter {
      $0.id != old && !replaced.contains($0.id) && ($0.status == .allocated || replacements.contains($0.id))
    }.map(\.id)
    add(.retireAmphora(amphora: old))
    let new = try newAmphora(role, replacing: old)
    add(.buildAmphora(amphora: new))
    add(.awaitAmphora(amphora: new))
    // Two hosts with one IPv6 address: the new one's duplicate address detection would find the old one.
    let isIPv6 = record.vips.first?.address.family == .v6
    if role == .standalone, isIPv6, let port = record.basePort(of: old) { add(.disablePort(port: port.id)) }
    try plugVIP(new)
    _ = try plugNetworks(new)
    deleteAmphora(old, mayFail: true)
    for amphora in survivors { add(.probeAmphora(amphora: amphora), mayFail: true) }
    add(.probeAmphora(amphora: new))
    let all = [(new, false)] + survivors.map { ($0, true) }
    for (amphora, mayFail) in all { add(.updateListeners(amphora: amphora), mayFail: mayFail) }
    if record.topology == .activeStandby {
      for (amphora, mayFail) in all { add(.configureVRRP(amphora: amphora), mayFail: mayFail) }
    }
    for (amphora, mayFail) in all { add(.reloadListeners(amphora: amphora), mayFail: mayFail) }
    add(.activate)
    replaced.insert(old)
    replacements.insert(new)
  }

  // MARK: Delete

  /// Deletes everything that was, or may have been, made.
  mutating func delete() {
    for amphora in record.amphorae { deleteAmphora(amphora.id, mayFail: false) }
    for port in record.ports where port.amphora.map({ record.amphora($0) == nil }) ?? true {
      add(.deletePort(port: port.id))
    }
    add(.forget)
  }

  // MARK: Parts

  private mutating func vipPort() throws -> PortRecord {
    if let port = record.ports.first(where: { $0.purpose == .vip }) { return port }
    let port = try newPort(nil, .vip, network: vipNetwork(), subnets: record.vips.map(\.subnetID))
    return port
  }

  private mutating func newAmphora(_ role: AmphoraRole, replacing old: AmphoraID? = nil) throws -> AmphoraID {
    guard let id = AmphoraID(newID()) else { throw ProcedureError.inconsistent("a new id is none") }
    record.amphorae.append(AmphoraRecord(id: id, role: role, replaces: old))
    return id
  }

  private mutating func newPort(
    _ amphora: AmphoraID?, _ purpose: PortRecord.Purpose, network: String, subnets: [String]
  ) throws -> PortRecord {
    guard let id = PortID(newID()) else { throw ProcedureError.inconsistent("a new id is none") }
    let port = PortRecord(id: id, amphora: amphora, purpose: purpose, networkID: network, subnets: subnets)
    record.ports.append(port)
    return port
  }

  private func vipNetwork() throws -> String {
    guard let network = record.vipNetworkID else { throw ProcedureError.inconsistent("the VIP's subnet is unknown") }
    return network
  }

  private mutating func plugVIP(_ amphora: AmphoraID) throws {
    let port =
      try record.basePort(of: amphora)
      ?? newPort(amphora, .base, network: vipNetwork(), subnets: record.vips.map(\.subnetID).uniqued)
    if port.made == nil { add(.createPort(port: port.id)) }
    if !port.isAttached { add(.attachPort(port: port.id, amphora: amphora)) }
    if port.pluggedSubnets == nil { add(.plugVIP(amphora: amphora, port: port.id)) }
  }

  /// Adds the steps for members' networks but those that unplug, whose ports it returns.
  private mutating func plugNetworks(_ amphora: AmphoraID) throws -> [PortID] {
    let delta = NetworkDelta(
      ports: record.ports(of: amphora), memberSubnets: desired.loadBalancer.memberSubnetIDs,
      vipSubnets: Set(record.vips.map(\.subnetID)), subnets: record.subnets)
    for connection in delta.plug {
      _ = try newPort(amphora, .member, network: connection.networkID, subnets: connection.subnets)
    }
    for change in delta.change { record.change(change.port) { $0.subnets = change.subnets } }
    for port in record.ports(of: amphora) where !delta.unplug.contains(port.id) {
      let isChanged = port.made.map { Set($0.addresses.map(\.subnetID)) != Set(port.subnets) } ?? false
      if port.purpose == .member, port.made == nil { add(.createPort(port: port.id)) }
      if isChanged { add(.changePort(port: port.id)) }
      if port.purpose == .member, !port.isAttached { add(.attachPort(port: port.id, amphora: amphora)) }
      // A base port that is new has been plugged with the VIP's subnets.
      let plugged = port.pluggedSubnets ?? (port.purpose == .base ? record.vips.map(\.subnetID).uniqued : nil)
      if plugged?.sorted() != port.subnets.sorted() { add(.plugNetwork(amphora: amphora, port: port.id)) }
    }
    return delta.unplug
  }

  private mutating func deleteAmphora(_ amphora: AmphoraID, mayFail: Bool) {
    add(.deleteAmphora(amphora: amphora), mayFail: mayFail)
    for port in record.ports(of: amphora) { add(.deletePort(port: port.id), mayFail: mayFail) }
  }

  private mutating func add(_ step: ProcedureStep, mayFail: Bool = false) {
    steps.append(PlannedStep(step: step, mayFail: mayFail, name: StepNames(record: record).name(of: step)))
  }
}

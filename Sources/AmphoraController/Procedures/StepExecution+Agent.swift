// Steps that talk to an agent, in the order of contract agent-api §4.

import Addresses
import AmphoraProtocol

/// A step that is left out, although it is part of the plan.
struct StepSkipped: Error, CustomStringConvertible {
  let description: String
}

extension StepExecution {
  /// The agent of an amphora, with the patience that fits the step.
  private func agent(
    _ id: AmphoraID, _ planned: PlannedStep?, _ record: LoadBalancerRecord
  ) async throws -> (AmphoraRecord, AmphoraClient) {
    let amphora = try known(id, record)
    let client = try await agents.client(of: amphora)
    guard let planned, planned.mayFail else { return (amphora, client) }
    if case .probeAmphora = planned.step {
    } else if !amphora.isReachable {
      throw StepSkipped(description: "left out: the amphora did not answer")
    }
    return (amphora, client.retrying(settings.failoverPatience))
  }

  func probe(_ id: AmphoraID, _ planned: PlannedStep, _ record: inout LoadBalancerRecord) async throws -> String {
    record.change(id) { $0.isReachable = false }
    let version = try await agent(id, planned, record).1.discover()
    record.change(id) { $0.isReachable = true }
    return "API \(version)"
  }

  // MARK: NICs

  func plugVIP(_ id: AmphoraID, _ portID: PortID, _ record: inout LoadBalancerRecord) async throws -> String {
    let (amphora, agent) = try await agent(id, nil, record)
    let main = try mainVIP(record)
    _ = try await agent.discover()
    let outcome = try await agent.plugVIP(main.ip, try vipBody(amphora, portID, record, additional: true))
    let subnets = record.vips.map(\.subnetID).uniqued
    record.change(portID) { $0.pluggedSubnets = subnets }
    return outcome.text
  }

  func plugNetwork(_ id: AmphoraID, _ portID: PortID, _ record: inout LoadBalancerRecord) async throws -> String {
    let (amphora, agent) = try await agent(id, nil, record)
    let port = try known(portID, record)
    guard let made = port.made else { throw ProcedureError.inconsistent("port \(portID) was not made") }
    let fixed = try made.addresses.map { address in
      let subnet = try subnet(address.subnetID, record)
      return FixedIPBody(
        ipAddress: address.address.rawValue, subnetCIDR: subnet.subnet.network.description,
        hostRoutes: subnet.routeBodies, gateway: subnet.subnet.gatewayIP?.rawValue)
    }
    var body = PlugNetworkBody(
      macAddress: "\(made.macAddress)", fixedIPs: fixed, mtu: try subnet(port.subnets.first ?? "", record).mtu)
    if port.purpose == .base {
      var vip = try vipBody(amphora, portID, record, additional: false)
      vip.vip = try mainVIP(record).text.rawValue
      body.vipNetInfo = vip
    }
    _ = try await agent.discover()
    let outcome = try await agent.plugNetwork(body)
    record.change(portID) { $0.pluggedSubnets = $0.subnets }
    return outcome.text
  }

  private func vipBody(
    _ amphora: AmphoraRecord, _ portID: PortID, _ record: LoadBalancerRecord, additional: Bool
  ) throws -> PlugVIPBody {
    guard let made = try known(portID, record).made, let main = record.vips.first else {
      throw ProcedureError.inconsistent("the base port of amphora \(amphora.id) was not made")
    }
    let subnet = try subnet(main.subnetID, record)
    let others = try record.vips.dropFirst().map { vip in
      let subnet = try self.subnet(vip.subnetID, record)
      return AdditionalVIPBody(
        ipAddress: vip.address.rawValue, subnetCIDR: subnet.subnet.network.description,
        gateway: subnet.subnet.gatewayIP?.rawValue, hostRoutes: subnet.routeBodies)
    }
    return PlugVIPBody(
      subnetCIDR: subnet.subnet.network.description, gateway: subnet.subnet.gatewayIP?.rawValue,
      macAddress: "\(made.macAddress)",
      vrrpIP: made.addresses.first { $0.subnetID == main.subnetID }?.address.rawValue, mtu: subnet.mtu,
      hostRoutes: subnet.routeBodies, additionalVIPs: additional ? others : [])
  }

  private func mainVIP(_ record: LoadBalancerRecord) throws -> (text: AddressText, ip: IPAddress) {
    guard let text = record.vips.first?.address, let ip = IPAddress(text.rawValue) else {
      throw ProcedureError.inconsistent("there is no VIP")
    }
    return (text, ip)
  }

  private func subnet(_ id: String, _ record: LoadBalancerRecord) throws -> NetworkSubnet {
    guard let subnet = record.subnets[id] else { throw ProcedureError.inconsistent("subnet \(id) is not on record") }
    return subnet
  }

  // MARK: VRRP

  func configureVRRP(
    _ id: AmphoraID, _ planned: PlannedStep, _ record: inout LoadBalancerRecord
  ) async throws -> String {
    guard let desired else { throw ProcedureError.inconsistent("there is no document") }
    let (amphora, agent) = try await agent(id, planned, record)
    guard amphora.status == .allocated else { return "not allocated" }
    let documents = AmphoraDocuments(desired: desired, record: record)
    guard let own = documents.vrrpAddress(amphora), let address = IPAddress(own.rawValue) else {
      throw ProcedureError.inconsistent("amphora \(id) has no address in the VIP's subnet")
    }
    _ = try await agent.discover()
    let interface = try await agent.findInterface(address)
    record.change(id) { $0.vrrpInterface = InterfaceName(interface) }
    let renewed = AmphoraDocuments(desired: desired, record: record)
    let changed = try known(id, record)
    guard let text = try renewed.vrrpConfiguration(changed), let digest = try renewed.vrrpDigest(changed) else {
      throw ProcedureError.inconsistent("amphora \(id) has no VRRP configuration")
    }
    try await agent.uploadVRRP(text)
    try await agent.controlVRRP(.start)
    record.change(id) { $0.vrrpDigest = digest }
    return "\(own) on \(interface), priority \(amphora.role.vrrpPriority ?? 0)"
  }

  // MARK: Listeners

  func updateListeners(
    _ id: AmphoraID, _ planned: PlannedStep, _ record: inout LoadBalancerRecord
  ) async throws -> String {
    guard let desired else { throw ProcedureError.inconsistent("there is no document") }
    let (amphora, agent) = try await agent(id, planned, record)
    let update = ListenerUpdate(
      amphora: amphora, agent: agent, secrets: secrets, documents: AmphoraDocuments(desired: desired, record: record))
    let outcome = try await update.run()
    record.change(id) { $0 = outcome.amphora }
    return outcome.text
  }

  func reload(_ id: AmphoraID, _ planned: PlannedStep, _ record: LoadBalancerRecord) async throws -> String {
    guard let desired else { throw ProcedureError.inconsistent("there is no document") }
    let (_, agent) = try await agent(id, planned, record)
    let listeners = desired.loadBalancer.listeners
    guard !listeners.isEmpty else { return "no listeners" }
    _ = try await agent.discover()
    for listener in listeners where listener.protocol.usesLVS {
      try await agent.control(ServiceObjectID(unchecked: listener.id.rawValue), .reload)
    }
    if listeners.contains(where: { !$0.protocol.usesLVS }) {
      try await agent.control(ServiceObjectID(unchecked: record.id.text), .reload)
    }
    return "\(listeners.count) listener\(listeners.count == 1 ? "" : "s")"
  }
}

extension NetworkSubnet {
  var routeBodies: [HostRouteBody] {
    subnet.hostRoutes.map { HostRouteBody(destination: $0.destination.rawValue, nexthop: $0.nexthop.rawValue) }
  }
}

extension AmphoraClient.PlugOutcome {
  var text: String {
    switch self {
    case .plugged(let details): details
    case .alreadyPlugged: "was plugged already"
    }
  }
}

extension [String] {
  /// Without repetitions, order kept.
  var uniqued: [String] {
    var seen: Set<String> = []
    return filter { seen.insert($0).inserted }
  }
}

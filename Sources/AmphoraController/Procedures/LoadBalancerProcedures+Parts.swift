// What plans are made from.

import Addresses
import AmphoraProtocol

extension LoadBalancerProcedures {
  func known(_ id: LoadBalancerID) throws -> (LoadBalancerRecord, LoadBalancerDocument) {
    guard let record = try state.record(id) else { throw ProcedureError.unknownLoadBalancer(id) }
    guard let desired = try state.desired(id) else {
      throw ProcedureError.state(path: state.path, reason: "desired.json of \(id) is missing; apply its document")
    }
    return (record, desired)
  }

  func newRecord(_ desired: LoadBalancerDocument) throws -> LoadBalancerRecord {
    let balancer = desired.loadBalancer
    let id = LoadBalancerID(unchecked: balancer.id.rawValue)
    var record = LoadBalancerRecord(
      id: id, topology: desired.context.topology, vips: try balancer.virtualAddresses())
    guard record.topology == .activeStandby else { return record }
    record.vrrpGroup = try desired.context.vrrpGroup ?? newVRRPGroup(balancer)
    return record
  }

  /// A group with the values of contract config-rendering §7; keepalived uses eight characters of a password at most.
  private func newVRRPGroup(_ balancer: LoadBalancer) throws -> VRRPGroup {
    let password = newID().filter { $0 != "-" }.prefix(7)
    guard let name = VRRPGroupName(balancer.id.withoutDashes), let checked = VRRPPassword(String(password)) else {
      throw ProcedureError.inconsistent("no password for VRRP")
    }
    return VRRPGroup(name: name, authenticationPassword: checked)
  }

  /// Refuses what cannot be done to a load balancer that exists.
  func check(_ desired: LoadBalancerDocument, against record: LoadBalancerRecord) throws {
    if record.status == .pendingDelete { throw ProcedureError.beingDeleted(record.id) }
    guard desired.context.topology == record.topology else {
      throw ProcedureError.unchangeable("the topology (\(record.topology.rawValue))")
    }
    guard try desired.loadBalancer.virtualAddresses() == record.vips else {
      let vips = record.vips.map { "\($0.address) in \($0.subnetID)" }.joined(separator: ", ")
      throw ProcedureError.unchangeable("the VIPs (\(vips))")
    }
  }

  /// The subnets that a document names; additional VIPs must be in the main VIP's network.
  func subnets(of desired: LoadBalancerDocument) async throws -> [String: NetworkSubnet] {
    let vips = try desired.loadBalancer.virtualAddresses()
    var subnets: [String: NetworkSubnet] = [:]
    for id in Set(vips.map(\.subnetID)).union(desired.loadBalancer.memberSubnetIDs) {
      subnets[id] = try await network.subnet(id)
    }
    guard Set(vips.compactMap { subnets[$0.subnetID]?.networkID }).count == 1 else {
      throw ProcedureError.document(
        DocumentError("loadbalancer.additional_vips", "are in another network than the main VIP"))
    }
    for vip in vips {
      guard let address = IPAddress(vip.address.rawValue), let subnet = subnets[vip.subnetID]?.subnet,
        subnet.network.contains(address)
      else {
        throw ProcedureError.document(
          DocumentError("loadbalancer", "has the VIP \(vip.address), which is not in its subnet \(vip.subnetID)"))
      }
    }
    return subnets
  }

  /// All amphorae: those without the VIP, or without an answer, first (contract heartbeat-and-config §4.3).
  func failoverOrder(_ record: LoadBalancerRecord) async throws -> [AmphoraID] {
    let agents = AgentConnections(settings)
    var without: [AmphoraID] = []
    var with: [AmphoraID] = []
    guard let vip = record.vips.first.flatMap({ IPAddress($0.address.rawValue) }) else { return [] }
    for amphora in record.keptAmphorae {
      let agent = try? await agents.client(of: amphora).retrying(settings.victimPatience)
      let holds = try? await agent?.findInterface(vip)
      if holds != nil { with.append(amphora.id) } else { without.append(amphora.id) }
    }
    await agents.shutdown()
    return without + with
  }
}

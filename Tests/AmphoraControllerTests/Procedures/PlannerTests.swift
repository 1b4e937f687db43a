// Plans: the order of steps is the contract's.

import Addresses
import AmphoraProtocol
import Synchronization
import Testing

@testable import AmphoraController

@Suite struct PlannerTests {
  /// Ids in the order of their choice.
  private static func ids() -> @Sendable () -> String {
    let next = Mutex(100)
    return {
      next.withLock { number in
        number += 1
        return ProcedureSample.uuid(number)
      }
    }
  }

  private func record(_ topology: Topology) throws -> LoadBalancerRecord {
    var record = LoadBalancerRecord(
      id: LoadBalancerID(unchecked: ProcedureSample.loadBalancer), topology: topology,
      vips: try ProcedureSample.document().loadBalancer.virtualAddresses())
    record.subnets = ProcedureSample.subnets
    if topology == .activeStandby {
      record.vrrpGroup = VRRPGroup(
        name: try #require(VRRPGroupName("g")), authenticationPassword: try #require(VRRPPassword("secret")))
    }
    return record
  }

  private func plan(_ record: LoadBalancerRecord, _ document: LoadBalancerDocument) throws -> Planner {
    var planner = Planner(record, desired: document, newID: Self.ids())
    try planner.apply()
    return planner
  }

  private func words(_ planner: Planner) -> [String] { planner.steps.map(\.step.word) }

  /// The record after all steps of a plan, as drivers and agents would leave it.
  private func done(_ planner: Planner, _ document: LoadBalancerDocument) throws -> LoadBalancerRecord {
    var record = planner.record
    record.status = .active
    for (index, port) in record.ports.enumerated() {
      let addresses = try port.subnets.map { subnet in
        NetworkPort.Address(subnetID: subnet, address: try #require(AddressText("203.0.113.\(100 + index)")))
      }
      record.change(port.id) {
        $0.made = .init(id: port.id, macAddress: ProcedureSample.mac, addresses: addresses)
        $0.isAttached = port.amphora != nil
        $0.pluggedSubnets = port.subnets
      }
    }
    for amphora in record.amphorae {
      record.change(amphora.id) {
        $0.status = .allocated
        $0.vrrpInterface = InterfaceName("eth1")
      }
    }
    let documents = AmphoraDocuments(desired: document, record: record)
    for amphora in record.amphorae {
      let (listeners, vrrp) = (try documents.listenersDigest(amphora), try documents.vrrpDigest(amphora))
      record.change(amphora.id) {
        $0.listenersDigest = listeners
        $0.vrrpDigest = vrrp
      }
    }
    return record
  }

  @Test func `a single load balancer is created in the contract's order`() throws {
    let document = try ProcedureSample.document(members: [("10.0.1.21", "red"), ("203.0.113.50", nil)])
    #expect(
      words(try plan(record(.single), document)) == [
        "reserveVIP", "buildAmphora", "awaitAmphora", "createPort", "attachPort", "plugVIP", "createPort", "attachPort",
        "plugNetwork", "updateListeners", "activate",
      ])
  }

  @Test func `a pair gets both machines first, then VRRP, then members' networks and listeners`() throws {
    let document = try ProcedureSample.document(topology: .activeStandby, members: [("10.0.1.21", "red")])
    let vip = ["createPort", "attachPort", "plugVIP"]
    let network = ["createPort", "attachPort", "plugNetwork"]
    #expect(
      words(try plan(record(.activeStandby), document)) == ["reserveVIP", "buildAmphora", "buildAmphora"]
        + ["awaitAmphora", "awaitAmphora"] + vip + vip + ["configureVRRP", "configureVRRP"] + network + network
        + ["updateListeners", "updateListeners", "activate"])
  }

  @Test(arguments: [Topology.single, .activeStandby])
  func `what is as it should be needs no step`(topology: Topology) throws {
    let document = try ProcedureSample.document(topology: topology, members: [("10.0.1.21", "red")])
    let after = try done(plan(record(topology), document), document)
    #expect(words(try plan(after, document)) == [])
  }

  @Test func `a change of listeners updates each amphora once and touches nothing else`() throws {
    let document = try ProcedureSample.document(topology: .activeStandby, limit: 100)
    let after = try done(plan(record(.activeStandby), document), document)
    let changed = try ProcedureSample.document(topology: .activeStandby, limit: 101)
    #expect(words(try plan(after, changed)) == ["updateListeners", "updateListeners", "activate"])
  }

  @Test func `a network is plugged before the update that needs it, and unplugged after the one that does not`() throws
  {
    let document = try ProcedureSample.document(members: [("10.0.1.21", "red")])
    let after = try done(plan(record(.single), document), document)
    let moved = try ProcedureSample.document(members: [("10.0.2.21", "blue-1")])
    #expect(
      words(try plan(after, moved)) == [
        "createPort", "attachPort", "plugNetwork", "updateListeners", "detachPort", "deletePort", "activate",
      ])
  }

  @Test func `what a crash left half made is completed with the ids that were chosen`() throws {
    let document = try ProcedureSample.document()
    let first = try plan(record(.single), document)
    let second = try plan(first.record, document)
    #expect(second.steps == first.steps && second.record == first.record)
  }

  @Test func `a failover follows the contract, and goes on without a peer that does not answer`() throws {
    let document = try ProcedureSample.document(topology: .activeStandby, members: [("10.0.1.21", "red")])
    let after = try done(plan(record(.activeStandby), document), document)
    let old = try #require(after.amphorae.first { $0.role == .master })
    let survivor = try #require(after.amphorae.first { $0.role == .backup })
    var planner = Planner(after, desired: document, newID: { ProcedureSample.uuid(Int.random(in: 200..<900)) })
    try planner.failOver(old.id, role: old.role)
    #expect(
      words(planner) == [
        "retireAmphora", "buildAmphora", "awaitAmphora", "createPort", "attachPort", "plugVIP", "createPort",
        "attachPort", "plugNetwork", "deleteAmphora", "deletePort", "deletePort", "probeAmphora", "probeAmphora",
        "updateListeners", "updateListeners", "configureVRRP", "configureVRRP", "reloadListeners", "reloadListeners",
        "activate",
      ])
    // Errors on the old machine and on the peer do not end it; errors on the new one do.
    for planned in planner.steps {
      let isTolerant = [old.id, survivor.id].contains(planned.step.amphora) && planned.step.word != "retireAmphora"
      #expect(planned.mayFail == isTolerant || planned.step.word == "deletePort", "\(planned)")
    }
    #expect(planner.record.amphorae.last?.role == .master)
  }

  @Test func `both amphorae of a pair are replaced one after the other, the second beside the first's successor`()
    throws
  {
    let document = try ProcedureSample.document(topology: .activeStandby)
    let after = try done(plan(record(.activeStandby), document), document)
    var planner = Planner(after, desired: document, newID: { ProcedureSample.uuid(Int.random(in: 200..<900)) })
    try planner.failOver(after.amphorae[1].id, role: .backup)
    try planner.failOver(after.amphorae[0].id, role: .master)
    let probed = planner.steps.filter { $0.step.word == "probeAmphora" }.map(\.step.amphora)
    let new = planner.record.amphorae.suffix(2).map(\.id)
    #expect(probed == [after.amphorae[0].id, new[0], new[0], new[1]])
  }

  @Test func `apply undoes a failover that never began, and completes one that did`() throws {
    let document = try ProcedureSample.document()
    let after = try done(plan(record(.single), document), document)
    let old = after.amphorae[0].id
    var failover = Planner(after, desired: document, newID: { ProcedureSample.uuid(Int.random(in: 200..<900)) })
    try failover.failOver(old, role: .standalone)
    var begun = failover.record
    #expect(words(try plan(begun, document)) == ["deleteAmphora", "deletePort", "activate"])
    begun.change(old) { $0.status = .pendingDelete }
    let completed = words(try plan(begun, document))
    #expect(completed.starts(with: ["buildAmphora", "awaitAmphora", "createPort", "attachPort", "plugVIP"]))
    #expect(completed.contains("deleteAmphora") && completed.last == "activate")
  }

  @Test func `a single IPv6 amphora's port is disabled before its successor has the VIP`() throws {
    let document = try ProcedureSample.document()
    var after = try done(plan(record(.single), document), document)
    let base = try #require(after.basePort(of: after.amphorae[0].id))
    after.vips[0].address = try #require(AddressText("2001:db8::10"))
    var planner = Planner(after, desired: document, newID: Self.ids())
    try planner.failOver(after.amphorae[0].id, role: .standalone)
    let order = words(planner)
    let disabled = try #require(order.firstIndex(of: "disablePort"))
    #expect(planner.steps[disabled].step.port == base.id)
    #expect(try disabled < #require(order.firstIndex(of: "plugVIP")))
  }

  @Test func `a deletion covers everything that may have been made, the memory last`() throws {
    let document = try ProcedureSample.document(members: [("10.0.1.21", "red")])
    var planner = Planner(
      try plan(record(.single), document).record, desired: document, newID: Self.ids())
    planner.delete()
    #expect(words(planner) == ["deleteAmphora", "deletePort", "deletePort", "deletePort", "forget"])
  }
}

extension ProcedureSample {
  static var mac: MACAddress {
    guard let mac = MACAddress("fa:16:3e:00:00:01") else { preconditionFailure("a MAC address") }
    return mac
  }
}

import AmphoraProtocol
import Testing

@testable import AmphoraController

/// Which heartbeats keep an amphora alive: contract heartbeat-and-config §3.3, §3.4.
@Suite struct LivenessTests {
  private let view = LoadBalancerView(
    id: "lb", listeners: [.init(id: "l1"), .init(id: "l2"), .init(id: "off", isEnabled: false)])

  private func message(_ ids: [String], version: Int? = 3) -> HeartbeatMessage {
    var message = HeartbeatMessage(
      id: "amp", sequence: nil, listeners: ids.map { .init(id: $0, status: "OPEN", stats: .init()) })
    message.version = version
    return message
  }

  @Test func `the number of enabled listeners counts, not which they are`() {
    var view = view
    #expect(view.apply(message(["l1", "l2"])).recordsAlive)
    #expect(view.apply(message(["x", "y"])).recordsAlive)
    let verdict = view.apply(message(["l1"]))
    #expect(!verdict.recordsAlive)
    #expect(verdict.mismatch == ListenerMismatch(expected: 2, listed: 1, missing: ["l2"], unexpected: []))
    let tooMany = view.apply(message(["l1", "l2", "off"]))
    #expect(tooMany.mismatch == ListenerMismatch(expected: 2, listed: 3, missing: [], unexpected: ["off"]))
  }

  @Test func `by ids, the right number of wrong ones does not count`() {
    var view = view
    #expect(view.apply(message(["l2", "l1"]), matching: .identifiers).recordsAlive)
    let verdict = view.apply(message(["l1", "y"]), matching: .identifiers)
    #expect(verdict.mismatch == ListenerMismatch(expected: 2, listed: 2, missing: ["l2"], unexpected: ["y"]))
  }

  @Test(arguments: [
    (ProvisioningStatus.pendingCreate, true, true), (.pendingUpdate, true, true), (.pendingDelete, true, true),
    (.active, true, false), (.error, true, false), (.active, false, true),
  ]) func `while it is changed or disabled, any listeners do`(
    provisioning: ProvisioningStatus, isEnabled: Bool, isAlive: Bool
  ) {
    var view = view
    view.provisioningStatus = provisioning
    view.isEnabled = isEnabled
    #expect(view.apply(message([])).recordsAlive == isAlive)
  }

  @Test func `a heartbeat that waited an interval touches nothing`() {
    var view = view
    view.operatingStatus = .error
    let verdict = view.apply(message(["l1", "l2"]), delay: .seconds(10), limit: .seconds(10))
    #expect(verdict.isLate && !verdict.recordsAlive && verdict.changes.isEmpty)
    #expect(view.operatingStatus == .error)
    #expect(view.apply(message(["l1", "l2"]), delay: .milliseconds(9999), limit: .seconds(10)).recordsAlive)
  }

  @Test func `one that is late and lists other listeners still tells statuses`() {
    var view = view
    let verdict = view.apply(message(["l1"]), delay: .seconds(60), limit: .seconds(10))
    #expect(!verdict.isLate && !verdict.recordsAlive)
    #expect(view.listeners.map(\.operatingStatus) == [.online, .error, .offline])
  }

  @Test func `agents without a version leave out UDP listeners without members`() {
    var view = view
    view.listeners[1].isUDPWithoutMembers = true
    #expect(view.apply(message(["l1"], version: nil)).recordsAlive)
    #expect(!view.apply(message(["l1"], version: 1)).recordsAlive)
    #expect(!view.apply(message(["l1", "l2"], version: nil)).recordsAlive)
  }

  @Test func `a document says what to expect`() throws {
    let document = try LoadBalancerDocument(Documents.everything)
    let view = LoadBalancerView(document.loadBalancer)
    #expect(view.id == document.loadBalancer.id.rawValue)
    #expect(view.listeners.map(\.id) == document.loadBalancer.listeners.map(\.id.rawValue))
    #expect(Set(view.pools.map(\.id)).count == view.pools.count)
    #expect(!view.pools.isEmpty && view.pools.allSatisfy { !$0.members.isEmpty || $0.operatingStatus == .offline })
  }

  @Test func `a changed expectation keeps the statuses of what stays`() {
    var old = LoadBalancerView(
      id: "lb", listeners: [.init(id: "l1"), .init(id: "l2")],
      pools: [.init(id: "p", members: [.init(id: "m1"), .init(id: "m2")])])
    old.operatingStatus = .degraded
    old.listeners[1].operatingStatus = .online
    old.pools[0].operatingStatus = .degraded
    old.pools[0].members[1].operatingStatus = .error
    let new = LoadBalancerView(
      id: "lb", listeners: [.init(id: "l2"), .init(id: "l3")],
      pools: [.init(id: "q"), .init(id: "p", members: [.init(id: "m2"), .init(id: "m3")])]
    ).keepingStatuses(of: old)
    #expect(new.operatingStatus == .degraded)
    #expect(new.listeners.map(\.operatingStatus) == [.online, .offline])
    #expect(new.pools.map(\.operatingStatus) == [.offline, .degraded])
    #expect(new.pools[1].members.map(\.operatingStatus) == [.error, .noMonitor])
  }
}

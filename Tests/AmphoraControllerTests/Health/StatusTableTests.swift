import AmphoraProtocol
import Testing

@testable import AmphoraController

/// The tables of contract heartbeat-and-config §3.5, each row as it stands there, and steps 2 and 3 of §3.4.
@Suite struct StatusTableTests {
  /// One listener, one pool with two members, all known to be online.
  static let view = LoadBalancerView(
    id: "lb", operatingStatus: .online, listeners: [.init(id: "l1", operatingStatus: .online)],
    pools: [
      .init(
        id: "p1", operatingStatus: .online,
        members: [.init(id: "m1", operatingStatus: .online), .init(id: "m2", operatingStatus: .online)])
    ])

  static func message(
    listener: String? = "OPEN", pool: String? = "UP", members: [String: String] = ["m1": "UP", "m2": "UP"],
    version: Int? = 3
  ) -> HeartbeatMessage {
    var message = HeartbeatMessage(
      id: "amp", sequence: nil, listeners: listener.map { [.init(id: "l1", status: $0, stats: .init())] } ?? [],
      pools: pool.map {
        [.init(key: "p1:l1", status: $0, members: members.sorted { $0.key < $1.key }.map { .init(id: $0, status: $1) })]
      } ?? [])
    message.version = version
    return message
  }

  private func statuses(_ view: LoadBalancerView) -> [String: OperatingStatus] {
    var all = [view.id: view.operatingStatus]
    for listener in view.listeners { all[listener.id] = listener.operatingStatus }
    for pool in view.pools {
      all[pool.id] = pool.operatingStatus
      for member in pool.members { all[member.id] = member.operatingStatus }
    }
    return all
  }

  // MARK: Listeners

  @Test(arguments: [("OPEN", OperatingStatus.online, OperatingStatus.online), ("FULL", .degraded, .degraded)])
  func `a listener's word gives its status and the load balancer's`(
    word: String, listener: OperatingStatus, total: OperatingStatus
  ) {
    var view = Self.view
    let verdict = view.apply(Self.message(listener: word))
    #expect(view.listeners[0].operatingStatus == listener)
    #expect(view.operatingStatus == total)
    #expect(verdict.recordsAlive && verdict.remarks.isEmpty)
  }

  @Test(arguments: ["STOP", "open", "", "OPEN "]) func `an unknown word leaves the listener as it is`(word: String) {
    var view = Self.view
    view.listeners[0].operatingStatus = .degraded
    let verdict = view.apply(Self.message(listener: word))
    #expect(view.listeners[0].operatingStatus == .degraded)
    #expect(view.operatingStatus == .online)
    #expect(verdict.remarks == ["listener l1 has the unknown status '\(word)'"])
    #expect(verdict.recordsAlive)
  }

  @Test(arguments: [
    (true, ProvisioningStatus.active, OperatingStatus.error), (true, .pendingUpdate, .offline),
    (true, .error, .offline),
    (false, .active, .offline),
  ]) func `a listener that is not listed is in error only when it should be served`(
    isEnabled: Bool, provisioning: ProvisioningStatus, gives: OperatingStatus
  ) {
    var view = Self.view
    view.listeners[0].isEnabled = isEnabled
    view.provisioningStatus = provisioning
    _ = view.apply(Self.message(listener: nil))
    #expect(view.listeners[0].operatingStatus == gives)
    #expect(view.operatingStatus == .online)
  }

  // MARK: Pools

  @Test func `a pool that is up is online, and degraded with a member down`() {
    var view = Self.view
    _ = view.apply(Self.message(members: ["m1": "UP", "m2": "DOWN"]))
    #expect(statuses(view) == ["lb": .degraded, "l1": .online, "p1": .degraded, "m1": .online, "m2": .error])
    _ = view.apply(Self.message())
    #expect(statuses(view) == ["lb": .online, "l1": .online, "p1": .online, "m1": .online, "m2": .online])
  }

  @Test func `a pool that is down is in error, and so is the load balancer, even a disabled one`() {
    var view = Self.view
    _ = view.apply(Self.message(pool: "DOWN", members: ["m1": "DOWN", "m2": "DOWN"]))
    #expect(statuses(view) == ["lb": .error, "l1": .online, "p1": .error, "m1": .error, "m2": .error])
    view.isEnabled = false
    view.operatingStatus = .offline
    _ = view.apply(Self.message(pool: "DOWN"))
    #expect(view.operatingStatus == .error)
  }

  @Test func `an unknown word leaves the pool as it is, and its members are taken`() {
    var view = Self.view
    let verdict = view.apply(Self.message(pool: "MAINT", members: ["m1": "DOWN", "m2": "UP"]))
    #expect(statuses(view) == ["lb": .online, "l1": .online, "p1": .online, "m1": .error, "m2": .online])
    #expect(verdict.remarks == ["pool p1 has the unknown status 'MAINT'"])
  }

  @Test func `a pool that is not listed is offline, its members stay`() {
    var view = Self.view
    _ = view.apply(Self.message(pool: nil))
    #expect(statuses(view) == ["lb": .online, "l1": .online, "p1": .offline, "m1": .online, "m2": .online])
  }

  @Test func `of two entries for one pool the later one counts`() {
    var view = Self.view
    var message = Self.message(pool: "DOWN")
    message.pools?.append(.init(key: "p1:l2", status: "UP", members: [.init(id: "m1", status: "UP")]))
    _ = view.apply(message)
    #expect(statuses(view) == ["lb": .online, "l1": .online, "p1": .online, "m1": .online, "m2": .offline])
  }

  @Test func `a load balancer in error stays so for the rest of the message`() {
    var view = Self.view
    view.pools.append(.init(id: "p2", members: [.init(id: "m3")]))
    var message = Self.message(listener: "FULL", pool: "DOWN")
    message.pools?.append(.init(key: "p2", status: "UP", members: [.init(id: "m3", status: "DOWN")]))
    _ = view.apply(message)
    #expect(view.operatingStatus == .error)
    #expect(view.pools[1].operatingStatus == .degraded)
  }

  // MARK: Members

  @Test(arguments: [
    ("UP", OperatingStatus.online), ("UP 1/3", .online), ("DOWN", .error), ("DOWN 1/2", .error),
    ("DOWN (agent)", .error), ("DRAIN", .draining), ("MAINT", .offline), ("no check", .noMonitor),
  ]) func `a member's word gives its status`(word: String, gives: OperatingStatus) {
    var view = Self.view
    let verdict = view.apply(Self.message(members: ["m1": word, "m2": "UP"]))
    #expect(view.pools[0].members[0].operatingStatus == gives)
    #expect(view.pools[0].operatingStatus == (gives == .error ? .degraded : .online))
    #expect(verdict.remarks.isEmpty)
  }

  @Test(arguments: ["DRAIN 1/3", "NOLB", "MAINT (via a/b)", "MAINT (resolution)", "up", "no check ", ""])
  func `an unknown word leaves the member as it is and is told`(word: String) {
    var view = Self.view
    view.pools[0].members[0].operatingStatus = .draining
    let verdict = view.apply(Self.message(members: ["m1": word, "m2": "UP"]))
    #expect(view.pools[0].members[0].operatingStatus == .draining)
    #expect(verdict.remarks == ["member m1 has the unknown status '\(word)'"])
  }

  @Test func `a restarting member stays as it is, silently`() {
    var view = Self.view
    view.pools[0].members[0].operatingStatus = .error
    let verdict = view.apply(Self.message(members: ["m1": "RESTARTING", "m2": "UP"]))
    #expect(view.pools[0].members[0].operatingStatus == .error)
    #expect(view.pools[0].operatingStatus == .online)
    #expect(verdict.remarks.isEmpty)
  }

  @Test func `a member that is not listed is offline unless nobody checks it`() {
    var view = Self.view
    view.pools[0].members[1].operatingStatus = .noMonitor
    _ = view.apply(Self.message(members: [:]))
    #expect(view.pools[0].members.map(\.operatingStatus) == [.offline, .noMonitor])
  }

  // MARK: The load balancer

  @Test func `a disabled load balancer is offline`() {
    var view = Self.view
    view.isEnabled = false
    let verdict = view.apply(Self.message(listener: nil, pool: nil))
    #expect(statuses(view) == ["lb": .offline, "l1": .error, "p1": .offline, "m1": .online, "m2": .online])
    #expect(verdict.recordsAlive)
  }

  @Test func `ids that nobody expects change nothing`() {
    var view = Self.view
    var message = Self.message()
    message.pools?.append(.init(key: "p9", status: "DOWN", members: [.init(id: "m9", status: "DOWN")]))
    let verdict = view.apply(message)
    #expect(verdict.changes.isEmpty)
    #expect(view == Self.view)
  }

  @Test func `changes come in the order listeners, members and pool, load balancer`() {
    var view = Self.view
    let verdict = view.apply(Self.message(listener: "FULL", members: ["m1": "DOWN", "m2": "MAINT"]))
    #expect(
      verdict.changes.map(\.object) == [
        .listener("l1"), .member("m1", pool: "p1"), .member("m2", pool: "p1"), .pool("p1"), .loadBalancer("lb"),
      ])
    #expect(verdict.changes.map(\.from).allSatisfy { $0 == .online })
    #expect(verdict.changes.map(\.to) == [.degraded, .error, .offline, .degraded, .degraded])
    #expect(verdict.changes.allSatisfy { $0.loadBalancer == "lb" })
  }

  @Test func `without usable pools listeners are taken and the rest stays`() {
    var view = Self.view
    var message = Self.message(listener: "FULL")
    message.pools = nil
    let verdict = view.apply(message)
    #expect(verdict.recordsAlive)
    #expect(statuses(view) == ["lb": .online, "l1": .degraded, "p1": .online, "m1": .online, "m2": .online])
  }

  @Test func `many members are found as few are`() {
    var view = LoadBalancerView(id: "lb", pools: [.init(id: "p", members: (0..<500).map { .init(id: "m\($0)") })])
    let message = HeartbeatMessage(
      id: "amp", sequence: 0,
      pools: [
        .init(
          key: "p", status: "UP",
          members: (0..<500).reversed().map { .init(id: "m\($0)", status: $0 % 2 == 0 ? "UP" : "DRAIN") }
        )
      ])
    _ = view.apply(message)
    #expect(view.pools[0].members.enumerated().allSatisfy { $1.operatingStatus == ($0 % 2 == 0 ? .online : .draining) })
  }
}

// Whom to send to: contract heartbeat-and-config §2.8.

import Glibc
import Synchronization
import Testing
import TestSupport

@testable import AmphoraAgent

@Suite struct `Heartbeat destinations` {
  private func endpoints(_ texts: String...) -> [ControllerEndpoint] { texts.compactMap { ControllerEndpoint($0) } }

  private func name(_ choice: Destinations.Choice) -> String {
    switch choice {
    case .send(_, let destination): destination.description
    case .unconfigured: "unconfigured"
    case .resolving: "resolving"
    case .unresolvable: "unresolvable"
    }
  }

  @Test func `destinations take turns in list order, duplicates twice`() {
    let destinations = Destinations()
    destinations.replace(endpoints("192.0.2.1:1", "[2001:db8::5]:2", "192.0.2.1:1", "192.0.2.3:3"))
    let turns = (0..<5).map { _ in name(destinations.next()) }
    #expect(turns == ["192.0.2.1:1", "[2001:db8::5]:2", "192.0.2.1:1", "192.0.2.3:3", "192.0.2.1:1"])
  }

  @Test func `an equal list goes on, another one starts over`() {
    let destinations = Destinations()
    destinations.replace(endpoints("192.0.2.1:1", "192.0.2.2:2", "192.0.2.3:3"))
    _ = destinations.next()
    destinations.replace(endpoints("192.0.2.1:1", "192.0.2.2:2", "192.0.2.3:3"))
    #expect(name(destinations.next()) == "192.0.2.2:2")
    destinations.replace(endpoints("192.0.2.3:3", "192.0.2.1:1"))
    #expect(name(destinations.next()) == "192.0.2.3:3")
  }

  @Test func `an empty list is told apart from names without address`() async throws {
    let destinations = Destinations { _ in nil }
    #expect(destinations.next() == .unconfigured)
    destinations.replace(endpoints("name:1"))
    try await poll("the failed lookup", within: .seconds(10)) { destinations.next() == .unresolvable }
    #expect(!destinations.isUsable)
  }

  @Test func `a zone selects the interface of a link-local address`() throws {
    let endpoint = try #require(ControllerEndpoint("fe80::1%lo:5555"))
    let destination = try #require(ResolvedDestination.literal(endpoint))
    #expect(destination.family == AF_INET6)
    #expect(destination.description == "[fe80::1%lo]:5555")
  }

  @Test func `the system resolves localhost`() async throws {
    let destinations = Destinations()
    destinations.replace(endpoints("localhost:5555"))
    try await poll("an address", within: .seconds(10)) { destinations.isUsable }
    #expect(["127.0.0.1:5555", "[::1]:5555"].contains(name(destinations.next())))
  }

  @Test func `a name server that does not answer delays nobody, and its answer is used once it comes`() async throws {
    let gate = Mutex(false)
    let literal = try #require(ControllerEndpoint("192.0.2.9:9"))
    let destinations = Destinations { endpoint in
      while !gate.withLock({ $0 }) { poll(nil, 0, 5) }
      return endpoint.host == "slow" ? ResolvedDestination.literal(literal) : nil
    }
    destinations.replace(endpoints("slow:9", "192.0.2.1:1", "never:2"))
    let start = ContinuousClock.now
    #expect((0..<4).map { _ in name(destinations.next()) } == Array(repeating: "192.0.2.1:1", count: 4))
    #expect(ContinuousClock.now - start < .seconds(2))
    gate.withLock { $0 = true }
    try await poll("the late answer", within: .seconds(10)) { name(destinations.next()) == "192.0.2.9:9" }
  }

  @Test func `only names under way are resolving`() throws {
    let gate = Mutex(false)
    let destinations = Destinations { _ in
      while !gate.withLock({ $0 }) { poll(nil, 0, 5) }
      return nil
    }
    destinations.replace(endpoints("slow:9"))
    #expect(destinations.next() == .resolving)
    gate.withLock { $0 = true }
  }

  @Test func `an unresolvable name is tried at every turn, a resolved one again after a minute, a failing one at once`()
    async throws
  {
    let calls = Mutex(0)
    let address = try #require(ControllerEndpoint("192.0.2.9:9"))
    let destinations = Destinations { _ in
      let call = calls.withLock { calls in
        calls += 1
        return calls
      }
      return call < 3 ? nil : ResolvedDestination.literal(address)
    }
    let count: @Sendable () -> Int = { calls.withLock { $0 } }
    let start = ContinuousClock.now
    let list = endpoints("name:9")
    destinations.replace(list, at: start)
    // A lookup that is under way is not doubled, so each turn is repeated until the next lookup has begun.
    for expected in 2...3 {
      try await poll("lookup \(expected)", within: .seconds(10)) {
        _ = destinations.next(at: start)
        return count() >= expected
      }
    }
    try await poll("an address", within: .seconds(10)) { destinations.isUsable }
    let settled = count()
    _ = destinations.next(at: start + .seconds(59))
    #expect(count() == settled)
    _ = destinations.next(at: start + .seconds(61))
    try await poll("the lookup after a minute", within: .seconds(10)) { count() == settled + 1 }
    let endpoint = try #require(list.first)
    try await poll("the lookup after a failure", within: .seconds(10)) {
      destinations.sendingFailed(to: endpoint, at: start + .seconds(62))
      return count() >= settled + 2
    }
  }

  @Test func `a name that can no longer be looked up keeps its address`() async throws {
    let calls = Mutex(0)
    let address = try #require(ControllerEndpoint("192.0.2.9:9"))
    let destinations = Destinations { _ in
      calls.withLock { calls in
        calls += 1
        return calls == 1 ? ResolvedDestination.literal(address) : nil
      }
    }
    destinations.replace(endpoints("name:9"))
    try await poll("an address", within: .seconds(10)) { destinations.isUsable }
    _ = destinations.next(at: .now + .seconds(100))
    try await poll("the second lookup", within: .seconds(10)) { calls.withLock { $0 } == 2 }
    #expect(name(destinations.next()) == "192.0.2.9:9")
  }
}

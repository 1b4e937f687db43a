// Which ports members need.

import Addresses
import AmphoraProtocol
import Testing

@testable import AmphoraController

@Suite struct NetworkDeltaTests {
  private static let amphora = ProcedureSample.amphora

  private func delta(_ ports: [PortRecord], members: Set<String>) -> NetworkDelta {
    NetworkDelta(
      ports: ports, memberSubnets: members, vipSubnets: ["vip"], subnets: ProcedureSample.subnets)
  }

  private func port(_ digit: Int, _ purpose: PortRecord.Purpose, _ network: String, _ subnets: [String]) throws
    -> PortRecord
  {
    PortRecord(
      id: try ProcedureSample.id(digit), amphora: Self.amphora, purpose: purpose, networkID: network, subnets: subnets)
  }

  @Test func `a subnet in a network without port is plugged, its neighbours with it`() throws {
    let delta = delta([try port(1, .base, "net-vip", ["vip"])], members: ["red", "blue-1", "blue-2"])
    #expect(
      delta.plug == [
        .init(networkID: "net-blue", subnets: ["blue-1", "blue-2"]), .init(networkID: "net-red", subnets: ["red"]),
      ])
    #expect(delta.change.isEmpty && delta.unplug.isEmpty)
  }

  @Test func `a network that no member needs any more is unplugged`() throws {
    let ports = [try port(1, .base, "net-vip", ["vip"]), try port(2, .member, "net-red", ["red"])]
    let delta = delta(ports, members: [])
    #expect(delta.plug.isEmpty && delta.change.isEmpty)
    #expect(delta.unplug == [ports[1].id])
  }

  @Test func `a port gets and loses subnets of its network`() throws {
    let ports = [try port(1, .base, "net-vip", ["vip"]), try port(2, .member, "net-blue", ["blue-1"])]
    #expect(delta(ports, members: ["blue-2"]).change == [.init(port: ports[1].id, subnets: ["blue-2"])])
    #expect(
      delta(ports, members: ["blue-2", "blue-1"]).change == [.init(port: ports[1].id, subnets: ["blue-1", "blue-2"])])
    #expect(delta(ports, members: ["blue-1"]).isEmpty)
  }

  @Test func `members in the VIP's network are reached through the base port, which keeps its own subnet`() throws {
    let base = try port(1, .base, "net-vip", ["vip"])
    #expect(delta([base], members: ["vip"]).isEmpty)
    let wider = delta([base], members: ["vip-2"])
    #expect(wider.change == [.init(port: base.id, subnets: ["vip", "vip-2"])] && wider.plug.isEmpty)
    let extended = try port(1, .base, "net-vip", ["vip", "vip-2"])
    #expect(delta([extended], members: []).change == [.init(port: base.id, subnets: ["vip"])])
  }
}

/// Values for tests of procedures.
enum ProcedureSample {
  static let amphora = amphoraID(1)
  static let loadBalancer = "0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10"

  static func id(_ digit: Int) throws -> PortID { try #require(PortID(uuid(digit))) }

  /// Different for each number below a thousand.
  static func uuid(_ number: Int) -> String {
    let digits = String(number)
    return "22222222-2222-4333-8444-\(String(repeating: "0", count: 12 - digits.count))\(digits)"
  }

  static func amphoraID(_ number: Int) -> AmphoraID {
    guard let id = AmphoraID(uuid(number)) else { preconditionFailure("a UUID is an amphora id") }
    return id
  }

  static let subnets: [String: NetworkSubnet] = {
    var subnets: [String: NetworkSubnet] = [:]
    for (id, network, cidr) in [
      ("vip", "net-vip", "203.0.113.0/24"), ("vip-2", "net-vip", "198.51.100.0/24"), ("red", "net-red", "10.0.1.0/24"),
      ("blue-1", "net-blue", "10.0.2.0/24"), ("blue-2", "net-blue", "10.0.3.0/24"),
    ] {
      guard let parsed = CIDR(cidr) else { continue }
      subnets[id] = NetworkSubnet(id: id, networkID: network, subnet: Subnet(network: parsed))
    }
    return subnets
  }()

  /// A document with one HTTP listener and members in these subnets.
  static func document(
    topology: Topology = .single, members: [(address: String, subnet: String?)] = [], limit: Int = 100
  ) throws -> LoadBalancerDocument {
    let id = try #require(ObjectID(loadBalancer))
    var balancer = LoadBalancer(
      id: id, projectID: try #require(ProjectID("p")), vipAddress: try #require(AddressText("203.0.113.10")))
    balancer.vipSubnetID = "vip"
    var listener = Listener(id: try Self.id(900), protocol: .http, protocolPort: 80)
    listener.connectionLimit = limit
    var pool = Pool(id: try Self.id(901), protocol: .http, algorithm: .roundRobin)
    for (index, each) in members.enumerated() {
      var member = Member(
        id: try Self.id(910 + index), address: try #require(AddressText(each.address)), protocolPort: 8080)
      member.subnetID = each.subnet
      pool.members.append(member)
    }
    listener.defaultPool = pool
    balancer.listeners = [listener]
    return LoadBalancerDocument(
      loadBalancer: balancer,
      context: RenderingContext(topology: topology, haproxyVersion: try #require(HAProxyVersion("2.6.12"))))
  }
}

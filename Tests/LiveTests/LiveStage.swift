// A load balancer in service: client, amphora with VIP and member port, members.

import Addresses
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Netlink
import Synchronization
import Testing
import TestSupport

final class LiveStage: Sendable {
  static let vip = "203.0.113.10"
  let amphora: LiveAmphora
  let client: NetworkNamespace
  let members: [HTTPMember]
  private let state: Mutex<LabLoadBalancer>

  var balancer: LabLoadBalancer {
    get { state.withLock { $0 } }
    set { state.withLock { $0 = newValue } }
  }
  var id: LoadBalancerID { LoadBalancerID(unchecked: balancer.id) }
  var object: ServiceObjectID { ServiceObjectID(unchecked: balancer.id) }
  var folder: String { "/var/lib/octavia/\(id)" }
  var haproxyPath: String { "/1.0/loadbalancer/\(amphora.id)/\(id)/haproxy" }
  var running: Int32? { amphora.text("\(folder)/\(id).pid").flatMap { Int32($0.filter(\.isNumber)) } }

  /// Makes hosts and plugs both ports; no load balancer yet.
  init(_ amphora: LiveAmphora) async throws {
    self.amphora = amphora
    let (network, number) = (amphora.network, amphora.number)
    client = try network.host("client-\(number)", on: .vip, addresses: ["203.0.113.100/24"])
    members = try (1...2).map { member in
      let namespace = try network.host("member-\(number)-\(member)", on: .member, addresses: ["10.0.1.2\(member)/24"])
      let server = HTTPMember(name: "member-\(member)", namespace: namespace, port: 8080)
      try server.start()
      return server
    }
    state = Mutex(
      LabLoadBalancer(
        amphora: amphora.id.text, vip: Self.vip,
        members: (1...2).map {
          .init(id: "f0000000-0000-4000-8000-00000000000\($0)", address: "10.0.1.2\($0)", port: 8080)
        }))
    try await plugPorts()
  }

  private func plugPorts() async throws {
    try amphora.plugNIC("fa:16:3e:00:00:01", "ens4", on: .vip)
    try amphora.plugNIC("fa:16:3e:00:00:02", "ens5", on: .member)
    try await amphora.client.plugVIP(
      #require(IPAddress(Self.vip)),
      PlugVIPBody(
        subnetCIDR: "203.0.113.0/24", gateway: "203.0.113.1", macAddress: "fa:16:3e:00:00:01", vrrpIP: "203.0.113.4",
        mtu: 1450))
    try await amphora.client.plugNetwork(
      PlugNetworkBody(
        macAddress: "fa:16:3e:00:00:02",
        fixedIPs: [FixedIPBody(ipAddress: "10.0.1.5", subnetCIDR: "10.0.1.0/24", gateway: "10.0.1.1")], mtu: 1450))
  }

  /// Uploads the configuration of the balancer as it is now.
  func upload() async throws {
    try await amphora.client.uploadHAProxy(balancer.haproxyConfiguration(), loadBalancer: id)
  }

  /// Uploads and reloads, as a controller does for each change.
  func deploy() async throws {
    try await upload()
    try await amphora.client.control(object, .reload)
  }

  /// A request through the VIP.
  func get() async throws -> ProbeResult {
    try await HTTPProbe.get(#require(IPAddress(Self.vip)), port: UInt16(balancer.port), from: client)
  }

  /// Waits until both members answer through the VIP.
  func waitForTraffic() async throws {
    var seen: Set<String> = []
    try await poll("answers of both members through the VIP") {
      let result = try await get()
      if result.status == 200 { seen.insert(result.body) }
      return seen == ["member-1\n", "member-2\n"]
    }
  }

  func takeDown() {
    for member in members { member.stop() }
    for name in ["client-\(amphora.number)", "member-\(amphora.number)-1", "member-\(amphora.number)-2"] {
      try? NetworkNamespace(name)?.delete(ifExists: true)
    }
  }
}

/// Boots an amphora with both ports plugged.
func withStage(_ settings: LabAmphora.Settings = .init(), _ body: (LiveStage) async throws -> Void) async throws {
  try await withAmphora(settings) { amphora in
    let stage = try await LiveStage(amphora)
    defer { stage.takeDown() }
    try await body(stage)
  }
}

extension LiveAmphora {
  /// Hot-plugs a NIC into the root namespace.
  func plugNIC(_ mac: String, _ name: String, on segment: LabSegment) throws {
    try network.plug(#require(MACAddress(mac)), named: name, into: vm.namespace, on: segment)
  }
}

// An amphora that does not exist, for screens.

@testable import AmphoraAgent

enum StatusSample {
  static let time = 1_795_276_000.0
  static let balancer = "0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10"

  static func service(_ unit: String, isUp: Bool = true) -> ServiceFacts {
    ServiceFacts(
      unit: unit, state: isUp ? "active (running)" : "failed (failed)", isUp: isUp, age: 187_200, pid: isUp ? 612 : nil,
      uptime: isUp ? 187_200 : nil, memoryBytes: isUp ? 14_200_000 : nil, restarts: 0,
      failure: isUp ? nil : "exit-code, status 1", isStoppedByOrder: false)
  }

  static func listener(_ number: Int, sessions: Int = 12) -> ListenerFacts {
    ListenerFacts(
      id: id("c1a7b3d", number), mode: number == 1 ? "TERMINATED_HTTPS" : "HTTP",
      binds: ["203.0.113.10:\(442 + number)", "[2001:db8:0:1::10]:\(442 + number)"], state: "OPEN", sessions: sessions,
      sessionLimit: 2000, totalSessions: 48_211, rate: 34, requestRate: 51, requestErrors: 3, deniedRequests: 1,
      serverErrors: 0, bytesIn: 81_400_000, bytesOut: 1_420_000_000)
  }

  static func member(_ number: Int, state: String = "UP") -> MemberFacts {
    let isDown = state == "DOWN"
    return MemberFacts(
      id: id("f0e1d2c", number), address: "10.0.\(1 + number / 200).\(20 + number % 200):8080", state: state, weight: 1,
      isBackup: false,
      sessions: isDown ? 0 : 6, queued: 0, check: isDown ? "L7STS 503" : "L7OK 200",
      reason: isDown ? "Layer7 wrong status 503: Service Unavailable" : "Layer7 check passed 200",
      checkMilliseconds: 3, changed: isDown ? 312 : 187_000, timesDown: isDown ? 4 : 0, downtime: isDown ? 2912 : 0)
  }

  static func pool(_ number: Int, members: [MemberFacts]) -> PoolFacts {
    PoolFacts(
      id: id("d2b4c6a", number), listener: id("c1a7b3d", number), state: "UP", algorithm: "roundrobin", sessions: 12,
      queued: 0, members: members)
  }

  /// Eight digits that tell a kind and a number, and more behind.
  static func id(_ kind: String, _ number: Int) -> String {
    let digits = String(number, radix: 16)
    return kind.prefix(8 - digits.count) + digits + "-0000-4000-8000-000000000001"
  }

  static var network: NetworkFacts {
    var network = NetworkFacts(namespace: "amphora-haproxy")
    network.interfaces = [
      .init(
        name: "eth1", mac: "fa:16:3e:ea:ba:f8", mtu: 1450, link: "up",
        addresses: ["203.0.113.4/24", "203.0.113.10/32", "2001:db8:0:1::4/64", "2001:db8:0:1::10/128"],
        receivedBytes: 812_000_000, sentBytes: 14_300_000_000, receivedPackets: 1, sentPackets: 1, receiveDropped: 12,
        sendDropped: 0, receiveErrors: 0, sendErrors: 0)
    ]
    network.routes = [
      .init(table: 1, destination: "203.0.113.0/24", gateway: nil, interface: "eth1", source: "203.0.113.10"),
      .init(table: 1, destination: "default", gateway: "203.0.113.1", interface: "eth1", source: nil),
      .init(table: 254, destination: "default", gateway: "203.0.113.1", interface: "eth1", source: nil),
    ]
    network.rules = ["100: from 203.0.113.10/32 lookup 1"]
    network.addressAges = ["203.0.113.10": 11_520]
    return network
  }

  static var agent: AgentFacts {
    let status = AgentStatus(
      version: "1.0.0", pid: 612, started: time - 187_200, logLevel: "info", requests: 421,
      lastRequest: .init(
        method: "GET", path: "/1.0/info", status: 200, id: "5c1e", time: time - 42, milliseconds: 3,
        client: "192.0.2.1"),
      heartbeatsSent: 18_720,
      lastHeartbeat: .init(
        destination: "192.0.2.5:5555", bytes: 812, time: time - 4, sequence: 18_720, form: "full"),
      reloads: [balancer: .init(count: 4, lastOutcome: "reloaded", time: time - 11_100, milliseconds: 147)])
    return AgentFacts(
      service: service("amphora-agent.service"), status: status, destinations: ["192.0.2.5:5555"],
      heartbeatInterval: 10)
  }

  /// One listener with two members, of which the second is down.
  static var small: AmphoraSnapshot {
    var image = ImageFacts(osRelease: "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nIMAGE_VERSION=2026-11-02\n")
    image.kernel = "6.1.0-28-cloud-amd64"
    image.haproxy = "2.6.12-1+deb12u4"
    image.keepalived = "2.2.7-1+b2"
    image.packagesChanged = time - 1_641_600
    let machine = MachineFacts(
      hostname: "amphora-3fd1b052", uptime: 187_260, load: ["0.02", "0.03", "0.00"], processors: 1,
      memoryBytes: 1_024_000_000, memoryAvailableBytes: 702_000_000,
      disks: [.init(path: "/", usedBytes: 802_000_000, availableBytes: 1_190_000_000)],
      conntrack: .init(count: 12, limit: 65_536))
    let vrrp = VRRPFacts(
      role: .master, since: 11_520, pid: 700, uptime: 187_100, vips: ["203.0.113.10"], priority: 100,
      peers: ["203.0.113.5"])
    return AmphoraSnapshot(
      time: time, amphoraID: "3fd1b052-ecaf-41c8-9335-60936525cf0d", topology: "ACTIVE_STANDBY",
      configurationProblems: [], image: image, machine: machine, agent: agent, vrrp: vrrp,
      loadBalancers: [
        balancer([listener(1)], [pool(1, members: [member(1), member(2, state: "DOWN")])])
      ], lvsListeners: [], network: network,
      certificates: [
        CertificateFacts(
          owner: "agent", file: "/etc/octavia/certs/server.pem", subject: "3fd1b052-ecaf-41c8-9335-60936525cf0d",
          notAfter: Int64(time) + 86_400 * 29, daysLeft: 29),
        CertificateFacts(
          owner: balancer,
          file: "/var/lib/octavia/certs/\(balancer)/1111111111111111111111111111111111111111.pem",
          subject: "www.example.com", notAfter: Int64(time) + 86_400 * 61, daysLeft: 61),
      ])
  }

  static func balancer(_ listeners: [ListenerFacts], _ pools: [PoolFacts]) -> LoadBalancerFacts {
    LoadBalancerFacts(
      id: balancer, service: service("haproxy-\(balancer).service"), configurationAge: 11_100, isUntried: false,
      workerUptime: 11_099, connections: .init(count: 12, limit: 2000), reloads: agent.status?.reloads[balancer],
      listeners: listeners, pools: pools, problems: [])
  }

  /// 50 listeners with 20 members each; three members are down.
  static var large: AmphoraSnapshot {
    var snapshot = small
    let down = [17, 18, 903]
    snapshot.loadBalancers = [
      balancer(
        (1...50).map { listener($0, sessions: $0) },
        (1...50).map { pool in
          self.pool(
            pool,
            members: (1...20).map { (pool - 1) * 20 + $0 }.map { number in
              member(number, state: down.contains(number) ? "DOWN" : "UP")
            })
        })
    ]
    return snapshot
  }
}

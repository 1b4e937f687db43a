// What the running agent costs and how long it takes.

import Addresses
import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Files
import Glibc
import Netlink

/// Start, memory, threads, plugs.
struct AgentFigures {
  let agent: String
  private let rounds = 9

  init(agent: String) { self.agent = agent }

  func measure(into table: inout FigureTable) async throws {
    let lab = try Lab(agent: agent)
    guard let id = AmphoraID("11111111-2222-4333-8444-555555555501") else { return }
    let amphora = try await lab.bootAmphora(1, id: id)
    let client = amphora.client.retrying(RetryProfile(attempts: 5000, pause: .microseconds(500)))

    var starts: [Double] = []
    for _ in 0..<rounds {
      let start = ContinuousClock.now
      let process = try amphora.vm.startAgent()
      _ = try await client.discover()
      starts.append((ContinuousClock.now - start).milliseconds)
      guard await process.stop() == 0 else { throw LabError.failed(what: "agent", reason: "did not end well") }
    }
    table.add("start to first answer", times: starts, budget: 50, upstream: 760)

    let process = try amphora.vm.startAgent()
    _ = try await client.discover()
    try await idle(process, into: &table)
    try await plugs(lab, amphora, client, into: &table)
    _ = await process.stop()
    try await client.shutdown()
  }

  /// Memory and threads some seconds after the start, without any request in between.
  private func idle(_ process: AgentProcess, into table: inout FigureTable) async throws {
    try await Task.sleep(for: .seconds(3))
    guard let pid = process.pid else { throw LabError.failed(what: "agent", reason: "not running") }
    let rollup = FileRead.text("/proc/\(pid)/smaps_rollup") ?? ""
    let status = FileRead.text("/proc/\(pid)/status") ?? ""
    table.add("anonymous memory, idle", Self.number("Anonymous:", rollup) / 1000, "MB", budget: 6, upstream: 345)
    table.add("PSS, idle", Self.number("Pss:", rollup) / 1000, "MB", budget: 30, upstream: 140)
    table.add("threads, idle", Self.number("Threads:", status), "", budget: 12)
  }

  private func plugs(_ lab: Lab, _ amphora: LabAmphora, _ client: AmphoraClient, into table: inout FigureTable)
    async throws
  {
    guard let vip = IPAddress("203.0.113.10"), let mac = MACAddress("fa:16:3e:00:00:01") else { return }
    var vips: [Double] = []
    for round in 0..<rounds {
      try lab.network.plug(mac, named: "ens\(round)", into: amphora.vm.namespace, on: .vip)
      let body = PlugVIPBody(
        subnetCIDR: "203.0.113.0/24", gateway: "203.0.113.1", macAddress: "\(mac)", vrrpIP: "203.0.113.4", mtu: 1450)
      let start = ContinuousClock.now
      try await client.plugVIP(vip, body)
      vips.append((ContinuousClock.now - start).milliseconds)
      // The NIC goes, as a cloud would take it away, so that the next round starts afresh.
      if round < rounds - 1 {
        _ = try await amphora.vm.run([
          "/sbin/ip", "netns", "exec", "amphora-haproxy", "/sbin/ip", "link", "del", "eth1",
        ])
      }
    }
    table.add("VIP plug, IPv4", times: vips, budget: 100, upstream: 2600)

    var ups: [Double] = []
    for _ in 0..<rounds {
      let start = ContinuousClock.now
      let result = try await amphora.vm.run([
        "/sbin/ip", "netns", "exec", "amphora-haproxy", agent, "interface", "up", "eth1",
      ])
      ups.append((ContinuousClock.now - start).milliseconds)
      guard result.isSuccess else { throw LabError.failed(what: "interface up", reason: result.output) }
    }
    var bare: [Double] = []
    for _ in 0..<rounds {
      let start = ContinuousClock.now
      _ = try await amphora.vm.run(["/sbin/ip", "netns", "exec", "amphora-haproxy", "/bin/true"])
      bare.append((ContinuousClock.now - start).milliseconds)
    }
    // Entering the amphora and its namespace is the lab's cost, not the agent's.
    let overhead = median(bare)
    table.add("interface up", times: ups.map { $0 - overhead }, budget: 20, upstream: 670)
  }

  private static func number(_ key: String, _ text: String) -> Double {
    let line = text.split(separator: "\n").first { $0.hasPrefix(key) } ?? ""
    return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Double($0) } ?? .infinity
  }
}

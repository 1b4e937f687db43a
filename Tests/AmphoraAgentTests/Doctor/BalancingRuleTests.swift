// Checks of haproxy whose fault a laboratory cannot make in time: 50,000 connections, a full memory; and those that need a
// haproxy which takes orders.

import AmphoraProtocol
import Files
import Netlink
import Testing

@testable import AmphoraAgent

@Suite struct BalancingRuleTests {
  private static let listener = "c1a7b3de-0000-4000-8000-000000000001"
  private let id = LoadBalancerID(unchecked: "aaaaaaaa-0000-4000-8000-000000000001")

  private func seen(_ rows: [String], maxconn: Int = 100_000) throws -> BalancerObservation {
    var seen = BalancerObservation(id: id, paths: AgentPaths(base: "/nowhere"), file: nil)
    let head = "# pxname,svname,scur,smax,slim,status,type,lastchg,check_status,last_chk,check_desc,\n"
    let table = try #require(StatsTable(csv: Array((head + rows.map { $0 + "\n" }.joined()).utf8)))
    let information = ["CurrConns": "12", "Maxconn": "\(maxconn)", "Pid": "1"]
    seen.answer = .success(.init(information: information, table: table))
    return seen
  }

  @Test func `the default limit of 50,000 is named, with what raises it`() throws {
    let finding = try #require(
      ConnectionRule().findings(try seen(["\(Self.listener),FRONTEND,50000,50000,50000,OPEN,0,,,,,"])).first)
    #expect(
      finding
        == .failure(
          "haproxy-connections",
          "listener \(Self.listener) has reached its limit, further clients wait: 50,000 of 50,000 connections, the "
            + "default of Octavia for listeners without a limit of their own",
          remedy: "openstack loadbalancer listener set --connection-limit 100000 \(Self.listener)"))
  }

  @Test func `a limit of all listeners together counts when none has reached its own`() throws {
    let rows = ["\(Self.listener),FRONTEND,6,6,50000,OPEN,0,,,,,"]
    #expect(ConnectionRule().findings(try seen(rows, maxconn: 100)).map(\.verdict) == [.pass])
    #expect(ConnectionRule().findings(try seen(rows, maxconn: 13)).map(\.verdict) == [.warning])
    #expect(ConnectionRule().findings(try seen(rows, maxconn: 12)).map(\.verdict) == [.failure])
  }

  @Test func `memory is too small when twice the connections of before would not fit`() throws {
    let nothing = try seen([])
    func verdict(peak: Int, free: Int) -> Finding.Verdict {
      MemoryRule().finding(nothing, used: 30 << 20, available: free << 20, limit: 50_000, peak: peak).verdict
    }
    // 34 KiB each: 20,000 need 664 MiB.
    #expect(verdict(peak: 10_000, free: 640) == .pass)
    #expect(verdict(peak: 10_000, free: 600) == .warning)
    // The limits alone, 1.6 GiB, are no reason: nobody uses them.
    #expect(verdict(peak: 100, free: 600) == .pass)
  }

  @Test func `a pool of several listeners is one pool, and one without members is told`() throws {
    let table = try seen([
      "p1:l1,m1,0,0,,DOWN,2,5,L4TOUT,,Layer4 timeout,", "p1:l1,BACKEND,0,0,,DOWN,1,5,,,,",
      "p1:l2,m1,0,0,,DOWN,2,5,L4TOUT,,Layer4 timeout,", "p1:l2,BACKEND,0,0,,DOWN,1,5,,,,",
      "p2:l1,BACKEND,0,0,,UP,1,,,,,", "p3:l1,m2,0,0,,MAINT,2,9,,,,", "p3:l1,BACKEND,0,0,,DOWN,1,9,,,,",
    ])
    let findings = PoolRule().findings(table)
    #expect(findings.map(\.verdict) == [.failure, .warning, .failure])
    #expect(
      findings[0].evidence
        == "pool p1 (listener l1, l2) has no member that is up: m1 is DOWN: L4TOUT, Layer4 timeout, for 5 s")
    #expect(findings[1].evidence.hasSuffix("has no members: its clients get an error"))
    #expect(findings[2].evidence.hasSuffix("all 1 are switched off"))
    #expect(findings[2].remedy == "openstack loadbalancer member set --enable p3 m2")
  }

  @Test func `haproxy's complaint is told without what stands before every one`() {
    let output = """
      [NOTICE]   (7) : haproxy version is 2.6.12
      [ALERT]    (7) : config : parsing [/a/haproxy.cfg:22] : unknown keyword 'x' in 'frontend' section
      [ALERT]    (7) : config : Fatal errors found in configuration.
      """
    #expect(
      HAProxySyntax.complaint(in: output)
        == "parsing [/a/haproxy.cfg:22]: unknown keyword 'x' in 'frontend' section")
    #expect(HAProxySyntax.complaint(in: "") == "haproxy says nothing")
  }

  @Test func `systemd's commands where systemd runs`() {
    let remedy = ServiceRemedy(unit: "haproxy-x.service", processes: [7, 8], isSystemd: true)
    #expect(remedy.start == "systemctl restart haproxy-x.service")
    #expect(remedy.reload == "systemctl reload haproxy-x.service")
    #expect(remedy.forcedRestart.hasPrefix("systemctl kill --signal=KILL haproxy-x.service"))
    let alone = ServiceRemedy(unit: "haproxy-x.service", processes: [7, 8], isSystemd: false)
    #expect(alone.reload == "kill -USR2 7")
    #expect(alone.forcedRestart.hasPrefix("kill -KILL 7 8 "))
  }
}

@Suite(.enabled(if: LiveHAProxy.isInstalled), .timeLimit(.minutes(1))) struct BalancingListenerTests {
  @Test func `a listener that was told to take no connections`() async throws {
    let folder = try LabFolder()
    let haproxy = LiveHAProxy(folder)
    try folder.write("group.conf", "global\n    group nogroup\n")
    try haproxy.configure(listeners: ["c1a7b3de-0000-4000-8000-000000000001", "c1a7b3de-0000-4000-8000-000000000002"])
    try await haproxy.start()
    let paths = AgentPaths(
      base: folder.path, userGroupFragment: "\(folder.path)/group.conf", runtime: "\(folder.path)/run")
    let amphora = LocalAmphora(
      configurationFile: "/nowhere", configuration: .success(try HeartbeatLab.configuration("127.0.0.1:5555")),
      paths: paths, interfaces: InterfacePaths(namespace: .amphoraHAProxy))
    func faults() async -> [Finding] { await BalancerExamination().run(amphora).filter { $0.verdict != .pass } }
    #expect(await faults() == [])
    for (order, state) in [("disable", "PAUSED"), ("shutdown", "STOP")] {
      _ = try await HeartbeatLab.offPool {
        try haproxy.socket.query("\(order) frontend c1a7b3de-0000-4000-8000-000000000002")
      }
      let found = await faults()
      #expect(found.map(\.check) == ["listeners"] && found.map(\.verdict) == [.failure], "\(found)")
      #expect(found.first?.evidence.contains("000000000002 is \(state): ") == true)
    }
  }
}

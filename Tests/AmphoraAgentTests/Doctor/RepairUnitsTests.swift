// Units in a repair. systemctl is a fake, which writes down what it is asked; that systemd does it is for
// Interop/test_supervision.

import AmphoraProtocol
import Files
import Logging
import Netlink
import Testing

@testable import AmphoraAgent

@Suite(.enabled(if: InterfaceLab.isPossible, InterfaceLab.why)) struct RepairUnitsTests {
  private static let listener = ListenerID(unchecked: "bbbbbbbb-0000-4000-8000-000000000001")
  private static let unit = ServiceUnit.unitName(of: listener)

  /// An amphora whose namespace is there, with a UDP listener on disk.
  private struct Bench {
    let lab: InterfaceLab
    let bench: SystemdBench
    let amphora: LocalAmphora

    init() throws {
      lab = try InterfaceLab()
      bench = try SystemdBench(topology: "SINGLE")
      amphora = LocalAmphora(
        configurationFile: "/lab/agent.conf",
        configuration: .success(
          try ConfigurationSample.parsed("[amphora_agent]\namphora_id = \(SystemdBench.amphora)\n")),
        paths: bench.paths, interfaces: lab.paths)
      try lab.inside.create()
      try DurableFile.createDirectory(bench.paths.lvsDirectory, mode: 0o755)
      try DurableFile.write([], to: bench.paths.lvsConfiguration(of: RepairUnitsTests.listener), mode: 0o644)
    }

    func repair() async -> Repair.Outcome {
      await Repair(amphora, supervisor: bench.supervisor, systemSettings: false, logger: LogRecord().logger).run()
    }

    /// What is about units.
    func lines() async -> [String] {
      let outcome = await repair()
      return (outcome.changes + outcome.failures).filter { $0.contains(".service") }
    }

    func pretendRunning() throws {
      let pid = try bench.folder.startSleeper(named: "keepalived")
      try DurableFile.write(
        Array("\(pid)\n".utf8), to: bench.paths.lvsPIDFile(of: RepairUnitsTests.listener), mode: 0o644)
    }
  }

  @Test func `a lost unit is written, enabled and started, once`() async throws {
    let bench = try Bench()
    let unit = Self.unit
    #expect(
      await bench.lines() == [
        "amphora-netns.service: unit written", "\(unit): unit written", "\(unit): enabled", "\(unit): started",
      ])
    #expect(
      bench.bench.systemctl.calls.map(\.words)
        == ["daemon-reload", "daemon-reload", "enable \(unit)", "start \(unit)"])
    #expect(FileRead.text("\(bench.bench.paths.units)/\(unit)")?.contains("ExecStart=/sbin/ip netns exec") == true)
    try bench.pretendRunning()
    try bench.bench.systemctl.clear()
    // The fake leaves no mark of its enabling.
    #expect(await bench.lines() == ["\(unit): enabled"])
    #expect(bench.bench.systemctl.calls.map(\.words) == ["enable \(unit)"])
  }

  @Test func `a unit that a controller has stopped stays so`() async throws {
    let bench = try Bench()
    try StopOrders(paths: bench.bench.paths).add(Self.unit)
    _ = await bench.repair()
    #expect(bench.bench.systemctl.calls("start") == [])
    #expect(StopOrders(paths: bench.bench.paths).contains(Self.unit))
  }

  @Test func `what does not start is told with systemd's words, and the rest goes on`() async throws {
    let bench = try Bench()
    try DurableFile.createDirectory(bench.bench.paths.vrrpDirectory, mode: 0o755)
    try DurableFile.write([], to: bench.bench.paths.vrrpConfiguration, mode: 0o644)
    try bench.bench.systemctl.answer("start", "Job failed. See journalctl.\n")
    let lines = await bench.lines()
    for unit in [Self.unit, ServiceUnit.vrrpName] {
      #expect(lines.contains { $0.hasPrefix("\(unit): ") && $0.contains("Job failed. See journalctl.") }, "\(lines)")
    }
  }

  @Test func `load balancers are started by the code of a controller's request`() async throws {
    let bench = try Bench()
    try DurableFile.remove(bench.bench.paths.lvsConfiguration(of: Self.listener))
    #expect(try await bench.bench.upload().status == 202)
    try bench.bench.systemctl.clear()
    let lines = await bench.lines()
    // systemd says that it runs, and it does not: as in a request, it is stopped and started again.
    #expect(
      bench.bench.systemctl.calls.map(\.words).filter { $0.hasPrefix("st") }.prefix(3).map { $0.prefix(5) }
        == ["start", "stop ", "start"])
    #expect(lines.contains { $0.contains("haproxy has not written its pid") }, "\(lines)")
    try bench.bench.pretendRunning()
    #expect(await bench.lines() == ["\(bench.bench.unit): enabled"])
  }
}

// Unit files as the agent keeps them (contract agent-api §5 W17); that systemd takes them is for Interop/test_supervision.

import AmphoraProtocol
import Files
import Testing

@testable import AmphoraAgent

@Suite struct SystemdSupervisorTests {
  private func unit(_ bench: SystemdBench, log: Int = 1) -> ServiceUnit {
    .vrrp(logFacility: log, paths: bench.paths)
  }

  @Test func `a unit is written when it differs, and then systemd reads it again`() async throws {
    let bench = try SystemdBench()
    let path = "\(bench.paths.units)/\(ServiceUnit.vrrpName)"
    func install(_ log: Int) async throws -> [String] {
      try await bench.supervisor.install(unit(bench, log: log))
      defer { try? bench.systemctl.clear() }
      #expect(FileRead.text(path) == unit(bench, log: log).text)
      return bench.systemctl.calls.map(\.words)
    }
    #expect(try await install(1) == ["daemon-reload"])
    #expect(try await install(1) == [], "nothing to do")
    #expect(try await install(2) == ["daemon-reload"])
    try DurableFile.write(Array("[Service]\n".utf8), to: path, mode: 0o644)
    #expect(try await install(2) == ["daemon-reload"], "an older agent's unit")
    try DurableFile.remove(path)
    #expect(try await install(2) == ["daemon-reload"], "a lost unit")
  }

  @Test func `the namespace's unit follows the agent's path`() async throws {
    let bench = try SystemdBench()
    let path = "\(bench.paths.units)/amphora-netns.service"
    try DurableFile.write(
      Array("[Service]\nExecStart=-/sbin/ip netns add amphora-haproxy\n".utf8), to: path, mode: 0o644)
    #expect(try await bench.upload().status == 202)
    #expect(FileRead.text(path)?.contains("ExecStart=-/usr/bin/amphora-agent netns up") == true)
  }

  @Test func `a unit that systemd could not read again is written anew by the repetition`() async throws {
    let bench = try SystemdBench()
    try bench.systemctl.answer("daemon-reload", "Failed to reload daemon: Refusing\n")
    let error = await #expect(throws: SupervisorError.self) { try await bench.supervisor.install(unit(bench)) }
    #expect(error?.output == "Failed to reload daemon: Refusing\n")
    try bench.systemctl.succeed("daemon-reload")
    try bench.systemctl.clear()
    try await bench.supervisor.install(unit(bench))
    #expect(bench.systemctl.calls.map(\.words) == ["daemon-reload"])
  }

  @Test func `a unit that systemd has not read since an agent was killed is read before the start`() async throws {
    let bench = try SystemdBench()
    try bench.systemctl.answer("show", "ActiveState=inactive\nNeedDaemonReload=yes\n", fails: false)
    try await bench.supervisor.start("x.service")
    #expect(bench.systemctl.calls.map(\.words) == ["daemon-reload", "start x.service"])
  }

  @Test(arguments: ["failed", "activating"])
  func `a unit that systemd has given up, or is about to, is started afresh`(_ state: String) async throws {
    let bench = try SystemdBench()
    try bench.systemctl.answer("show", "ActiveState=\(state)\nNeedDaemonReload=no\n", fails: false)
    try await bench.supervisor.start("x.service")
    #expect(bench.systemctl.calls.map(\.words) == ["reset-failed x.service", "start x.service"])
  }
}

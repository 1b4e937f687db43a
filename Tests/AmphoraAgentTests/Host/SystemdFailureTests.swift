// What systemd says when it does not do what it is told, and the answers that become of it (contract agent-api §3.4, §3.6,
// §3.7, §3.16).

import AmphoraProtocol
import Files
import Glibc
import Synchronization
import Testing

@testable import AmphoraAgent

@Suite struct SystemdFailureTests {
  @Test func `a haproxy unit that cannot be enabled is a 500 with upstream's noun, and the configuration stays`()
    async throws
  {
    let bench = try SystemdBench()
    try bench.systemctl.answer("enable", "Failed to enable unit: Unit file is masked.\n")
    for _ in 1...2 {
      #expect(
        try await bench.upload()
          == .init(
            status: 500,
            body: [
              "message": "Error enabling octavia-keepalived service",
              "details": "Failed to enable unit: Unit file is masked.\n",
            ]))
    }
    #expect(FileRead.text(bench.paths.configuration(of: SystemdBench.id)) == bench.configuration)
    try bench.systemctl.succeed("enable")
    #expect(try await bench.upload().status == 202)
  }

  @Test func `a keepalived unit that cannot be enabled is a 500, and the configuration stays`() async throws {
    let bench = try SystemdBench()
    try bench.systemctl.answer("enable", "Access denied\n")
    let answer = try await bench.send("PUT", "/1.0/vrrp/upload", "vrrp_instance x {}\n")
    #expect(
      answer
        == .init(
          status: 500,
          body: ["message": "Error enabling octavia-keepalived service", "details": "Access denied\n"]))
    #expect(FileRead.text(bench.paths.vrrpConfiguration) == "vrrp_instance x {}\n")
    #expect(bench.check == "exit 1")
  }

  @Test func `a stop that fails is a 500 in upstream's spelling, and the VRRP check is put back`() async throws {
    let bench = try SystemdBench()
    #expect(try await bench.upload().status == 202)
    try bench.pretendRunning()
    #expect(try await bench.control("start").status == 202)
    #expect(bench.check == bench.checked)
    try bench.systemctl.answer("stop", "Job for \(bench.unit) canceled.\n")
    #expect(
      try await bench.control("stop")
        == .init(
          status: 500, body: ["message": "Error stoping haproxy", "details": "Job for \(bench.unit) canceled.\n"]))
    #expect(bench.systemctl.calls("stop").map(\.check) == [SystemdBench.unchecked], "left out before the stop")
    #expect(bench.check == bench.checked)
    #expect(StopOrders(paths: bench.paths).units == [])

    // One that is stopped already stays left out when its second stop fails.
    try bench.systemctl.succeed("stop")
    #expect(try await bench.control("stop").status == 202)
    try bench.systemctl.answer("stop", "no\n")
    #expect(try await bench.control("stop").status == 500)
    #expect(bench.check == SystemdBench.unchecked)
  }

  @Test func `a delete whose stop fails is a 500 and removes nothing`() async throws {
    let bench = try SystemdBench()
    #expect(try await bench.upload().status == 202)
    #expect(
      try await bench.send("PUT", "/1.0/loadbalancer/\(SystemdBench.id)/certificates/a.pem", "PEM").status == 200)
    #expect(try await bench.send("PUT", "/1.0/vrrp/upload", "").status == 200)
    try bench.pretendRunning()
    try bench.systemctl.answer("stop", "Failed to stop: Connection timed out\n")
    let before = try bench.files()
    try bench.systemctl.clear()
    for _ in 1...2 {
      #expect(
        try await bench.delete()
          == .init(
            status: 500,
            body: ["message": "Error stopping haproxy", "details": "Failed to stop: Connection timed out\n"]))
    }
    #expect(try bench.files() == before)
    #expect(bench.systemctl.calls.map(\.words) == ["stop \(bench.unit)", "stop \(bench.unit)"])

    try bench.systemctl.succeed("stop")
    #expect(try await bench.delete().status == 200)
    #expect(
      bench.systemctl.calls.map(\.words).suffix(3) == ["stop \(bench.unit)", "disable \(bench.unit)", "daemon-reload"])
    #expect(!FileRead.exists(bench.paths.directory(of: SystemdBench.id)))
    #expect(StopOrders(paths: bench.paths).units == [])
  }

  @Test(arguments: ["start", "stop", "reload"])
  func `a job that is already running is a success`(_ action: String) async throws {
    let bench = try SystemdBench()
    #expect(try await bench.upload().status == 202)
    if action == "reload" { try bench.pretendRunning() }
    try bench.systemctl.answer(action, "Job is already running\n")
    let answer = try await bench.control(action)
    #expect(answer.status == 202, "\(answer)")
    #expect(bench.check == (action == "stop" ? SystemdBench.unchecked : bench.checked))
    // The same for keepalived.
    #expect(try await bench.send("PUT", "/1.0/vrrp/\(action)").status == 202)
  }

  @Test func `the VRRP check takes a load balancer in after its start, and not when that fails`() async throws {
    let bench = try SystemdBench()
    #expect(try await bench.upload().status == 202)
    #expect(try await bench.control("stop").status == 202)
    #expect(bench.check == SystemdBench.unchecked)
    try bench.systemctl.answer("start", "Job for \(bench.unit) failed.\n")
    let answer = try await bench.control("start")
    #expect(answer.status == 500)
    #expect(answer.body["message"] == "Error starting haproxy")
    #expect(answer.body["details"]?.contains("Job for \(bench.unit) failed.") == true)
    #expect(bench.check == SystemdBench.unchecked)
    try bench.systemctl.succeed("start")
    try bench.pretendRunning()
    #expect(try await bench.control("start").status == 202)
    #expect(bench.check == bench.checked)
    #expect(bench.systemctl.calls("start").map(\.check) == [SystemdBench.unchecked, SystemdBench.unchecked])
  }
}

// What systemd says when it does not do what it is told about a UDP or SCTP listener, and the answers that become of it
// (contract agent-api §3.6b, §3.7b, §3.9).

import AmphoraProtocol
import Files
import Glibc
import Testing

@testable import AmphoraAgent

@Suite struct LVSFailureTests {
  private let id = ListenerID(unchecked: LVSExample.listener)
  private var unit: String { "octavia-keepalivedlvs-\(id).service" }

  private func upload(_ bench: SystemdBench, _ text: String = LVSExample.dualStack) async throws -> SystemdBench.Answer
  {
    try await bench.send("PUT", "/1.0/listeners/\(SystemdBench.amphora)/\(id)/udp_listener", text)
  }
  private func control(_ bench: SystemdBench, _ action: String) async throws -> SystemdBench.Answer {
    try await bench.send("PUT", "/1.0/loadbalancer/\(id)/\(action)")
  }
  private func delete(_ bench: SystemdBench) async throws -> SystemdBench.Answer {
    try await bench.send("DELETE", "/1.0/listeners/\(id)")
  }

  @Test func `the unit has every directive of the contract`() {
    let unit = ServiceUnit.lvs(id, logFacility: 3, paths: AgentPaths())
    let stem = "/var/lib/octavia/lvs/octavia-keepalivedlvs-\(id)"
    #expect(unit.name == self.unit)
    for line in [
      "Description=Keepalive Daemon (LVS and VRRP)", "After=network-online.target amphora-netns.service",
      "Wants=network-online.target", "Requires=amphora-netns.service",
      "SELinuxContext=system_u:system_r:keepalived_t:s0", "Type=forking", "KillMode=process",
      "ExecStart=/sbin/ip netns exec amphora-haproxy /usr/sbin/keepalived --log-facility=3 -f \(stem).conf -p \(stem).pid -r \(stem).vrrp.pid -c \(stem).check.pid",
      "ExecReload=/bin/kill -HUP $MAINPID", "PIDFile=\(stem).pid", "WantedBy=multi-user.target",
    ] {
      #expect(unit.text.split(separator: "\n").contains(Substring(line)), "\(line)")
    }
  }

  @Test func `an upload writes and enables the unit, an action is systemd's, and reload is restart`() async throws {
    let bench = try SystemdBench(topology: "SINGLE")
    #expect(try await upload(bench).status == 200)
    #expect(
      FileRead.text("\(bench.paths.units)/\(unit)") == ServiceUnit.lvs(id, logFacility: 1, paths: bench.paths).text)
    #expect(bench.systemctl.calls.map(\.words) == ["daemon-reload", "daemon-reload", "enable \(unit)"])
    #expect(!FileRead.exists(bench.paths.vrrpDirectory), "SINGLE has no checks of a pair")
    try bench.systemctl.clear()
    for (action, verb, word) in [
      ("start", "start", "started"), ("RELOAD", "restart", "restarted"), ("stop", "stop", "stoped"),
    ] {
      #expect(
        try await control(bench, action)
          == .init(status: 202, body: ["message": "OK", "details": "keepalivedlvs listener \(id) \(word)"]))
      // Else systemd would refuse the sixth change within ten seconds.
      let before = verb == "restart" ? ["reset-failed \(unit)"] : []
      #expect(bench.systemctl.calls.map(\.words) == before + ["\(verb) \(unit)"])
      try bench.systemctl.clear()
    }
    #expect(StopOrders(paths: bench.paths).units == [unit])
    #expect(try await control(bench, "start").status == 202)
    #expect(StopOrders(paths: bench.paths).units == [])
    #expect(
      try await control(bench, "restart")
        == .init(status: 400, body: ["message": "Invalid Request", "details": "Unknown action: restart"]))
  }

  @Test func `a unit that cannot be enabled is a 500, and the configuration stays`() async throws {
    let bench = try SystemdBench()
    try bench.systemctl.answer("enable", "Access denied\n")
    for _ in 1...2 {
      #expect(
        try await upload(bench)
          == .init(
            status: 500,
            body: ["message": "Error enabling octavia-keepalivedlvs service", "details": "Access denied\n"]))
      #expect(FileRead.text(bench.paths.lvsConfiguration(of: id)) == LVSExample.dualStack)
    }
    try bench.systemctl.succeed("enable")
    #expect(try await upload(bench).status == 200)
  }

  @Test(arguments: [("start", "start"), ("stop", "stop"), ("reload", "restart")])
  func `an action that fails is a 500 with the verb really run`(_ action: String, _ verb: String) async throws {
    let bench = try SystemdBench()
    #expect(try await upload(bench).status == 200)
    try bench.systemctl.answer(verb, "Job for \(unit) failed.\n")
    let answer = try await control(bench, action)
    #expect(answer.status == 500)
    #expect(answer.body["message"] == "Failed to \(verb) keepalivedlvs listener \(id)")
    #expect(answer.body["details"]?.hasPrefix("Job for \(unit) failed.\n") == true)
    #expect(StopOrders(paths: bench.paths).units == [], "a stop that failed is no order")
    try bench.systemctl.answer(verb, "Job is already running\n")
    #expect(try await control(bench, action).status == 202)
  }

  @Test func `a delete whose stop or disable fails removes nothing, and the repetition completes`() async throws {
    let bench = try SystemdBench()
    #expect(try await upload(bench).status == 200)
    let pid = try bench.folder.startSleeper(named: "keepalived")
    try DurableFile.write(Array("\(pid)\n".utf8), to: bench.paths.lvsPIDFile(of: id), mode: 0o644)
    let before = try bench.files()
    for (verb, message) in [
      ("stop", "Error stopping keepalivedlvs"), ("disable", "Error disabling octavia-keepalivedlvs-\(id) service"),
    ] {
      try bench.systemctl.answer(verb, "Connection timed out\n")
      for _ in 1...2 {
        #expect(
          try await delete(bench)
            == .init(status: 500, body: ["message": message, "details": "Connection timed out\n"]))
        #expect(try bench.files() == before)
      }
      try bench.systemctl.succeed(verb)
    }
    try await bench.folder.stopOffPool(pid)
    #expect(try await delete(bench) == .init(status: 200, body: ["message": "OK"]))
    #expect(FileRead.names(in: bench.paths.lvsDirectory) == ["check"])
    #expect(!FileRead.exists("\(bench.paths.units)/\(unit)"))
    #expect(try await delete(bench).status == 200, "an unknown one is removed already")
    #expect(try await control(bench, "start").body["message"] == "Loadbalancer Not Found")
  }

  @Test(arguments: [
    [".pid"], [".vrrp.pid"], [".check.pid"], [".pid", ".check.pid"], [".pid", ".vrrp.pid", ".check.pid"], [],
  ])
  func `a delete takes what an earlier one has left, whichever of the files that is`(_ left: [String]) async throws {
    let bench = try SystemdBench(topology: "SINGLE")
    #expect(try await upload(bench).status == 200)
    let stem = bench.paths.lvsConfiguration(of: id).dropLast(".conf".count)
    for name in left { try DurableFile.write(Array("4194304\n".utf8), to: stem + name, mode: 0o644) }
    // Upstream removes the unit before the configuration.
    try DurableFile.remove("\(bench.paths.units)/\(unit)")
    #expect(try await delete(bench).status == 200)
    #expect(FileRead.names(in: bench.paths.lvsDirectory) == ["check"])
  }

  @Test func `a delete that was cut short goes on with the next request, or a new upload follows`() async throws {
    let bench = try SystemdBench()
    #expect(try await upload(bench).status == 200)
    let marked = bench.paths.deletedLVSConfiguration(of: id)
    try DurableFile.move(bench.paths.lvsConfiguration(of: id), to: marked)
    #expect(try await control(bench, "start").status == 404, "it is not known any more")
    #expect(try await delete(bench).status == 200)
    #expect(!FileRead.exists(marked) && !FileRead.exists("\(bench.paths.units)/\(unit)"))
    #expect(try await upload(bench).status == 200)
    try DurableFile.move(bench.paths.lvsConfiguration(of: id), to: marked)
    #expect(try await upload(bench, LVSExample.withoutPool).status == 200)
    #expect(!FileRead.exists(marked) && FileRead.text(bench.paths.lvsConfiguration(of: id)) == LVSExample.withoutPool)
  }

  @Test func `a listener is listed by its keepalived and its configuration`() async throws {
    let bench = try SystemdBench()
    let keepalived = try bench.folder.startSleeper(named: "keepalived")
    func listed(_ text: String, _ pid: pid_t?) async throws -> [ListenerStatusBody] {
      #expect(try await upload(bench, text).status == 200)
      let path = bench.paths.lvsPIDFile(of: id)
      if let pid {
        try DurableFile.write(Array("\(pid)\n".utf8), to: path, mode: 0o644)
      } else {
        try DurableFile.remove(path)
      }
      return try await bench.api.lvs.list()
    }
    func body(_ status: String) -> [ListenerStatusBody] { [.init(status: status, uuid: id.text, type: "UDP")] }
    #expect(try await listed(LVSExample.dualStack, nil) == body("OFFLINE"))
    #expect(try await listed(LVSExample.dualStack, 4_194_304) == body("ERROR"))
    #expect(try await listed(LVSExample.dualStack, keepalived) == body("ACTIVE"))
    #expect(try await listed(LVSExample.disabledListener, keepalived) == body("OFFLINE"))
    #expect(try await listed(LVSExample.dualStack.replacing("UDP", with: "SCTP"), keepalived) == body("ACTIVE"))
  }

  @Test func `in a pair an upload brings the checks, and haproxy's goes when there is nothing for it`() async throws {
    let bench = try SystemdBench()
    #expect(try await bench.send("PUT", "/1.0/vrrp/upload", "").status == 200)
    #expect(bench.check == "exit 1")
    #expect(try await upload(bench).status == 200)
    #expect(bench.check == nil)
    #expect(FileRead.names(in: bench.paths.vrrpCheckScripts) == ["lvs_udp_check.sh"])
    #expect(try await bench.upload().status == 202)
    #expect(try await upload(bench).status == 200)
    #expect(bench.check == bench.checked, "a load balancer beside it is checked")
    #expect(try await delete(bench).status == 200)
    #expect(FileRead.names(in: bench.paths.vrrpCheckScripts) == ["haproxy_check_script.sh", "lvs_udp_check.sh"])
  }

  @Test(arguments: [0, 1, 5, 6, 2, 139, 134]) func `keepalived's findings count by their weight`(_ status: Int32) {
    let check = KeepalivedCheck.judge(status: status, output: "Unknown keyword")
    switch status {
    case 0: #expect(check == .usable)
    case 2, 134, 139: #expect(check == .unusable("Unknown keyword"))
    default: #expect(check == .doubtful("Unknown keyword"))
    }
    #expect(
      KeepalivedCheck.judge(status: 5, output: "There are 1 missing '}'s or extra '{'s")
        == .unusable("There are 1 missing '}'s or extra '{'s"))
  }
}

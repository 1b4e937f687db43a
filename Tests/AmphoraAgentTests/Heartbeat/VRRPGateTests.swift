// The gate of contract heartbeat-and-config §2.1 step 1, with real processes.

import Files
import Glibc
import Testing
import TestSupport

@testable import AmphoraAgent

@Suite struct `VRRP gate` {
  private let folder: LabFolder

  init() throws {
    folder = try LabFolder()
    folder.folder("vrrp")
  }

  private var gate: VRRPGate { VRRPGate.read(folder.paths) }
  private var isClosed: Bool { if case .closed = gate { true } else { false } }
  private func writePID(_ text: String) throws { try folder.write("vrrp/octavia-keepalived.pid", text) }
  private func writeConfiguration() throws { try folder.write("vrrp/octavia-keepalived.conf", "vrrp_instance x {}\n") }

  @Test func `without configuration there is no gate, whatever the pid file says`() throws {
    #expect(gate == .absent)
    try writePID("1\n")
    #expect(gate == .absent)
    mkdir(folder.path + "/vrrp/octavia-keepalived.conf", 0o755)
    #expect(gate == .absent)
    #expect(VRRPGate.read(AgentPaths(base: "/nonexistent")) == .absent)
  }

  @Test func `a live keepalived opens it and its death closes it`() throws {
    try writeConfiguration()
    #expect(isClosed)
    let pid = try folder.startSleeper(named: "keepalived")
    try writePID("\(pid)\n")
    #expect(gate == .open(pid: pid))
    try writePID(" \(pid) \nsecond line\n")
    #expect(gate == .open(pid: pid))
    folder.stop(pid)
    #expect(isClosed)
  }

  @Test func `a keepalived that waits for its parent is dead`() async throws {
    try writeConfiguration()
    let pid = try folder.startSleeper(named: "keepalived")
    try writePID("\(pid)\n")
    kill(pid, SIGKILL)
    // Nobody waits for it: it stays as a zombie, which signal 0 takes for alive.
    try await poll("a zombie", within: .seconds(10)) { FileRead.text("/proc/\(pid)/stat")?.contains(") Z ") == true }
    #expect(kill(pid, 0) == 0)
    #expect(gate == .closed(reason: "process \(pid) is no live keepalived"))
  }

  @Test func `another program under the same number is no keepalived`() throws {
    try writeConfiguration()
    let pid = try folder.startSleeper(named: "impostor")
    try writePID("\(pid)\n")
    #expect(isClosed)
  }

  @Test(arguments: ["", "\n", "\n123\n", "x\n", "-1\n", "0\n", "99999999999999\n", "12 x\n"])
  func `a pid file without a process id closes it`(text: String) throws {
    try writeConfiguration()
    try writePID(text)
    #expect(isClosed)
  }

  @Test func `a pid file that cannot be read closes it`() throws {
    try writeConfiguration()
    mkdir(folder.path + "/vrrp/octavia-keepalived.pid", 0o755)
    #expect(isClosed)
  }
}

// The kernel's table against a UDP listener's configuration; with texts, because not every machine has the kernel's load
// balancer.

import Files
import Netlink
import Testing

@testable import AmphoraAgent

@Suite struct BalancingDatagramTests {
  /// The findings about a listener whose keepalived runs, with what the kernel says.
  private func findings(_ text: String, _ kernel: String) async throws -> [Finding] {
    let folder = try LabFolder()
    folder.folder("lvs")
    folder.folder("lvs/check")
    let stem = "lvs/octavia-keepalivedlvs-\(LVSExample.listener)"
    try folder.write("\(stem).conf", text)
    let pid = try folder.startSleeper(named: "keepalived")
    try folder.write("\(stem).pid", "\(pid)\n")
    try folder.write("\(stem).check.pid", "\(pid)\n")
    let examination = DatagramExamination(
      snapshot: { _ in IPVSSnapshot(table: IPVSTable(parsing: kernel), totals: []) }, hasKernelTable: { true })
    let amphora = LocalAmphora(
      configurationFile: "/nowhere", configuration: .success(try HeartbeatLab.configuration("127.0.0.1:5555")),
      paths: AgentPaths(base: folder.path, runtime: "\(folder.path)/run"),
      interfaces: InterfacePaths(namespace: .amphoraHAProxy))
    return await examination.run(amphora)
  }

  @Test func `all members in the kernel's table`() async throws {
    let found = try await findings(LVSExample.dualStack, LVSExample.dualStackKernel)
    #expect(found.map(\.verdict) == [.pass, .pass], "\(found)")
  }

  @Test func `a member that the kernel does not have is down`() async throws {
    let found = try await findings(LVSExample.fourMembers(), LVSExample.kernel).filter { $0.verdict != .pass }
    #expect(found.map(\.check) == ["udp-pools"] && found.map(\.verdict) == [.warning], "\(found)")
    #expect(
      found.first?.evidence.hasSuffix("1 of 4 members down: \(LVSExample.member(4)) at 192.0.2.24 port 53") == true)
  }

  @Test func `a service that the kernel does not have, and one without servers`() async throws {
    let absent = try await findings(LVSExample.fourMembers(), LVSExample.emptyKernel).filter { $0.verdict != .pass }
    #expect(absent.map(\.check) == ["udp-listeners"] && absent.map(\.verdict) == [.failure], "\(absent)")
    #expect(absent.first?.evidence.hasSuffix(": 198.51.100.10 port 5353") == true)
    let bare = LVSExample.emptyKernel + "UDP  C633640A:14E9 wrr \n"
    let empty = try await findings(LVSExample.fourMembers(), bare).filter { $0.verdict != .pass }
    #expect(empty.map(\.check) == ["udp-pools"] && empty.map(\.verdict) == [.failure], "\(empty)")
  }

  @Test func `a disabled listener and one without a pool want nothing`() async throws {
    #expect(try await findings(LVSExample.disabledListener, LVSExample.emptyKernel) == [])
    #expect(try await findings(LVSExample.withoutPool, LVSExample.emptyKernel).map(\.verdict) == [.pass])
  }
}

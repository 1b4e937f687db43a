import AmphoraAgent
import AmphoraProtocol
import Files
import Foundation
import Glibc
import Testing

/// Every state of contract services §3.4.
@Suite struct VRRPCheckScriptsTests {
  private let folder: String
  private let paths: AgentPaths
  private let scripts: VRRPCheckScripts
  private let first = "00000000-0000-4000-8000-000000000001"
  private let second = "00000000-0000-4000-8000-000000000002"

  init() throws {
    folder = FileManager.default.temporaryDirectory.path + "/amphora-vrrp-\(UInt32.random(in: 0...UInt32.max))"
    paths = AgentPaths(base: folder, runtime: "\(folder)/run")
    scripts = VRRPCheckScripts(paths: paths)
    try DurableFile.createDirectory(folder, mode: 0o755)
  }

  private func add(_ id: String) throws -> LoadBalancerID {
    let id = try #require(LoadBalancerID(id))
    try DurableFile.createDirectory(paths.directory(of: id), mode: 0o755)
    try DurableFile.write([], to: paths.configuration(of: id), mode: 0o600)
    return id
  }

  private func addListener() throws {
    try DurableFile.createDirectory(paths.lvsDirectory, mode: 0o755)
    try DurableFile.write([], to: "\(folder)/lvs/octavia-keepalivedlvs-\(second).conf", mode: 0o644)
  }

  private var content: String? { FileRead.text(paths.haproxyCheckScript) }
  private func cleanUp() { try? FileManager.default.removeItem(atPath: folder) }

  @Test func `without anything this amphora must not hold the VIP`() async throws {
    defer { cleanUp() }
    try await scripts.update()
    #expect(content == "exit 1")
    var status = stat()
    #expect(stat(paths.haproxyCheckScript, &status) == 0 && status.st_mode & 0o777 == 0o644)
  }

  @Test func `with UDP listeners alone there is no haproxy to check`() async throws {
    defer { cleanUp() }
    try await scripts.update()
    try addListener()
    try await scripts.update()
    #expect(content == nil)
  }

  @Test func `every known load balancer's socket is checked`() async throws {
    defer { cleanUp() }
    _ = try add(first)
    _ = try add(second)
    try await scripts.update()
    #expect(content == "haproxy-vrrp-check \(folder)/\(first).sock \(folder)/\(second).sock; exit $?")
  }

  @Test func `a stopped load balancer stays out until it starts again`() async throws {
    defer { cleanUp() }
    let one = ServiceUnit.unitName(of: try add(first))
    let other = ServiceUnit.unitName(of: try add(second))
    let orders = StopOrders(paths: paths)
    try orders.add(one)
    try await scripts.update()
    #expect(content == "haproxy-vrrp-check \(folder)/\(second).sock; exit $?")
    try orders.remove(other)
    // Another run of the agent knows it too.
    try await VRRPCheckScripts(paths: paths).update()
    #expect(content == "haproxy-vrrp-check \(folder)/\(second).sock; exit $?")
    try orders.add(other)
    try await scripts.update()
    #expect(content == "haproxy-vrrp-check ; exit $?")
    try orders.remove(one)
    try await scripts.update()
    #expect(content == "haproxy-vrrp-check \(folder)/\(first).sock; exit $?")
  }

  @Test func `after a reboot, which starts what was stopped, it is checked again`() async throws {
    defer { cleanUp() }
    let id = try add(first)
    try await scripts.updateAtStart()
    #expect(content == nil, "no pair, no script")
    try await scripts.installDriver()
    try StopOrders(paths: paths).add(ServiceUnit.unitName(of: id))
    try await scripts.update()
    #expect(content == "haproxy-vrrp-check ; exit $?")
    try FileManager.default.removeItem(atPath: paths.runtime)
    try await scripts.updateAtStart()
    #expect(content == "haproxy-vrrp-check \(folder)/\(first).sock; exit $?")
  }

  @Test func `the driver runs every script, and one failure fails it`() async throws {
    defer { cleanUp() }
    try await scripts.installDriver()
    #expect(try await Command.run(paths.vrrpCheckScript, []).status == 0)
    try DurableFile.write(Array("exit 0".utf8), to: "\(paths.vrrpCheckScripts)/a", mode: 0o644)
    #expect(try await Command.run(paths.vrrpCheckScript, []).status == 0)
    try DurableFile.write(Array("exit 200".utf8), to: "\(paths.vrrpCheckScripts)/b", mode: 0o644)
    try DurableFile.write(Array("exit 56".utf8), to: "\(paths.vrrpCheckScripts)/c", mode: 0o644)
    // Summed and cut to eight bits, 200 and 56 would pass.
    #expect(try await Command.run(paths.vrrpCheckScript, []).status == 1)
  }
}

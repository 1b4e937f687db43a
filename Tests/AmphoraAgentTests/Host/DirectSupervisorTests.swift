@testable import AmphoraAgent
import Files
import Foundation
import Glibc
import Logging
import Testing
import TestSupport

/// The real haproxy under direct supervision, on UNIX sockets only.
@Suite struct DirectSupervisorTests {
  /// A folder with a haproxy configuration and the unit for it.
  private final class Bench: Sendable {
    let folder: String
    let unit: ServiceUnit
    let supervisor: DirectSupervisor

    init() throws {
      folder = FileManager.default.temporaryDirectory.path + "/amphora-sup-\(UInt32.random(in: 0...UInt32.max))"
      try DurableFile.createDirectory(folder, mode: 0o755)
      unit = ServiceUnit(
        name: "haproxy-test.service", text: "",
        check: ["/usr/sbin/haproxy", "-c", "-f", "\(folder)/haproxy.cfg"],
        command: ["/usr/sbin/haproxy", "-Ws", "-f", "\(folder)/haproxy.cfg", "-p", "\(folder)/pid"], program: "haproxy",
        readiness: .notified, reloadSignal: SIGUSR2, pidFile: "\(folder)/pid")
      supervisor = Self.makeSupervisor(folder)
      try write(listeningOn: "a.sock")
    }

    static func makeSupervisor(_ folder: String) -> DirectSupervisor {
      DirectSupervisor(
        directory: "\(folder)/services", runtime: "\(folder)/run",
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
      ) {}
    }

    func write(listeningOn socket: String) throws {
      let text = """
        global
            stats socket \(folder)/stats.sock mode 0600 level admin
            maxconn 100
        defaults
            mode http
            timeout client 1s
            timeout connect 1s
            timeout server 1s
        frontend f
            bind unix@\(folder)/\(socket)
            http-request return status 200

        """
      try DurableFile.write(Array(text.utf8), to: "\(folder)/haproxy.cfg", mode: 0o600)
    }

    var workerID: String? { try? StatsSocket(path: "\(folder)/stats.sock").showInfo()["Pid"] }

    func close() async {
      try? await supervisor.stop(unit.name)
      try? FileManager.default.removeItem(atPath: folder)
    }
  }

  @Test func `start returns when haproxy serves; a second start changes nothing; stop ends it`() async throws {
    let bench = try Bench()
    try await bench.supervisor.install(bench.unit)
    try await bench.supervisor.start(bench.unit.name)
    let pid = try #require(await bench.supervisor.mainProcess(bench.unit.name))
    #expect(bench.workerID != nil)
    try await bench.supervisor.start(bench.unit.name)
    #expect(await bench.supervisor.mainProcess(bench.unit.name) == pid)
    try await bench.supervisor.stop(bench.unit.name)
    #expect(kill(pid, 0) == -1)
    try await bench.supervisor.stop(bench.unit.name)
    await bench.close()
  }

  @Test func `reload replaces the worker and keeps the master`() async throws {
    let bench = try Bench()
    try await bench.supervisor.install(bench.unit)
    try await bench.supervisor.start(bench.unit.name)
    let master = await bench.supervisor.mainProcess(bench.unit.name)
    let worker = bench.workerID
    try bench.write(listeningOn: "b.sock")
    try await bench.supervisor.reload(bench.unit.name)
    try await poll("new worker", within: .seconds(10)) { bench.workerID != nil && bench.workerID != worker }
    #expect(await bench.supervisor.mainProcess(bench.unit.name) == master)
    try await poll("new socket", within: .seconds(10)) {
      FileManager.default.fileExists(atPath: "\(bench.folder)/b.sock")
    }
    await bench.close()
  }

  @Test func `what is not running cannot be reloaded, in systemd's words`() async throws {
    let bench = try Bench()
    try await bench.supervisor.install(bench.unit)
    let error = await #expect(throws: SupervisorError.self) { try await bench.supervisor.reload(bench.unit.name) }
    #expect(error?.output.contains("is not active, cannot reload.") == true)
    await bench.close()
  }

  @Test
  func `a configuration that does not parse fails start and reload with haproxy's words, and the running one stays`()
    async throws
  {
    let bench = try Bench()
    try await bench.supervisor.install(bench.unit)
    try await bench.supervisor.start(bench.unit.name)
    let worker = bench.workerID
    try DurableFile.write(Array("nonsense\n".utf8), to: "\(bench.folder)/haproxy.cfg", mode: 0o600)
    let error = await #expect(throws: SupervisorError.self) { try await bench.supervisor.reload(bench.unit.name) }
    #expect(error?.output.contains("nonsense") == true)
    #expect(bench.workerID == worker)
    try await bench.supervisor.stop(bench.unit.name)
    await #expect(throws: SupervisorError.self) { try await bench.supervisor.start(bench.unit.name) }
    await bench.close()
  }

  @Test func `a configuration that parses but cannot start is reported with the reason`() async throws {
    let bench = try Bench()
    try await bench.supervisor.install(bench.unit)
    let text =
      "global\n  maxconn 10\ndefaults\n  mode http\n  timeout client 1s\n  timeout connect 1s\n  timeout server 1s\nfrontend f\n  bind 192.0.2.77:80\n"
    try DurableFile.write(Array(text.utf8), to: "\(bench.folder)/haproxy.cfg", mode: 0o600)
    let error = await #expect(throws: SupervisorError.self) { try await bench.supervisor.start(bench.unit.name) }
    #expect(error?.output.contains("192.0.2.77:80") == true)
    #expect(await bench.supervisor.mainProcess(bench.unit.name) == nil)
    await bench.close()
  }

  @Test func `a killed haproxy is started again`() async throws {
    let bench = try Bench()
    try await bench.supervisor.install(bench.unit)
    try await bench.supervisor.start(bench.unit.name)
    let first = try #require(await bench.supervisor.mainProcess(bench.unit.name))
    kill(first, SIGKILL)
    try await poll("another process", within: .seconds(10)) {
      let now = await bench.supervisor.mainProcess(bench.unit.name)
      return now != nil && now != first && bench.workerID != nil
    }
    await bench.close()
  }

  @Test func `another agent process adopts what runs, and starts what is enabled`() async throws {
    let bench = try Bench()
    try await bench.supervisor.install(bench.unit)
    try await bench.supervisor.enable(bench.unit.name)
    try await bench.supervisor.start(bench.unit.name)
    let pid = try #require(await bench.supervisor.mainProcess(bench.unit.name))
    let second = Bench.makeSupervisor(bench.folder)
    await second.loadRecords()
    await second.restore()
    #expect(await second.mainProcess(bench.unit.name) == pid)
    try await second.stop(bench.unit.name)
    #expect(kill(pid, 0) == -1)
    // The first one is no dead process, and would start its child again.
    try await bench.supervisor.stop(bench.unit.name)
    let idle = Bench.makeSupervisor(bench.folder)
    await idle.loadRecords()
    await idle.restore(except: [bench.unit.name])
    #expect(await idle.mainProcess(bench.unit.name) == nil, "it was stopped on request")
    let third = Bench.makeSupervisor(bench.folder)
    await third.loadRecords()
    await third.restore()
    let restored = try #require(await third.mainProcess(bench.unit.name))
    #expect(restored != pid)
    try await third.disable(bench.unit.name)
    try await third.stop(bench.unit.name)
    let fourth = Bench.makeSupervisor(bench.folder)
    await fourth.loadRecords()
    await fourth.restore()
    #expect(await fourth.mainProcess(bench.unit.name) == nil)
    try await third.uninstall(bench.unit.name)
    #expect(!FileManager.default.fileExists(atPath: "\(bench.folder)/services/haproxy-test.service.json"))
    await bench.close()
  }
}

@testable import AmphoraAgent
import AmphoraProtocol
import Files
import Testing

@Suite struct HostFactsTests {
  @Test func `the CPU columns keep their places and odd types`() {
    let cpu = HostFacts.cpu(stat: "cpu  100 20 30 4000 5 6 7 8 9 10\ncpu0 1 2 3 4\n")
    #expect(cpu == DetailsBody.CPU(total: 4195, user: "100", system: "30", softIRQ: "7"))
    #expect(HostFacts.cpu(stat: "").total == 0)
  }

  @Test func `memory is in kilobytes by kind`() {
    let memory = HostFacts.memory(
      meminfo:
        "MemTotal:  1000 kB\nMemFree: 200 kB\nBuffers: 3 kB\nCached: 40 kB\nSwapCached: 5 kB\nShmem: 6 kB\nSlab: 7 kB\n"
    )
    #expect(
      [memory.total, memory.free, memory.buffers, memory.cached, memory.swapUsed, memory.shared, memory.slab] == [
        1000, 200, 3, 40, 5, 6, 7,
      ])
  }

  @Test func `this machine has plausible values`() {
    #expect(HostFacts.cpuCount() >= 1)
    #expect(HostFacts.memory().total > 1000)
    #expect(HostFacts.cpu().total > 0)
    #expect(HostFacts.load().count == 3)
    #expect(HostFacts.disk().available > 0)
    #expect(!HostFacts.hostname().isEmpty)
  }

  @Test func `versions are those of the package database`() async throws {
    let database = PackageDatabase(haproxyCommand: "/usr/sbin/haproxy")
    let versions = try await database.versions()
    let judge = try await Command.run("dpkg-query", ["-W", "-f=${Version}", "haproxy"])
    #expect(versions.haproxy == judge.output)
    #expect(versions.haproxy.first?.isNumber == true)
  }

  @Test func `removed packages and epochs`() async throws {
    let status = """
      Package: haproxy
      Status: install ok installed
      Version: 9:2.6.12-1

      Package: keepalived
      Status: deinstall ok config-files
      Version: 1:2.2.7-1

      Package: ipvsadm
      Status: install ok installed
      Version: 1:1.31-1+b1
      """
    let path = "/tmp/amphora-test-status-\(UInt64.random(in: 0...UInt64.max))"
    try DurableFile.write(Array(status.utf8), to: path, mode: 0o600)
    defer { try? DurableFile.remove(path) }
    let versions = try await PackageDatabase(haproxyCommand: "/usr/sbin/haproxy", dpkgStatus: path).versions()
    #expect(versions == PackageVersions(haproxy: "2.6.12-1", keepalived: "", ipvsadm: "1:1.31-1+b1"))
  }

  @Test func `a program that does not end is ended`() async {
    let start = ContinuousClock.now
    await #expect(throws: CommandError.self) { try await Command.run("sleep", ["60"], timeout: .milliseconds(100)) }
    #expect(ContinuousClock.now - start < .seconds(10))
  }

  @Test func `output of both streams arrives in one text`() async throws {
    let result = try await Command.run("/bin/sh", ["-c", "echo out; echo err >&2; exit 3"])
    #expect(result.status == 3)
    #expect(result.output == "out\nerr\n")
  }
}

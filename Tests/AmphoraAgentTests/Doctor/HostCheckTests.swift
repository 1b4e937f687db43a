// Checks of what cannot be made on a machine that others share (memory that runs out, the clock, the table of connections),
// by the kernel's texts; and the encrypted RAM disk by its mount.

import AmphoraProtocol
import Files
import Glibc
import Netlink
import Testing

@testable import AmphoraAgent

@Suite struct HostCheckTests {
  /// From a virtual machine with 1 GB (Linux 6.1), shortened.
  private static func meminfo(available: Int) -> String {
    "MemTotal:        1014096 kB\nMemFree:           50000 kB\nMemAvailable:   \(available) kB\nBuffers:  1 kB\n"
  }

  @Test func `memory is short below a tenth, and gone below a thirtieth`() throws {
    let check = MemoryCheck()
    func verdict(_ available: Int) -> Finding.Verdict? {
      check.judge(meminfo: Self.meminfo(available: available)) { "haproxy, process 812, 700 MB" }?.verdict
    }
    #expect(verdict(500_000) == .pass)
    #expect(verdict(90_000) == .warning)
    #expect(verdict(20_000) == .failure)
    let finding = try #require(check.judge(meminfo: Self.meminfo(available: 20_000)) { "haproxy, process 812, 700 MB" })
    #expect(
      finding.evidence == "only 20 MB of 1 GB is available; the most has haproxy, process 812, 700 MB"
        || finding.evidence.hasPrefix("only 20 MB of 1038 MB"))
    #expect(check.judge(meminfo: "") { "" } == nil)
  }

  /// Records as /dev/kmsg gives them: priority, number, time, flags, text (Linux 6.1, `__oom_kill_process`).
  private static let kernelLog = """
    4,901,88123456,-;haproxy invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=0
    3,990,88123999,-;Out of memory: Killed process 655 (python3) total-vm:91200kB, anon-rss:51200kB, file-rss:0kB, UID:0
    6,991,88124010,-;eth1: link becomes ready
    3,999,99123999,-;Memory cgroup out of memory: Killed process 812 (haproxy) total-vm:812000kB, anon-rss:700000kB, UID:99
    6,1000,99124010,-;oom_reaper: reaped process 812 (haproxy), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB

    """

  @Test func `who was ended for lack of memory is named, and the log is only read when somebody was`() {
    let check = OutOfMemoryCheck()
    let one = check.judge(vmstat: "pgfault 9\noom_kill 1\n") { Self.kernelLog }
    #expect(one?.verdict == .warning)
    #expect(
      one?.evidence == "out of memory: since the boot the kernel has ended a process once, last haproxy, process 812")
    #expect(check.judge(vmstat: "oom_kill 3\n") { "" }?.evidence.hasSuffix("a process 3 times") == true)
    let none = check.judge(vmstat: "oom_kill 0\n") {
      Issue.record("the log was read")
      return ""
    }
    #expect(none?.verdict == .pass)
    #expect(check.judge(vmstat: "pgfault 9\n") { "" } == nil, "a kernel before 4.13")
  }

  /// /proc/net/stat/nf_conntrack of Linux 6.18 with two processors; the drops were written in by hand.
  private static let conntrackStatistics = """
    entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new
    00000000  00000000 00000000 00000000 00000001 00000000 00000000 00000000 00000000 00000000 0000000a 00000f00 00000000  00000000
    00000000  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000010 00000000 00000000  00000000

    """

  @Test func `a table of connections that is full, nearly full, or was`() {
    let check = ConntrackCheck()
    func judge(_ entries: Int, drops: Int = 0) -> Finding? {
      check.judge(.init(entries: entries, limit: 125_000, drops: drops), "amphora-haproxy")
    }
    #expect(judge(1000) == nil)
    #expect(judge(112_500)?.verdict == .warning)
    #expect(judge(125_000)?.verdict == .failure)
    #expect(judge(125_000)?.remedy == "sysctl -w net.netfilter.nf_conntrack_max=250000")
    let drops = ConntrackCheck.Reading.drops(Self.conntrackStatistics)
    #expect(drops == 26, "0xa + 0x10; early drops lose no packet")
    #expect(judge(1000, drops: drops)?.evidence.contains("26 packets of new connections dropped") == true)
    #expect(ConntrackCheck.Reading.drops("") == 0)
  }

  @Test func `the clock: kept, not kept by its daemon, without one right or wrong`() throws {
    let folder = try ScratchFolder()
    try DurableFile.createDirectory("\(folder.path)/class/rtc/rtc0", mode: 0o755)
    try folder.write("1000\n", to: "class/rtc/rtc0/since_epoch")
    func check(now: Int64, uptime: String = "9000.1 1.0\n") throws -> ClockCheck {
      try folder.write(uptime, to: "uptime")
      return ClockCheck(machine: Machine(proc: folder.path, sys: folder.path, now: { now }))
    }
    #expect(try check(now: 1004).judge(running: nil, unit: nil).verdict == .pass)
    let behind = try check(now: 700).judge(running: nil, unit: nil)
    #expect(behind.verdict == .warning && behind.evidence.hasPrefix("the clock is 5 minutes behind the hypervisor's"))
    #expect(behind.remedy == "date -u -s @$(cat /sys/class/rtc/rtc0/since_epoch)")
    #expect(try check(now: 1090).judge(running: nil, unit: nil).evidence.contains("90 s ahead of"))
    let silent = try check(now: 1000).judge(running: "chronyd", unit: "chrony.service")
    #expect(silent.verdict == .warning && silent.remedy?.hasSuffix("systemctl restart chrony.service") == true)
    let young = try check(now: 1000, uptime: "30.0 1.0\n").judge(running: "chronyd", unit: "chrony.service")
    #expect(young.verdict == .pass)
    let ended = try check(now: 1000).judge(running: nil, unit: "chrony.service")
    #expect(ended.remedy == "systemctl start chrony.service")
  }

  @Test func `a message that barely fits, and heartbeats that stay away`() {
    let check = HeartbeatCheck(machine: Machine(now: { 1000 }))
    var status = AgentStatus(
      version: "1", pid: 1, started: 900, logLevel: "info", logLevelUntil: nil, requests: 0, lastRequest: nil,
      heartbeatsSent: 1, lastHeartbeat: nil, heartbeatSilence: nil, reloads: [:])
    func judge(sentAt time: Double, bytes: Int, form: String = "complete") -> Finding? {
      status.lastHeartbeat = .init(destination: "192.0.2.1:5555", bytes: bytes, time: time, sequence: 3, form: form)
      return check.judge(status, interval: 10).first
    }
    #expect(judge(sentAt: 996, bytes: 900) == .pass("heartbeat", "sent 4 s ago to 192.0.2.1:5555, 900 bytes"))
    #expect(judge(sentAt: 996, bytes: 61_000)?.verdict == .warning)
    let cut = judge(sentAt: 996, bytes: 40_000, form: "without pools")
    #expect(
      cut?.verdict == .warning && cut?.evidence.hasSuffix("controllers see old states of pools and members") == true)
    #expect(judge(sentAt: 990 - 26, bytes: 900)?.verdict == .failure)
    status.lastHeartbeat = nil
    status.heartbeatSilence = HeartbeatStatus.SkipReason.tooLarge.rawValue
    let never = check.judge(status, interval: 10).first
    #expect(never?.verdict == .failure && never?.remedy?.hasPrefix("spread the listeners") == true)
  }

  @Test func `units that failed, but not those of which other checks tell`() {
    let check = FailedUnitsCheck()
    let output = """
      haproxy-6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8.service loaded failed failed HAProxy Load Balancer
      octavia-keepalived.service loaded failed failed Keepalive Daemon (LVS and VRRP)
      rsyslog.service loaded failed failed System Logging Service
      certs-ramfs.service loaded failed failed Encrypted RAM disk

      """
    let names = { (findings: [Finding]) in findings.map { $0.evidence.prefix { $0 != " " } } }
    #expect(names(check.judge(output)) == ["rsyslog.service", "certs-ramfs.service"])
    #expect(names(check.judge(output, certificateDiskIsMissing: true)) == ["rsyslog.service"])
    #expect(check.judge("").map(\.verdict) == [.pass])
  }

  /// `ss -ltn` shows 127.0.0.1:9443 and [::]:80 for these rows of Linux 6.1; the first of tcp6 is an open connection.
  @Test func `listening sockets are found in the kernel's tables`() {
    let tcp = """
        sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
         0: 0100007F:24E3 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100
      """
    let tcp6 = """
        sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when
         0: 00000000000000000000000000000000:24E3 0000000000000000FFFF00000100007F:8A12 01 00000000:00000000 00:00000000 0 0 0 8 1
         1: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 0 0 0 9 1
      """
    #expect(SocketTable.parse(tcp) == [ListeningSocket(port: 9443, inode: 4711)])
    #expect(SocketTable.parse(tcp6).map(\.port) == [80])
  }

  @Test(.enabled(if: InterfaceLab.isPossible, InterfaceLab.why))
  func `an image with an encrypted RAM disk has tenants' keys on it, or the doctor says where they are`() async throws {
    let folder = try ScratchFolder()
    let amphora = LocalAmphora(
      configurationFile: "/nonexistent", configuration: .failure(ConfigurationError(problems: [])),
      paths: AgentPaths(base: folder.path, certificates: "\(folder.path)/certs", units: folder.path),
      interfaces: InterfacePaths(namespace: .amphoraHAProxy))
    try DurableFile.createDirectory(amphora.paths.certificates, mode: 0o700)
    let check = TenantCertificatesCheck()
    #expect(await check.run(amphora) == [], "an image without")
    try folder.write("[Service]\n", to: "certs-ramfs.service")
    let missing = await check.run(amphora)
    #expect(missing.map(\.verdict) == [.failure])
    #expect(missing.first?.remedy == "systemctl restart certs-ramfs.service")
    // The unit's work, without device-mapper: what counts is the mount's name.
    let mounted = try await Command.run(
      "/bin/mount", ["-t", "tmpfs", "/dev/mapper/certfs-ramfs", amphora.paths.certificates])
    try #require(mounted.isSuccess, "\(mounted.output)")
    #expect(await check.run(amphora) == [])
    // A disk that somebody mounts over it hides it.
    _ = try await Command.run("/bin/mount", ["-t", "tmpfs", "other", amphora.paths.certificates])
    #expect(await check.run(amphora).map(\.verdict) == [.failure])
    for _ in 1...2 { _ = try await Command.run("/bin/umount", [amphora.paths.certificates]) }
  }
}

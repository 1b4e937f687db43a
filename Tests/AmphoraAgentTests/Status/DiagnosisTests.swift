// What is gathered, from recorded texts.

import AmphoraCrypto
import Files
import Glibc
import Testing

@testable import AmphoraAgent

@Suite struct DiagnosisTests {
  @Test func `systemd's words about units become states`() throws {
    // systemd 252, `systemctl show --property … -- A B C`.
    let text = """
      Result=success
      MainPID=1
      ExecMainStatus=0
      NRestarts=2
      Id=amphora-agent.service
      LoadState=loaded
      ActiveState=active
      SubState=running
      StateChangeTimestampMonotonic=5000000

      Result=exit-code
      MainPID=0
      ExecMainStatus=1
      NRestarts=0
      Id=octavia-keepalived.service
      LoadState=loaded
      ActiveState=failed
      SubState=failed
      StateChangeTimestampMonotonic=9000000

      Result=success
      MainPID=0
      ExecMainStatus=0
      NRestarts=0
      Id=haproxy-x.service
      LoadState=not-found
      ActiveState=inactive
      SubState=dead
      StateChangeTimestampMonotonic=0
      """
    let states = ServiceStates(systemctl: text, stopped: ["haproxy-x.service"], now: 12_000_000)
    let agent = states.service("amphora-agent.service", pid: nil)
    #expect(agent.state == "active (running)" && agent.isUp && agent.age == 7 && agent.pid == 1)
    #expect(agent.restarts == 2 && agent.failure == nil && !agent.isStoppedByOrder)
    #expect(try #require(agent.uptime) > 0 && #require(agent.memoryBytes) > 0)
    let keepalived = states.service("octavia-keepalived.service", pid: nil)
    #expect(keepalived.state == "failed (failed)" && !keepalived.isUp && keepalived.age == 3)
    #expect(keepalived.failure == "exit-code, status 1" && keepalived.pid == nil)
    let haproxy = states.service("haproxy-x.service", pid: nil)
    #expect(haproxy.state == "no such unit" && !haproxy.isUp && haproxy.isStoppedByOrder && haproxy.age == nil)
    // One that lives though systemd does not know it, as with direct supervision in a container with systemd.
    #expect(states.service("haproxy-x.service", pid: getpid()).state == "running")
    let direct = ServiceStates(systemctl: nil, stopped: [], now: 0)
    #expect(direct.service("haproxy-x.service", pid: nil).state == "not running")
    #expect(direct.service("haproxy-x.service", pid: getpid()).isUp)
  }

  @Test func `a process says its age, its memory and its parent`() throws {
    let own = try #require(ProcessStatus(getpid()))
    #expect(own.parent == getppid() && own.residentBytes > 1 << 20 && own.age > .zero)
    // A name may hold what separates fields.
    let text = "7 (a) b (c) S 3 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 1234 8192 99 18446744073709551615"
    let odd = try #require(ProcessStatus(text: text))
    #expect(odd.name == "a) b (c" && odd.parent == 3 && odd.startTicks == 1234 && odd.residentPages == 99)
    #expect(ProcessStatus(text: "7 (a) S 3") == nil && ProcessStatus(text: "") == nil)
  }

  private static let keepalived = """
    vrrp_instance 0f0e {
        priority 90
        unicast_peer {
            203.0.113.5
        }
        interval 5
        virtual_ipaddress {
            203.0.113.10
        }
    }
    """

  @Test func `who has the VIP is master, since the kernel has the address`() throws {
    var network = NetworkFacts(namespace: "x")
    func facts(_ gate: VRRPGate) -> VRRPFacts? { VRRPFacts.read(gate, Self.keepalived, network) }
    #expect(facts(.absent) == nil)
    let backup = try #require(facts(.open(pid: getpid())))
    #expect(backup.role == .backup && backup.since == nil && backup.priority == 90 && backup.peers == ["203.0.113.5"])
    #expect(try #require(backup.uptime) > 0)
    #expect(facts(.closed(reason: "dead"))?.role == .down)
    network.addressAges = ["203.0.113.10": 17, "203.0.113.4": 99]
    #expect(facts(.open(pid: getpid()))?.role == .master && facts(.open(pid: getpid()))?.since == 17)
    #expect(facts(.closed(reason: "dead"))?.role == .stale && facts(.closed(reason: "dead"))?.problem == "dead")
  }

  @Test func `the image tells of itself in os-release`() {
    let facts = ImageFacts(
      osRelease: "NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nBUILD_ID='7'\nIMAGE_ID=amphora\n")
    #expect(facts.system == "Debian GNU/Linux 12 (bookworm)" && facts.build == "amphora 7")
    #expect(ImageFacts(osRelease: "").system == nil && ImageFacts(osRelease: "").build == nil)
  }

  @Test func `memory and fills are in percent`() {
    #expect(MachineFacts.kilobytes("MemTotal:  1000 kB\nMemAvailable:   250 kB\n") == (1_024_000, 256_000))
    #expect(Percent.of(1, of: 1000) == 1 && Percent.of(0, of: 5) == 0 && Percent.of(5, of: 5) == 100)
    #expect(Percent.of(1, of: 0) == 0)
  }

  @Test func `a certificate has its days, and a file that is none a reason`() throws {
    let folder = try LabFolder()
    let key = try PrivateKey.generateRSA()
    let profile = CertificateProfile(commonName: "www.example.com", serial: [1], notBefore: 0, notAfter: 86_400 * 100)
    let certificate = try X509Certificate.issue(profile, for: key, issuer: nil, issuerKey: key)
    try folder.write("a.pem", certificate.pem())
    let facts = CertificateFacts.read("\(folder.path)/a.pem", owner: "agent", now: 86_400 * 90 + 1)
    #expect(facts.daysLeft == 9 && facts.subject == "www.example.com" && facts.problem == nil)
    #expect(CertificateFacts.read("\(folder.path)/a.pem", owner: "agent", now: 86_400 * 100 + 1).daysLeft == -1)
    try folder.write("b.pem", "nothing")
    #expect(CertificateFacts.read("\(folder.path)/b.pem", owner: "agent", now: 0).problem != nil)
  }
}

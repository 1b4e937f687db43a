// What the screen says should be looked at first.

import Testing

@testable import AmphoraAgent

@Suite struct AttentionTests {
  private func items(_ change: (inout AmphoraSnapshot) -> Void) -> [String] {
    var snapshot = StatusSample.small
    snapshot.loadBalancers[0].pools[0].members[1] = StatusSample.member(2)
    snapshot.certificates = []
    change(&snapshot)
    return Attention(snapshot).items.map(\.text)
  }

  @Test func `an amphora that is well is not worth a word`() { #expect(items { _ in } == []) }

  @Test func `an agent that is down or silent`() {
    #expect(
      items {
        $0.agent.service = StatusSample.service("amphora-agent.service", isUp: false)
        $0.agent.status = nil
      } == ["the agent does not run: no heartbeats, no changes by controllers"])
    #expect(
      items {
        $0.agent.status = nil
        $0.agent.silence = "no answer"
      } == ["no answer"])
    #expect(items { $0.agent.status?.lastHeartbeat?.time -= 100 } == ["the last heartbeat left 1m44s ago"])
    #expect(items { $0.agent.status?.heartbeatSilence = "no key" } == ["no heartbeats: no key"])
  }

  @Test func `a haproxy that is down, and one that a controller stopped`() {
    #expect(
      items { $0.loadBalancers[0].service = StatusSample.service("haproxy", isUp: false) } == [
        "haproxy of load balancer 0b1f9a51 does not run: failed (failed), exit-code, status 1"
      ])
    #expect(
      items { $0.loadBalancers[0].service.isStoppedByOrder = true } == [
        "haproxy of load balancer 0b1f9a51 was stopped by a controller"
      ])
    #expect(
      items { $0.loadBalancers[0].isUntried = true } == [
        "haproxy.cfg of 0b1f9a51 is not the one that haproxy runs"
      ])
  }

  @Test func `members, pools and listeners`() {
    #expect(
      items { $0.loadBalancers[0].pools[0].members[1] = StatusSample.member(2, state: "DOWN") } == [
        "1 of 2 members is not up"
      ])
    #expect(items { $0.loadBalancers[0].pools[0].state = "DOWN" } == ["1 pool of 1 is down"])
    #expect(
      items { $0.loadBalancers[0].listeners[0].sessions = 1999 } == [
        "listener c1a7b3d1 is nearly full, 1999 of 2000 sessions"
      ])
    #expect(
      items {
        $0.loadBalancers[0].listeners[0].state = "FULL"
        $0.loadBalancers[0].listeners[0].sessions = 2000
      } == ["listener c1a7b3d1 is FULL, 2000 of 2000 sessions"])
  }

  @Test func `keepalived, the network, certificates and the machine; the worst first`() {
    #expect(
      items {
        $0.machine.disks[0].availableBytes = 80_000_000
        $0.vrrp?.role = .stale
        $0.network.interfaces[0].link = "no carrier"
        $0.certificates = StatusSample.small.certificates
        $0.certificates[1].daysLeft = -1
        $0.certificates[0].daysLeft = 9
      } == [
        "keepalived does not run, but the VIP is here: the peer may have it too", "eth1 is no carrier",
        "/var/lib/octavia/certs/0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10/1111111111111111111111111111111111111111.pem has expired",
        "/etc/octavia/certs/server.pem expires in 9 days", "/ is 91 % full",
      ])
  }
}

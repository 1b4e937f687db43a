// `amphora-agent status` as it stands on a terminal.

import FoundationEssentials
import Testing

@testable import AmphoraAgent

@Suite struct StatusScreenTests {
  private func lines(_ snapshot: AmphoraSnapshot, _ style: ScreenStyle) -> [Substring] {
    StatusScreen(snapshot, style: style).text().split(separator: "\n", omittingEmptySubsequences: false)
  }

  @Test func `a terminal of 80 columns without colour`() {
    #expect(
      StatusScreen(StatusSample.small, style: ScreenStyle(width: 80)).text() == """
        amphora  3fd1b052-ecaf-41c8-9335-60936525cf0d, host amphora-3fd1b052, up 2d4h,
                 2026-11-21 15:46:40 UTC
        image    build 2026-11-02, Debian GNU/Linux 12 (bookworm),
                 packages of 2026-11-02, kernel 6.1.0-28-cloud-amd64,
                 haproxy 2.6.12-1+deb12u4, keepalived 2.2.7-1+b2
        role     ACTIVE_STANDBY, MASTER for 3h12m, VIP 203.0.113.10, priority 100,
                 peer 203.0.113.5, keepalived up 2d3h
        agent    active (running) for 2d4h, pid 612, 14 MB, version 1.0.0
                 last request 42s ago, GET /1.0/info, status 200, from 192.0.2.1, 3 ms,
                 421 requests in all
                 last heartbeat 4s ago, to 192.0.2.5:5555, 812 B, number 18720
        machine  load 0.02 0.03 0.00 on 1 CPU, memory 32 % of 1.0 GB,
                 / 41 % full (1.2 GB free), conntrack 12 of 65536

         ! 1 of 2 members is not up

        load balancer 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10
          haproxy active (running) for 2d4h, pid 612, 14 MB, worker started 3h04m ago,
                  12 of 2000 connections
          config  written 3h05m ago, 4 reloads, the last 3h05m ago: reloaded, 147 ms
          LISTENER  BIND                 MODE        STATE  SESSIONS  NEW/S  ERRORS  5XX
          c1a7b3d1  203.0.113.10:443 +1  TERMI…TTPS  OPEN    12/2000     34       4    0
          POOL      LISTENER  STATE  MEMBERS       SESSIONS  QUEUED  ALGORITHM
          d2b4c6a1  c1a7b3d1  UP     1 up, 1 DOWN        12       0  roundrobin
          MEMBER    ADDRESS         STATE    FOR  WEIGHT  SESSIONS  CHECK      TOOK
          f0e1d2c1  10.0.1.21:8080  UP      2d3h       1         6  L7OK 200   3 ms
          f0e1d2c2  10.0.1.22:8080  DOWN   5m12s       1         0  L7STS 503  3 ms
                    Layer7 wrong status 503: Service Unavailable (3 ms)
                    down 4 times, 48m32s in all

        network amphora-haproxy
          INTERFACE  LINK   MTU  MAC                    RX     TX  DROPS  ERRORS
          eth1       up    1450  fa:16:3e:ea:ba:f8  812 MB  14 GB     12       0
                     203.0.113.4/24 203.0.113.10/32 2001:db8:0:1::4/64
                     2001:db8:0:1::10/128
          TABLE  DESTINATION     VIA          THROUGH  SOURCE
          1      203.0.113.0/24  -            eth1     203.0.113.10
          1      default         203.0.113.1  eth1     -
          main   default         203.0.113.1  eth1     -
          rules 100: from 203.0.113.10/32 lookup 1

        certificates
          DAYS LEFT  UNTIL       OF        SUBJECT                FILE
                 29  2026-12-20  agent     3fd1b052-e…936525cf0d  /etc/octavi…server.pem
                 61  2027-01-21  0b1f9a51  www.example.com        /var/lib/oc…111111.pem

        """)
  }

  @Test func `a terminal of 160 columns`() {
    #expect(
      StatusScreen(StatusSample.small, style: ScreenStyle(width: 160)).text() == """
        amphora  3fd1b052-ecaf-41c8-9335-60936525cf0d, host amphora-3fd1b052, up 2d4h, 2026-11-21 15:46:40 UTC
        image    build 2026-11-02, Debian GNU/Linux 12 (bookworm), packages of 2026-11-02, kernel 6.1.0-28-cloud-amd64, haproxy 2.6.12-1+deb12u4, keepalived 2.2.7-1+b2
        role     ACTIVE_STANDBY, MASTER for 3h12m, VIP 203.0.113.10, priority 100, peer 203.0.113.5, keepalived up 2d3h
        agent    active (running) for 2d4h, pid 612, 14 MB, version 1.0.0
                 last request 42s ago, GET /1.0/info, status 200, from 192.0.2.1, 3 ms, 421 requests in all
                 last heartbeat 4s ago, to 192.0.2.5:5555, 812 B, number 18720
        machine  load 0.02 0.03 0.00 on 1 CPU, memory 32 % of 1.0 GB, / 41 % full (1.2 GB free), conntrack 12 of 65536

         ! 1 of 2 members is not up

        load balancer 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10
          haproxy active (running) for 2d4h, pid 612, 14 MB, worker started 3h04m ago, 12 of 2000 connections
          config  written 3h05m ago, 4 reloads, the last 3h05m ago: reloaded, 147 ms
          LISTENER  BIND                 MODE              STATE  SESSIONS  NEW/S  ERRORS  5XX     IN     OUT
          c1a7b3d1  203.0.113.10:443 +1  TERMINATED_HTTPS  OPEN    12/2000     34       4    0  81 MB  1.4 GB
          POOL      LISTENER  STATE  MEMBERS       SESSIONS  QUEUED  ALGORITHM
          d2b4c6a1  c1a7b3d1  UP     1 up, 1 DOWN        12       0  roundrobin
          MEMBER    POOL      ADDRESS         STATE    FOR  WEIGHT  SESSIONS  CHECK      TOOK
          f0e1d2c1  d2b4c6a1  10.0.1.21:8080  UP      2d3h       1         6  L7OK 200   3 ms
          f0e1d2c2  d2b4c6a1  10.0.1.22:8080  DOWN   5m12s       1         0  L7STS 503  3 ms
                    Layer7 wrong status 503: Service Unavailable (3 ms); down 4 times, 48m32s in all

        network amphora-haproxy
          INTERFACE  LINK   MTU  MAC                    RX     TX  DROPS  ERRORS
          eth1       up    1450  fa:16:3e:ea:ba:f8  812 MB  14 GB     12       0
                     203.0.113.4/24 203.0.113.10/32 2001:db8:0:1::4/64 2001:db8:0:1::10/128
          TABLE  DESTINATION     VIA          THROUGH  SOURCE
          1      203.0.113.0/24  -            eth1     203.0.113.10
          1      default         203.0.113.1  eth1     -
          main   default         203.0.113.1  eth1     -
          rules 100: from 203.0.113.10/32 lookup 1

        certificates
          DAYS LEFT  UNTIL       OF        SUBJECT                               FILE
                 29  2026-12-20  agent     3fd1b052-ecaf-41c8-9335-60936525cf0d  /etc/octavia/certs/server.pem
                 61  2027-01-21  0b1f9a51  www.example.com                       /var/lib/octavia/certs/0b1f9a51-5d9b-4d6e-9…111111111111111111111111111111111111111.pem

        """)
  }

  @Test(arguments: [40, 60, 80, 100, 160]) func `no line is longer than the terminal is wide`(width: Int) {
    for snapshot in [StatusSample.small, StatusSample.large] {
      for showsAll in [false, true] {
        let long = lines(snapshot, ScreenStyle(width: width, showsAll: showsAll)).filter { $0.count > width }
        #expect(long == [])
      }
    }
  }

  @Test func `of a thousand members those that are not up are shown, and the others counted`() {
    let text = StatusScreen(StatusSample.large, style: ScreenStyle(width: 80)).text()
    for address in ["10.0.1.37:8080", "10.0.1.38:8080", "10.0.5.123:8080"] { #expect(text.contains(address)) }
    #expect(text.components("Layer7 wrong status 503: Service Unavailable") == 1, "the same reason once")
    #expect(text.contains("and 997 that are up: --all"))
    #expect(text.contains("18 up, 2 DOWN") && text.contains("19 up, 1 DOWN"))
    #expect(text.contains("3 of 1000 members are not up"))
    #expect(text.contains("and 38 more, open and less busy; all 50: 1275 sessions, 1700 new/s"))
    #expect(text.contains("and 48 pools with all members up: --all"))
    #expect(text.split(separator: "\n").count < 70)
    let all = StatusScreen(StatusSample.large, style: ScreenStyle(width: 80, showsAll: true)).text()
    #expect(all.components(":8080") == 1000)
  }

  @Test func `when all are down each pool has its share of the lines`() {
    var snapshot = StatusSample.large
    for pool in snapshot.loadBalancers[0].pools.indices.prefix(4) {
      for member in 0..<20 {
        snapshot.loadBalancers[0].pools[pool].members[member] = StatusSample.member(pool * 20 + member, state: "DOWN")
      }
    }
    let text = StatusScreen(snapshot, style: ScreenStyle(width: 80)).text()
    for pool in 1...4 { #expect(text.components("  d2b4c6a\(pool)  ") == 1 + 4, "a row of its own, and four members") }
    #expect(text.contains("and 64 more that are not up, 919 that are up: --all"))
  }

  @Test func `colour changes no character, and is there where it is wanted`() {
    let plain = StatusScreen(StatusSample.small, style: ScreenStyle(width: 100)).text()
    let coloured = StatusScreen(StatusSample.small, style: ScreenStyle(width: 100, isColoured: true)).text()
    #expect(!plain.contains("\u{1B}"))
    #expect(coloured.contains("\u{1B}[1;31mDOWN\u{1B}[0m") || coloured.contains("\u{1B}[1;31mDOWN"))
    #expect(coloured.replacing(/\u{1B}\[[0-9;]*m/, with: "").trimmed == plain.trimmed)
  }

  @Test func `what members and certificates say cannot steer the terminal`() {
    var snapshot = StatusSample.small
    snapshot.loadBalancers[0].pools[0].members[1].reason = "503: \u{1B}[2Jgone\r\n\u{9B}31m\u{202E}txt"
    snapshot.certificates[0].subject = "a\u{7}b"
    let text = StatusScreen(snapshot, style: ScreenStyle(width: 160)).text()
    #expect(text.contains("503: ?[2Jgone???31m?txt") && text.contains("a?b"))
    #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) })
  }

  @Test func `a terminal that is not tall enough says how much is missing`() {
    let text = StatusScreen(StatusSample.small, style: ScreenStyle(width: 80)).text(height: 10)
    let whole = lines(StatusSample.small, ScreenStyle(width: 80)).count - 1
    #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count == 11)
    #expect(text.hasSuffix("\n\(whole - 9) more lines: a taller window shows them\n"))
  }

  @Test func `from the second look on there are rates`() {
    var now = StatusSample.small
    now.time += 2
    now.network.interfaces[0].receivedBytes += 24_000
    now.loadBalancers[0].listeners[0].bytesOut = 1_420_000_000 + 3_000_000
    // A counter that begins anew is no negative rate.
    now.network.interfaces[0].sentBytes = 5
    let rates = StatusRates(from: StatusSample.small, to: now)
    #expect(rates?.interfaces["eth1"] == .init(bytesIn: 12_000, bytesOut: 0))
    #expect(rates?.listeners[StatusSample.listener(1).id] == .init(bytesIn: 0, bytesOut: 1_500_000))
    let text = StatusScreen(now, since: StatusSample.small, style: ScreenStyle(width: 80)).text()
    #expect(text.contains("OUT/S") && text.contains("1.5 MB") && text.contains("RX/S") && text.contains("12 kB"))
    #expect(StatusRates(from: nil, to: now) == nil)
    #expect(StatusRates(from: now, to: now) == nil)
  }

  @Test func `JSON has all of it, and can be read back`() throws {
    let json = try StatusSample.large.json()
    #expect(try JSONDecoder().decode(AmphoraSnapshot.self, from: Data(json.utf8)) == StatusSample.large)
    let line = try StatusSample.small.json(isPretty: false)
    #expect(!line.contains("\n"))
  }
}

extension String {
  fileprivate func components(_ part: String) -> Int { ranges(of: part).count }

  /// Without blanks at the ends of lines.
  fileprivate var trimmed: [String] {
    split(separator: "\n", omittingEmptySubsequences: false).map { line in
      var line = line
      while line.hasSuffix(" ") { line.removeLast() }
      return String(line)
    }
  }
}

@testable import AmphoraAgent
import AmphoraProtocol
import Testing

@Suite struct ServiceUnitTests {
  @Test func `the haproxy unit has every directive of the contract`() throws {
    let id = try #require(LoadBalancerID("0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10"))
    let amphora = try #require(AmphoraID("00000000-0000-4000-8000-000000000000"))
    let unit = ServiceUnit.haproxy(id, amphora: amphora, command: "/usr/sbin/haproxy", paths: AgentPaths())
    #expect(unit.name == "haproxy-0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10.service")
    for line in [
      "Description=HAProxy Load Balancer", "After=network.target syslog.service amphora-netns.service",
      "Before=octavia-keepalived.service", "Wants=syslog.service", "Requires=amphora-netns.service",
      "SELinuxContext=system_u:system_r:haproxy_t:s0",
      #"Environment="CONFIG=/var/lib/octavia/\#(id)/haproxy.cfg" "USERCONFIG=/var/lib/octavia/haproxy-default-user-group.conf" "PIDFILE=/var/lib/octavia/\#(id)/\#(id).pid""#,
      "ExecStartPre=/usr/sbin/haproxy -f $CONFIG -f $USERCONFIG -c -q -L N5ZeWMl_pA9Dpla_WTT9UK5QmH4",
      "ExecStart=/sbin/ip netns exec amphora-haproxy /usr/sbin/haproxy -Ws -f $CONFIG -f $USERCONFIG -p $PIDFILE -L N5ZeWMl_pA9Dpla_WTT9UK5QmH4",
      "ExecReload=/usr/sbin/haproxy -c -f $CONFIG -f $USERCONFIG -L N5ZeWMl_pA9Dpla_WTT9UK5QmH4",
      "ExecReload=/bin/kill -USR2 $MAINPID", "KillMode=mixed", "Restart=always", "LimitNOFILE=2600000", "Type=notify",
      "WantedBy=multi-user.target",
    ] {
      #expect(unit.text.split(separator: "\n").contains(Substring(line)), "\(line)")
    }
  }

  @Test func `the namespace's unit is one program that runs once, may fail, and stays until nobody needs it`() {
    let text = ServiceUnit.namespaceUnitText(
      agent: "/usr/bin/amphora-agent", configuration: "/etc/octavia/amphora-agent.conf")
    #expect(
      text.split(separator: "\n") == [
        "[Unit]", "Description=Configure amphora-haproxy network namespace", "StopWhenUnneeded=true",
        "[Service]", "Type=oneshot", "RemainAfterExit=yes",
        "ExecStart=-/usr/bin/amphora-agent netns up --config-file /etc/octavia/amphora-agent.conf",
      ], "nothing else: no [Install], no ExecStop, for the namespace outlives the unit")
  }

  @Test func `the keepalived unit has every directive of the contract`() {
    let unit = ServiceUnit.vrrp(logFacility: 1, paths: AgentPaths())
    for line in [
      "Description=Keepalive Daemon (LVS and VRRP)", "After=network-online.target amphora-netns.service",
      "Wants=network-online.target", "Requires=amphora-netns.service",
      "SELinuxContext=system_u:system_r:keepalived_t:s0",
      "Type=forking", "KillMode=process",
      "ExecStart=/sbin/ip netns exec amphora-haproxy /usr/sbin/keepalived --log-facility=1 -f /var/lib/octavia/vrrp/octavia-keepalived.conf -p /var/lib/octavia/vrrp/octavia-keepalived.pid",
      "ExecReload=/bin/kill -HUP $MAINPID", "PIDFile=/var/lib/octavia/vrrp/octavia-keepalived.pid",
      "WantedBy=multi-user.target",
    ] {
      #expect(unit.text.split(separator: "\n").contains(Substring(line)), "\(line)")
    }
  }
}

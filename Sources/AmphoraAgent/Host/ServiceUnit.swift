// What the agent asks a service supervisor to run: described once, rendered for systemd or run directly.

import AmphoraCrypto
package import AmphoraProtocol

/// A long-running program that belongs to the amphora.
package struct ServiceUnit: Sendable, Codable, Hashable {
  /// How it is known that a start has succeeded.
  package enum Readiness: String, Sendable, Codable {
    /// The program sends `READY=1` to `$NOTIFY_SOCKET` (sd_notify(3)).
    case notified
    /// The program has written its pid file.
    case pidFile
  }

  /// The unit's name with its suffix, `haproxy-<id>.service`.
  package var name: String
  /// The unit file.
  package var text: String
  /// A command that must succeed before each start and each reload.
  package var check: [String]?
  /// The program in the foreground, for direct supervision.
  package var command: [String]
  /// The program's name as `/proc/<pid>/comm` has it.
  package var program: String
  package var readiness: Readiness
  /// The signal that makes the program read its configuration again.
  package var reloadSignal: Int32
  /// Where the program writes its pid.
  package var pidFile: String
}

/// The name of the namespace that traffic lives in (contract networking, table of items).
package let trafficNamespace = "amphora-haproxy"

/// The unit that rebuilds the namespace at boot (contract services §1.4).
package let namespaceUnitName = "amphora-netns.service"

extension ServiceUnit {
  /// The haproxy of a load balancer (contract services §2.1).
  package static func haproxy(_ id: LoadBalancerID, amphora: AmphoraID, command haproxy: String, paths: AgentPaths)
    -> ServiceUnit
  {
    let peer = PeerName.of(amphoraID: amphora.text)
    let configuration = paths.configuration(of: id)
    let pidFile = paths.pidFile(of: id)
    let text = """
      [Unit]
      Description=HAProxy Load Balancer
      After=network.target syslog.service \(namespaceUnitName)
      Before=octavia-keepalived.service
      Wants=syslog.service
      Requires=\(namespaceUnitName)

      [Service]
      # Started through ip-netns, so the domain would not follow from the program's file.
      SELinuxContext=system_u:system_r:haproxy_t:s0
      Environment="CONFIG=\(configuration)" "USERCONFIG=\(paths.userGroupFragment)" "PIDFILE=\(pidFile)"
      ExecStartPre=\(haproxy) -f $CONFIG -f $USERCONFIG -c -q -L \(peer)
      ExecStart=/sbin/ip netns exec \(trafficNamespace) \(haproxy) -Ws -f $CONFIG -f $USERCONFIG -p $PIDFILE -L \(peer)
      ExecReload=\(haproxy) -c -f $CONFIG -f $USERCONFIG -L \(peer)
      ExecReload=/bin/kill -USR2 $MAINPID
      KillMode=mixed
      Restart=always
      LimitNOFILE=2600000
      Type=notify

      [Install]
      WantedBy=multi-user.target

      """
    return ServiceUnit(
      name: unitName(of: id), text: text,
      check: [haproxy, "-c", "-f", configuration, "-f", paths.userGroupFragment, "-L", peer],
      command: [
        "/sbin/ip", "netns", "exec", trafficNamespace, haproxy, "-Ws", "-f", configuration, "-f",
        paths.userGroupFragment,
        "-p", pidFile, "-L", peer,
      ],
      program: "haproxy", readiness: .notified, reloadSignal: 12 /* SIGUSR2 */, pidFile: pidFile)
  }

  /// The name of a load balancer's unit.
  package static func unitName(of id: LoadBalancerID) -> String { "haproxy-\(id).service" }

  /// The name of the VRRP unit.
  package static let vrrpName = "octavia-keepalived.service"

  /// The keepalived that moves the VIP within a pair (contract services §3.1).
  package static func vrrp(logFacility: Int, paths: AgentPaths) -> ServiceUnit {
    keepalived(
      vrrpName, ["--log-facility=\(logFacility)", "-f", paths.vrrpConfiguration, "-p", paths.vrrpPIDFile],
      pidFile: paths.vrrpPIDFile)
  }

  /// The name of a UDP or SCTP listener's unit.
  package static func unitName(of id: ListenerID) -> String { "octavia-keepalivedlvs-\(id).service" }

  /// The keepalived of a UDP or SCTP listener (contract services §5.1).
  package static func lvs(_ id: ListenerID, logFacility: Int, paths: AgentPaths) -> ServiceUnit {
    keepalived(
      unitName(of: id),
      [
        "--log-facility=\(logFacility)", "-f", paths.lvsConfiguration(of: id), "-p", paths.lvsPIDFile(of: id),
        "-r", paths.lvsVRRPPIDFile(of: id), "-c", paths.lvsCheckPIDFile(of: id),
      ], pidFile: paths.lvsPIDFile(of: id))
  }

  private static func keepalived(_ name: String, _ arguments: [String], pidFile: String) -> ServiceUnit {
    let text = """
      [Unit]
      Description=Keepalive Daemon (LVS and VRRP)
      After=network-online.target \(namespaceUnitName)
      Wants=network-online.target
      Requires=\(namespaceUnitName)

      [Service]
      # Started through ip-netns, so the domain would not follow from the program's file.
      SELinuxContext=system_u:system_r:keepalived_t:s0
      Type=forking
      KillMode=process
      ExecStart=/sbin/ip netns exec \(trafficNamespace) /usr/sbin/keepalived \(arguments.joined(separator: " "))
      ExecReload=/bin/kill -HUP $MAINPID
      PIDFile=\(pidFile)

      [Install]
      WantedBy=multi-user.target

      """
    return ServiceUnit(
      name: name, text: text, check: nil,
      command: ["/sbin/ip", "netns", "exec", trafficNamespace, "/usr/sbin/keepalived", "--dont-fork"] + arguments,
      program: "keepalived", readiness: .pidFile, reloadSignal: 1 /* SIGHUP */, pidFile: pidFile)
  }

  /// The unit that makes the namespace, its settings and its interfaces from what is on disk (contract services §1.4).
  ///
  /// Upstream spells the steps out as a list of commands; here one program does them all, each tolerating failure.
  package static func namespaceUnitText(agent: String, configuration: String) -> String {
    """
    [Unit]
    Description=Configure amphora-haproxy network namespace
    StopWhenUnneeded=true

    [Service]
    Type=oneshot
    RemainAfterExit=yes
    ExecStart=-\(agent) netns up --config-file \(configuration)

    """
  }
}

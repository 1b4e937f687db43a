// Where things lie on disk (contract agent-api §1.7, services §1). Names on disk are built only from parsed ids.

package import AmphoraProtocol

/// Every path the agent reads or writes, relative to a few roots that the configuration or a test may move.
package struct AgentPaths: Sendable {
  /// `[haproxy_amphora] base_path`.
  package var base: String
  /// `[haproxy_amphora] base_cert_dir`.
  package var certificates: String
  /// Where unit files go.
  package var units: String
  /// The image's haproxy fragment with the distribution's group; a fixed path of the contract.
  package var userGroupFragment: String
  /// Sockets and other state that a reboot may drop.
  package var runtime: String

  /// Makes the set of paths; the defaults are those of the contract.
  package init(
    base: String = "/var/lib/octavia", certificates: String = "/var/lib/octavia/certs",
    units: String = "/usr/lib/systemd/system",
    userGroupFragment: String = "/var/lib/octavia/haproxy-default-user-group.conf",
    runtime: String = "/run/amphora-agent"
  ) {
    self.base = base
    self.certificates = certificates
    self.units = units
    self.userGroupFragment = userGroupFragment
    self.runtime = runtime
  }

  /// Where the agent tells of itself and takes operators' orders; root's alone.
  package var controlSocket: String { "\(runtime)/control.sock" }

  package func directory(of id: LoadBalancerID) -> String { "\(base)/\(id)" }
  package func configuration(of id: LoadBalancerID) -> String { "\(base)/\(id)/haproxy.cfg" }
  package func stagedConfiguration(of id: LoadBalancerID) -> String { "\(base)/\(id)/haproxy.cfg.new" }
  /// Where a delete puts the configuration until the rest is gone too; our own file.
  package func deletedConfiguration(of id: LoadBalancerID) -> String { "\(base)/\(id)/haproxy.cfg.deleted" }
  package func rejectedConfiguration(of id: LoadBalancerID) -> String { "\(base)/\(id)/haproxy.cfg.new-failed" }
  /// The last configuration that haproxy was seen to run; our own file, for going back after a failed start or reload.
  package func lastGoodConfiguration(of id: LoadBalancerID) -> String { "\(base)/\(id)/haproxy.cfg.last-good" }
  package func pidFile(of id: LoadBalancerID) -> String { "\(base)/\(id)/\(id).pid" }
  package func serversState(of id: LoadBalancerID) -> String { "\(base)/\(id)/servers-state" }
  package func statsSocket(of id: LoadBalancerID) -> String { "\(base)/\(id).sock" }
  package func certificateDirectory(of id: LoadBalancerID) -> String { "\(certificates)/\(id)" }
  package func certificate(_ name: CertificateFileName, of id: LoadBalancerID) -> String {
    "\(certificates)/\(id)/\(name)"
  }
  /// Marks a certificate as deleted that the running configuration still names; no certificate's name begins with a dot.
  package func tombstone(_ name: CertificateFileName, of id: LoadBalancerID) -> String {
    "\(certificates)/\(id)/.\(name).deleted"
  }

  /// Where direct supervision records its services.
  package var services: String { "\(base)/services" }

  package var vrrpDirectory: String { "\(base)/vrrp" }
  package var vrrpConfiguration: String { "\(base)/vrrp/octavia-keepalived.conf" }
  package var stagedVRRPConfiguration: String { "\(base)/vrrp/octavia-keepalived.conf.new" }
  package var rejectedVRRPConfiguration: String { "\(base)/vrrp/octavia-keepalived.conf.new-failed" }
  package var vrrpPIDFile: String { "\(base)/vrrp/octavia-keepalived.pid" }
  package var vrrpCheckScript: String { "\(base)/vrrp/check_script.sh" }
  package var vrrpCheckScripts: String { "\(base)/vrrp/check_scripts" }
  package var haproxyCheckScript: String { "\(base)/vrrp/check_scripts/haproxy_check_script.sh" }
  package var lvsCheckScript: String { "\(base)/vrrp/check_scripts/lvs_udp_check.sh" }

  package var lvsDirectory: String { "\(base)/lvs" }
  package func lvsConfiguration(of id: ListenerID) -> String { "\(base)/lvs/octavia-keepalivedlvs-\(id).conf" }
  package func stagedLVSConfiguration(of id: ListenerID) -> String { lvsConfiguration(of: id) + ".new" }
  package func rejectedLVSConfiguration(of id: ListenerID) -> String { lvsConfiguration(of: id) + ".new-failed" }
  /// Where a delete puts the configuration until the rest is gone too; our own file.
  package func deletedLVSConfiguration(of id: ListenerID) -> String { lvsConfiguration(of: id) + ".deleted" }
  package func lvsPIDFile(of id: ListenerID) -> String { "\(base)/lvs/octavia-keepalivedlvs-\(id).pid" }
  package func lvsVRRPPIDFile(of id: ListenerID) -> String { "\(base)/lvs/octavia-keepalivedlvs-\(id).vrrp.pid" }
  /// Written by keepalived's checker when it takes up the configuration.
  package func lvsCheckPIDFile(of id: ListenerID) -> String { "\(base)/lvs/octavia-keepalivedlvs-\(id).check.pid" }
  package var memberCheckDirectory: String { "\(base)/lvs/check" }
  package var memberCheckScript: String { "\(base)/lvs/check/udp_check.sh" }
}

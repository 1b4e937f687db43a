// Who runs haproxy and keepalived.

import Files

/// The choice on the command line.
///
/// It is no option of the configuration file, because controllers replace that file.
package enum SupervisorChoice: String, Sendable, CaseIterable {
  case auto
  case systemd
  case direct

  /// The choice, with `auto` resolved: systemd where it is the init (sd_booted(3)).
  var resolved: SupervisorChoice {
    self != .auto ? self : FileRead.exists("/run/systemd/system") ? .systemd : .direct
  }
}

// The clock, by which certificates are valid and heartbeats fresh.

import CSocket
import Files

/// Whether the clock is right, as far as the machine can tell by itself.
struct ClockCheck: DoctorCheck {
  let name = "clock"
  var machine = Machine()
  /// Whether something keeps the kernel's clock in step (adjtimex(2), STA_UNSYNC); nil where it may not be asked.
  var isSynchronised: @Sendable () -> Bool? = {
    let answer = amphora_clock_is_unsynchronised()
    return answer < 0 ? nil : answer == 0
  }

  /// Names of processes and of their units in Debian's and Red Hat's packages; the kernel keeps 15 bytes of a name.
  private static let daemons = [
    "chronyd": ["chrony.service", "chronyd.service"], "systemd-timesyn": ["systemd-timesyncd.service"],
    "ntpd": ["ntpsec.service", "ntp.service", "ntpd.service"],
  ]
  /// Seconds a daemon takes to find its servers after a boot.
  private static let settling = 600.0
  /// Seconds by which the clock may differ from the hardware clock, which counts whole ones.
  private static let tolerance: Int64 = 5

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    // A container's clock is its host's.
    if FileRead.exists("/run/systemd/container") { return [] }
    guard let isSynchronised = isSynchronised() else { return [] }
    if isSynchronised { return [.pass(name, "the clock is synchronised: \(CertificateLife.date(machine.now()))")] }
    let unit = Self.daemons.values.joined().sorted().first { FileRead.exists("\(amphora.paths.units)/\($0)") }
    let running = machine.processes(named: Set(Self.daemons.keys)).first
    return [judge(running: running?.name, unit: unit)]
  }

  /// What a clock means that nobody has set in step.
  func judge(running: String?, unit: String?) -> Finding {
    let uptime = (FileRead.text("\(machine.proc)/uptime") ?? "").split(separator: " ").first.flatMap { Double($0) } ?? 0
    if let running {
      if uptime < Self.settling { return .pass(name, "\(running) is at it since the boot") }
      return .warning(
        name, "\(running) runs, but does not hear its time servers: the clock is not synchronised",
        remedy: "let the time servers answer (UDP port 123), then: systemctl restart \(unit ?? running)")
    }
    if let unit {
      return .warning(name, "the clock is not synchronised: \(unit) does not run", remedy: "systemctl start \(unit)")
    }
    // Without a daemon the clock may still be right: a hypervisor keeps the hardware clock.
    let text = FileRead.text("\(machine.sys)/class/rtc/rtc0/since_epoch") ?? ""
    guard let hardware = Int64(text.filter { !$0.isWhitespace }) else {
      return .pass(name, "there is no time daemon, and no hardware clock to compare with")
    }
    let difference = machine.now() - hardware
    if abs(difference) <= Self.tolerance {
      return .pass(name, "there is no time daemon; the clock is that of the hypervisor")
    }
    return .warning(
      name,
      "the clock is \(Readable.seconds(abs(difference))) \(difference > 0 ? "ahead of" : "behind") the hypervisor's, and "
        + "there is no time daemon", remedy: CertificateLife.clockRemedy)
  }
}

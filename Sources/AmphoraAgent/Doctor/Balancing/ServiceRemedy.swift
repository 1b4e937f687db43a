// What an operator can do to a service: with systemd, or where the agent supervises it itself.

import Glibc

/// Commands that work on this machine.
struct ServiceRemedy: Sendable {
  let unit: String
  /// The processes, the first one's children after it; none when it does not run.
  var processes: [pid_t] = []
  var isSystemd = SupervisorChoice.auto.resolved == .systemd

  private func kill(_ signal: String, _ processes: [pid_t]) -> String {
    "kill -\(signal) \(processes.map { "\($0)" }.joined(separator: " "))"
  }

  /// Starts what does not run.
  var start: String {
    isSystemd
      ? "systemctl restart \(unit)" : "start amphora-agent: without systemd it is the agent that runs \(unit)"
  }

  /// Ends what runs, and has it start anew.
  var restart: String {
    isSystemd
      ? "systemctl restart \(unit)" : "\(kill("TERM", Array(processes.prefix(1)))) (then the agent starts it anew)"
  }

  /// As ``restart`` for what does not listen to a polite request; systemd would wait 90 s for it.
  var forcedRestart: String {
    isSystemd
      ? "systemctl kill --signal=KILL \(unit) (then systemd starts it anew)"
      : "\(kill("KILL", processes)) (then the agent starts it anew)"
  }

  /// Lets go on what was stopped by a signal.
  var goOn: String { kill("CONT", processes) }

  /// Has haproxy take up its file.
  var reload: String { isSystemd ? "systemctl reload \(unit)" : kill("USR2", Array(processes.prefix(1))) }

  /// Where its words are.
  var journal: String { isSystemd ? "journalctl -u \(unit)" : "the agent's log" }
}

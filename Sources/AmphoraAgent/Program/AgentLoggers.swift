// The loggers as the configuration wants them (contract heartbeat-and-config §6).

import Glibc
package import Logging

/// The agent's log and its access log, with one level for both.
package struct AgentLoggers: Sendable {
  package let level: LogLevel
  package let agent: Logger
  package let access: Logger

  package init(_ configuration: AgentConfiguration) {
    level = LogLevel(debug: configuration.debug)
    let standardError = StandardErrorSink()
    // Under systemd, standard error is the journal already, and rsyslog reads that; a line must not come twice.
    let sink: any LogSink =
      configuration.useSyslog
      ? SyslogSink(
        path: "/dev/log", facility: configuration.syslogLogFacility.rawValue, tag: "amphora-agent",
        fallback: standardError)
      : standardError
    agent = AgentLogHandler.logger("amphora-agent", sink: sink, level: level)
    // local0 is facility 16. Without rsyslog's socket the lines go where the agent's go.
    let accessSink: any LogSink =
      configuration.useSyslog
      ? SyslogSink(
        path: "/run/rsyslog/octavia/log", facility: 16 + configuration.administrativeLogFacility, tag: "amphora-agent",
        fallback: sink)
      : sink
    access = AgentLogHandler.logger("access", sink: accessSink, level: level)
  }
}

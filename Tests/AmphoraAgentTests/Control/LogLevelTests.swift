// An operator's log level against the configured one.

import Synchronization
import Testing
import TestSupport

@testable import AmphoraAgent

@Suite struct LogLevelTests {
  @Test func `a level that is set falls back in its time, and says so once`() async throws {
    let level = LogLevel(debug: false)
    let ends = Atomic<Int>(0)
    level.set(debug: true, for: .seconds(600)) { ends.add(1, ordering: .relaxed) }
    #expect(level.isDebug && !level.isConfiguredDebug)
    // The later order replaces the former with its time.
    level.set(debug: true, for: .milliseconds(50)) { ends.add(1, ordering: .relaxed) }
    #expect(level.isDebug)
    try await poll("the end of the time") { !level.isDebug }
    #expect(level.order == nil)
    #expect(ends.load(ordering: .relaxed) <= 1)
    try await poll("the word of it") { ends.load(ordering: .relaxed) == 1 }
  }

  @Test func `a configuration that changes the level ends the order, another one leaves it`() {
    let level = LogLevel(debug: false)
    level.set(debug: true, for: .seconds(600))
    level.configure(debug: false)
    #expect(level.isDebug, "nothing was said about the level")
    level.configure(debug: true)
    #expect(level.isDebug)
    #expect(level.order == nil, "the configuration is the later word")
    level.set(debug: false, for: .seconds(600))
    #expect(!level.isDebug)
    level.configure(debug: false)
    #expect(!level.isDebug)
    #expect(level.order == nil)
  }

  @Test func `an order can be taken back`() {
    let level = LogLevel(debug: true)
    #expect(!level.restore(), "there is none")
    level.set(debug: false, for: .seconds(600))
    #expect(level.restore())
    #expect(level.isDebug)
  }

  @Test(arguments: [
    ("90s", 90), ("10m", 600), ("2h", 7200), ("1s", 1), ("", nil), ("10", nil), ("m", nil), ("0m", nil), ("-1m", nil),
    ("+5m", nil), ("1.5h", nil), ("10 m", nil), ("9223372036854775807h", nil), ("1d", 86_400), ("1w", nil),
  ])
  func `times are a number and a unit`(text: String, seconds: Int?) { #expect(TimeSpan(text)?.seconds == seconds) }

  @Test func `the level is told in one line`() {
    var status = AgentStatus(
      version: "1", pid: 1, started: 0, logLevel: "debug", logLevelUntil: 1598.2, requests: 0, lastRequest: nil,
      heartbeatsSent: 0, lastHeartbeat: nil, heartbeatSilence: nil, reloads: [:])
    status.configuredLogLevel = "info"
    #expect(LogLevelReport(status).text(now: 1000) == "debug for another 9 min 58 s, then info")
    #expect(LogLevelReport(status).json() == #"{"configured":"info","level":"debug","until":1598.2}"#)
    (status.logLevel, status.logLevelUntil) = ("info", nil)
    #expect(LogLevelReport(status).text() == "info, as configured")
    #expect(LogLevelReport(status).json() == #"{"configured":"info","level":"info"}"#)
  }
}

// What requests are doing, and the id on what they log.

import Logging
import Synchronization
import Testing
import TestSupport

@testable import AmphoraAgent

@Suite struct RequestLedgerTests {
  private final class Lines: LogSink {
    let all = Mutex<[String]>([])
    func write(_ line: String, _ severity: Severity) { all.withLock { $0.append(line) } }
  }

  @Test func `a request goes from reading over its lane to the last one answered`() {
    let (ledger, id) = (RequestLedger(), RequestID.next())
    ledger.begin(id, method: "PUT", path: "/1.0/x", client: "192.0.2.1")
    #expect(ledger.works.map(\.stage) == [.working])
    ledger.move(id, to: .waiting(.network))
    ledger.move(id, to: .holding(.network))
    ledger.move(nil, to: .holding(.vrrp))
    #expect(ledger.works.map(\.stage) == [.holding(.network)])
    #expect(ledger.summary.last == nil)
    ledger.answered(id, status: 202)
    ledger.end(id)
    #expect(ledger.works == [])
    let last = ledger.summary.last
    #expect(ledger.summary.answered == 1)
    #expect(last?.id == "\(id)" && last?.status == 202 && last?.method == "PUT" && last?.client == "192.0.2.1")
    // A connection that ends before its request is read answers nothing.
    let other = RequestID.next()
    ledger.begin(other, method: "GET", path: "/", client: "-")
    ledger.end(other)
    #expect(ledger.summary.answered == 1)
    #expect(ledger.summary.last?.id == "\(id)")
  }

  @Test func `lines logged for a request have its id, on threads for blocking work too`() async throws {
    let lines = Lines()
    let logger = AgentLogHandler.logger("test", sink: lines, level: LogLevel(debug: false))
    let id = RequestID.next()
    try await RequestID.$current.withValue(id) {
      logger.info("at once")
      try await BlockingIO.run { logger.info("blocking") }
      _ = await OperationLanes<Int>().run(.agent, fingerprint: "x") {
        logger.info("in its lane", metadata: ["request": "forged"])
        return 0
      }
    }
    logger.info("afterwards")
    try await BlockingIO.run { logger.info("blocking afterwards") }
    #expect(
      lines.all.withLock { $0 } == [
        "at once request=\(id)", "blocking request=\(id)", "in its lane request=\(id)", "afterwards",
        "blocking afterwards",
      ])
  }
}

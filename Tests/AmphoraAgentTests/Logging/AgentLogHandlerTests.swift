import AmphoraAgent
import Glibc
import Logging
import Synchronization
import Testing

@Suite struct AgentLogHandlerTests {
  private final class Lines: LogSink {
    let all = Mutex<[String]>([])
    func write(_ line: String, _ severity: Severity) { all.withLock { $0.append("\(severity) \(line)") } }
  }

  @Test func `whatever is logged stays one line, and values with blanks stay one value`() {
    let lines = Lines()
    let logger = AgentLogHandler.logger("test", sink: lines, level: LogLevel(debug: false))
    logger.error("broken\npipe", metadata: ["b": "two words", "a": "plain", "c": "say \"hi\"\u{1B}[31m", "d": ""])
    #expect(lines.all.withLock { $0 } == [#"error broken\npipe a=plain b="two words" c="say \"hi\" [31m" d="""#])
  }

  @Test func `debug lines come and go with the level`() {
    let lines = Lines()
    let level = LogLevel(debug: false)
    let logger = AgentLogHandler.logger("test", sink: lines, level: level)
    logger.debug("one")
    level.configure(debug: true)
    logger.debug("two")
    level.configure(debug: false)
    logger.debug("three")
    #expect(lines.all.withLock { $0 } == ["debug two"])
  }

  @Test func `a syslog socket that comes later gets the lines from then on, and never blocks`() throws {
    let path = "/tmp/amphora-syslog-\(UInt32.random(in: 0...UInt32.max))"
    defer { unlink(path) }
    let fallback = Lines()
    let sink = SyslogSink(path: path, facility: 17, tag: "amphora-agent", fallback: fallback)
    sink.write("early", .notice)
    #expect(fallback.all.withLock { $0 } == ["notice early"])

    let address = try #require(UnixAddress(path))
    let listener = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(listener) }
    try #require(address.withPointer { bind(listener, $0, $1) } == 0)
    sink.write("hello", .notice)
    var buffer = [UInt8](repeating: 0, count: 1000)
    let count = recv(listener, &buffer, buffer.count, 0)
    // local1 is facility 17, notice is severity 5: 17 * 8 + 5.
    #expect(String(decoding: buffer[..<count], as: UTF8.self) == "<141>amphora-agent[\(getpid())]: hello")

    // Nobody reads: the socket fills up, and lines go to the fallback instead of waiting.
    let start = ContinuousClock.now
    for number in 0..<5000 { sink.write("line \(number)", .info) }
    #expect(ContinuousClock.now - start < .seconds(5))
    #expect(fallback.all.withLock { $0.count } > 1)
  }
}

import AmphoraAgent
import Glibc
import Testing

@Suite struct StandardErrorSinkTests {
  /// A connection of which the first end is written to.
  enum Kind: CaseIterable {
    /// A shell's, for instance.
    case pipe
    /// journald's.
    case socket

    func open() throws -> (write: CInt, read: CInt) {
      var ends: [CInt] = [-1, -1]
      switch self {
      case .pipe:
        try #require(Glibc.pipe(&ends) == 0)
        return (ends[1], ends[0])
      case .socket:
        try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
        return (ends[0], ends[1])
      }
    }
  }

  /// Reads what is there, without waiting.
  private func drain(_ descriptor: CInt) -> String {
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    while poll(&entry, 1, 0) == 1 {
      let count = read(descriptor, &chunk, chunk.count)
      guard count > 0 else { break }
      all += chunk[..<count]
    }
    return String(decoding: all, as: UTF8.self)
  }

  @Test(.timeLimit(.minutes(1)), arguments: Kind.allCases)
  func `a reader that is stuck costs lines, never time, and is told how many`(_ kind: Kind) throws {
    let ends = try kind.open()
    defer {
      close(ends.write)
      close(ends.read)
    }
    let sink = StandardErrorSink(descriptor: ends.write)
    sink.write("first", .notice)
    #expect(drain(ends.read).hasSuffix("first\n"))
    // More than any pipe or socket buffer holds.
    let line = String(repeating: "x", count: 10_000)
    for _ in 0..<1000 { sink.write(line, .info) }
    #expect(sink.lost > 0 && sink.lost < 1000)
    #expect(fcntl(ends.write, F_GETFL) & O_NONBLOCK == 0, "others who share the open file still wait")

    let lost = sink.lost
    let lines = drain(ends.read).split(separator: "\n")
    #expect(lines.count { $0.hasSuffix(line) } == 1000 - lost)
    sink.write("last", .notice)
    let end = drain(ends.read).split(separator: "\n", omittingEmptySubsequences: true)
    #expect(end.count == 2)
    #expect(end.first?.hasSuffix("\(lost) log lines were lost: nobody read them") == true)
    #expect(end.last?.hasSuffix("last") == true, "on a line of its own, although the one before was cut")
    sink.write("again", .notice)
    #expect(drain(ends.read).split(separator: "\n").count == 1, "told once")
    #expect(sink.lost == lost)
  }
}

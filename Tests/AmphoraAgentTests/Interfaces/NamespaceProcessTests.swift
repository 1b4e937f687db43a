// Programs started and waited for on one thread.

import Testing

@testable import AmphoraAgent

@Suite struct NamespaceProcessTests {
  @Test func `output of both streams and input of any size pass through`() throws {
    let input = String(repeating: "0123456789abcdef\n", count: 2000)
    let output = try NamespaceProcess.run("/bin/sh", ["-c", "cat; echo end >&2"], input: input, within: .seconds(10))
    #expect(output == input + "end")
  }

  @Test func `more output than is kept does not block the program`() throws {
    let output = try NamespaceProcess.run("/usr/bin/head", ["-c", "3000000", "/dev/zero"], within: .seconds(10))
    #expect(output.utf8.count == 65_536)
  }

  @Test func `a status and a signal are reported with the output`() {
    #expect(throws: ProcessFailure.status(program: "/bin/sh", status: 3, output: "why")) {
      try NamespaceProcess.run("/bin/sh", ["-c", "echo why; exit 3"], within: .seconds(10))
    }
    #expect(throws: ProcessFailure.status(program: "/bin/sh", status: 128 + 9, output: "")) {
      try NamespaceProcess.run("/bin/sh", ["-c", "kill -9 $$"], within: .seconds(10))
    }
  }

  @Test func `a program that is not there is reported`() {
    #expect(throws: ProcessFailure.notStarted(program: "/nonexistent", errno: 2)) {
      try NamespaceProcess.run("/nonexistent", [], within: .seconds(1))
    }
  }

  @Test func `a program that does not end is killed with its children`() throws {
    let start = ContinuousClock.now
    #expect(throws: ProcessFailure.timedOut(program: "/bin/sh", after: .milliseconds(200), output: "begun")) {
      try NamespaceProcess.run("/bin/sh", ["-c", "echo begun; sleep 300; :"], within: .milliseconds(200))
    }
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  @Test func `a program that closes its output and goes on is killed too`() throws {
    #expect(throws: ProcessFailure.timedOut(program: "/bin/sh", after: .milliseconds(200), output: "")) {
      try NamespaceProcess.run("/bin/sh", ["-c", "exec >&- 2>&-; sleep 300"], within: .milliseconds(200))
    }
  }

  @Test func `a daemon that keeps the output open is not waited for`() throws {
    let start = ContinuousClock.now
    let output = try NamespaceProcess.run("/bin/sh", ["-c", "sleep 60 & echo $!"], within: .seconds(30))
    #expect(ContinuousClock.now - start < .seconds(20))
    _ = try NamespaceProcess.run("/bin/kill", [output], within: .seconds(5))
  }

  @Test func `the end of a silent program is seen at once`() throws {
    let clock = ContinuousClock()
    let times = try (0..<30).map { _ in
      try clock.measure { try NamespaceProcess.run("/bin/true", [], within: .seconds(5)) }
    }
    // 20 ms at least if the end were only polled for.
    #expect(try #require(times.min()) < .milliseconds(15))
  }
}

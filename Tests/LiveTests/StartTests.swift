// How the agent starts, or says why it does not (contract heartbeat-and-config §1.8).

import AmphoraAgent
import AmphoraController
import AmphoraLab
import Files
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(2))) struct StartTests {
  private static let file = "/etc/octavia/amphora-agent.conf"
  private static let identity = "/etc/octavia/certs/server.pem"

  /// Starts the agent and waits for its end; status and log.
  private func failedStart(_ amphora: LiveAmphora) async throws -> (status: Int32, log: String) {
    let process = try amphora.launchAgent()
    let status = try await poll("the agent's end") { process.exitStatus }
    #expect(try await !amphora.run("/bin/ss -Htln").output.contains(":9443"))
    return (status, amphora.agentLog)
  }

  @Test func `bad values are named with file, line, option and what is allowed`() async throws {
    try await withAmphora(starts: false) { amphora in
      let good = amphora.machine.configuration
      let bad = good.replacing("heartbeat_interval = 1\n", with: "heartbeat_interval = soon\n")
        .replacing("bind_port = 9443", with: "bind_port = 70000")
      try await amphora.write(bad, to: Self.file)
      let (status, log) = try await failedStart(amphora)
      #expect(status == 1)
      let lines = bad.split(separator: "\n", omittingEmptySubsequences: false)
      for option in ["heartbeat_interval = soon", "bind_port = 70000"] {
        let number = try #require(lines.firstIndex { $0 == option }) + 1
        #expect(log.contains("\(Self.file):\(number): "), "\(log)")
        #expect(log.contains("\(option): not allowed; allowed is "), "\(log)")
      }
      try await amphora.write(good, to: Self.file)
      try await amphora.startAgent()
    }
  }

  @Test func `without its files it exits, and with them it starts`() async throws {
    try await withAmphora(starts: false) { amphora in
      for path in [Self.file, Self.identity, "/etc/octavia/certs/client_ca.pem"] {
        let text = try #require(amphora.text(path))
        _ = try await amphora.run("/bin/rm \(path)")
        let (status, log) = try await failedStart(amphora)
        #expect(status == 1)
        #expect(log.contains("amphora-agent: ") && log.contains(path) && log.contains("No such file"), "\(log)")
        try await amphora.write(text, to: path)
      }
      try await amphora.startAgent()
    }
  }

  @Test(arguments: ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
  func `an identity that is none stops the start`(text: String) async throws {
    try await withAmphora(starts: false) { amphora in
      try await amphora.write(text, to: Self.identity)
      let (status, log) = try await failedStart(amphora)
      #expect(status == 1)
      #expect(log.contains(Self.identity), "\(log)")
    }
  }

  @Test func `a second agent gives up, and the first goes on`() async throws {
    try await withAmphora { amphora in
      let second = try amphora.vm.start([amphora.vm.agent, "serve", "--supervisor", "direct"], log: "second.log")
      let status = try await poll("the second agent's end") { second.status }
      #expect(status == 1)
      #expect(FileRead.text("\(amphora.vm.directory)/second.log")?.contains("Address already in use") == true)
      #expect(try await amphora.client.discover() == "1.0")
    }
  }

  @Test func `it starts twice in a row, also after being killed`() async throws {
    try await withAmphora { amphora in
      #expect(try await amphora.stopAgent() == 0)
      try await amphora.startAgent()
      try await amphora.crashAgent()
      try await amphora.startAgent()
      #expect(amphora.names(in: "/etc/octavia/interfaces") == ["lo.json"])
      #expect(
        try JSON(#require(amphora.text("/etc/octavia/interfaces/lo.json")))
          == JSON(
            """
            {"name": "lo", "if_type": "lo", "is_sriov": false, "addresses": [{"address": "127.0.0.1", "prefixlen": 8}],
             "routes": [], "rules": [], "scripts": {"up": [], "down": []}}
            """))
    }
  }

  @Test func `what a crash left half-written is cleared away at the start`() async throws {
    try await withAmphora { amphora in
      let id = freshID()
      try await amphora.client.uploadHAProxy(HAProxyUploadTests.idle(id), loadBalancer: id)
      try await amphora.crashAgent()
      try await amphora.write("half", to: "/var/lib/octavia/\(id)/.haproxy.cfg.aB3dEf.tmp")
      try await amphora.startAgent()
      #expect(!amphora.names(in: "/var/lib/octavia/\(id)").contains { $0.hasSuffix(".tmp") })
    }
  }
}

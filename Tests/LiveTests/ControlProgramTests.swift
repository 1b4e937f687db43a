// amphoractl as a process against a real agent.

import AmphoraAgent
import AmphoraController
import AmphoraCrypto
import AmphoraLab
import AmphoraProtocol
import Files
import Glibc
import Testing

@Suite(.live, .timeLimit(.minutes(3))) struct ControlProgramTests {
  /// amphoractl with the lab's CAs and one amphora, `web`.
  private struct Control {
    let folder: TemporaryFolder
    let program: String

    init(_ amphora: LiveAmphora) throws {
      let own = try FileRead.link("/proc/self/exe")
      program = own[..<(own.lastIndex(of: "/") ?? own.startIndex)] + "/amphoractl"
      folder = try TemporaryFolder()
      let path = folder.path
      let lab = amphora.lab
      try lab.serverCA.store(
        certificatePath: "\(path)/server_ca.pem", keyPath: "\(path)/server_ca.key", passphrase: "p")
      try lab.clientCA.store(
        certificatePath: "\(path)/client_ca.pem", keyPath: "\(path)/client_ca.key", passphrase: "p")
      try write(lab.credentials.clientPEM, "client.pem")
      try write("p\n", "passphrase")
      try write(
        """
        certificates: \(path)
        passphrase_file: \(path)/passphrase
        attempts: 1
        amphorae:
          web: {id: \(amphora.id), address: \(amphora.vm.managementAddress)}
        """, "config.yaml")
    }

    func write(_ text: String, _ name: String) throws {
      try DurableFile.write(Array(text.utf8), to: "\(folder.path)/\(name)", mode: 0o600)
    }

    /// Runs a command; blanks separate the arguments.
    func run(_ command: String) async throws -> CommandResult {
      try await Command.run(
        program, command.split(separator: " ").map(String.init) + ["--config", "\(folder.path)/config.yaml"])
    }

    /// Runs a command that must succeed; what it writes.
    func succeed(_ command: String) async throws -> String {
      let result = try await run(command)
      try #require(result.isSuccess, "\(command): \(result.output)")
      return result.output
    }
  }

  @Test func `a load balancer is configured by single calls`() async throws {
    try await withStage { stage in
      let (amphora, id) = (stage.amphora, stage.id)
      let control = try Control(amphora)
      #expect(try await control.succeed("amphora version web") == "1.0\n")
      #expect(try await control.succeed("amphora info web").contains("haproxy     2."))
      #expect(try await control.succeed("amphora listeners web --json") == "[\n\n]\n")

      try control.write(try stage.balancer.haproxyConfiguration(), "haproxy.cfg")
      _ = try await control.succeed("amphora config put web \(id) \(control.folder.path)/haproxy.cfg")
      #expect(try await control.succeed("amphora config get web \(id)").contains("frontend \(stage.balancer.listener)"))
      _ = try await control.succeed("amphora start web \(id)")
      try await stage.waitForTraffic()
      #expect(try await control.succeed("amphora listeners web").contains("\(stage.balancer.listener)  HTTP  ACTIVE"))
      _ = try await control.succeed("amphora reload web \(id)")
      #expect(try await control.succeed("amphora details web --json").contains("\"haproxy_count\" : 1"))
      #expect(try await control.succeed("amphora interface web 203.0.113.10") == "eth1\n")
      #expect(try await control.succeed("amphora call web GET /1.0/listeners").contains(stage.balancer.listener))

      try control.write("material", "x.pem")
      let cert = "\(id) x.pem"
      let path = "\(control.folder.path)/x.pem"
      #expect(try await control.run("amphora cert get web \(cert)").status == 1)
      #expect(try await control.succeed("amphora cert put web \(cert) \(path)") == "stored\n")
      #expect(try await control.succeed("amphora cert put web \(cert) \(path)") == "the amphora has it already\n")
      // printf material | md5sum
      #expect(try await control.succeed("amphora cert get web \(cert)") == "eec34d804c9ce6c89cff596be555e6a4\n")
      _ = try await control.succeed("amphora cert delete web \(cert)")

      let again = "amphora plug network web --mac fa:16:3e:00:00:02 --ip 10.0.1.5/24"
      #expect(try await control.succeed(again).contains("plugged"))
      _ = try await control.succeed("amphora stop web \(id)")
      #expect(try await control.succeed("amphora delete web \(id)") == "removed\n")
      let gone = try await control.run("amphora config get web \(id)")
      #expect(gone.status == 1 && gone.output.contains("404"), "\(gone.output)")
    }
  }

  @Test func `certificates are rotated and listed, and the server CA is rolled over`() async throws {
    try await withAmphora { amphora in
      let control = try Control(amphora)
      let before = try await amphora.servedCertificate()
      #expect(try await control.succeed("ca rotate --all").contains("rotated web: serial"))
      let rotated = try await amphora.servedCertificate()
      #expect(rotated.serial != before.serial)
      #expect(try await control.succeed("amphora certificate web").contains(rotated.serial))
      #expect(try await control.succeed("ca list --served --json").contains(rotated.serial))
      #expect(try await control.succeed("ca list --json").contains(rotated.serial))
      #expect(try await control.succeed("ca rotate --all --expiring").contains("no certificate is about to expire"))
      #expect(try await amphora.servedCertificate() == rotated)

      _ = try await control.succeed("ca rollover prepare server --name second")
      _ = try await control.succeed("ca rollover activate server")
      let early = try await control.run("ca rollover finish server")
      #expect(early.status == 1 && early.output.contains("web: its certificate is of"), "\(early.output)")
      _ = try await control.succeed("ca rotate web")
      #expect(try await amphora.servedCertificate().issuer == "CN=second")
      _ = try await control.succeed("ca rollover finish server")
      #expect(try await control.succeed("amphora version web") == "1.0\n")

      _ = try await control.succeed("ca rollover prepare client --name second-client")
      let refused = try await control.run("ca rollover activate client")
      #expect(refused.status == 1 && refused.output.contains("Nothing was changed"), "\(refused.output)")
      #expect(try await amphora.stopAgent() == 0)
      let down = try await control.run("ca rotate web")
      #expect(down.status == 3, "\(down.output)")
    }
  }
}

import Foundation
import Testing

/// The openssl command is the judge of what was made.
@Suite(
  .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"), "/usr/bin/openssl is not installed"))
struct CATests {
  private static let amphora = "6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8"
  private static let passphrase = ["AMPHORA_PASSPHRASE": "fööbar"]
  private static let certificates = "home/.config/amphora/certificates"

  let program: ControlProgram

  init() throws { program = try ControlProgram() }

  private func ca(_ arguments: String..., environment: [String: String] = passphrase) throws -> ProgramResult {
    try program.finish(program.process(["ca"] + arguments, environment: environment))
  }

  private func succeed(_ arguments: String...) throws {
    let result = try program.finish(program.process(["ca"] + arguments, environment: Self.passphrase))
    try #require(result.status == 0, "\(arguments): \(result.errors)")
  }

  private func verifies(_ file: String, by bundle: String) throws -> Bool {
    try program.openssl("verify", "-CAfile", "\(Self.certificates)/\(bundle)", file) != nil
  }

  @Test func `init makes two CAs with encrypted keys and a controller's certificate, once`() throws {
    try succeed("init", "--name", "Lab 1")
    for role in ["server", "client"] {
      let (pem, key) = ("\(Self.certificates)/\(role)_ca.pem", "\(Self.certificates)/\(role)_ca.key")
      #expect(try program.openssl("x509", "-in", pem, "-noout", "-subject")?.contains("Lab 1 \(role) CA") == true)
      #expect(try program.read(key).hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----"))
      #expect(try program.openssl("pkey", "-in", key, "-passin", "pass:fööbar", "-noout") != nil)
      #expect(try program.openssl("pkey", "-in", key, "-passin", "pass:other", "-noout") == nil)
      #expect(try program.mode(key) == 0o600)
    }
    #expect(try verifies("\(Self.certificates)/client.pem", by: "client_ca.pem"))
    #expect(try !verifies("\(Self.certificates)/client.pem", by: "server_ca.pem"))
    #expect(try program.mode("\(Self.certificates)/client.pem") == 0o600)
    let before = try program.read("\(Self.certificates)/server_ca.key")
    let again = try ca("init", environment: [:])
    #expect(again.status == 0, "nothing is to be made, so no passphrase is needed: \(again.errors)")
    #expect(again.output.contains("exists already"))
    #expect(try program.read("\(Self.certificates)/server_ca.key") == before)
  }

  @Test func `issue writes what openssl verifies, and list shows it`() throws {
    try succeed("init")
    let issued = try ca("issue", "amphora", Self.amphora, "--output", "server.pem", "--json", "--set", "validity=3600")
    #expect(issued.status == 0, "\(issued.errors)")
    let serial = try #require((try issued.json() as? [String: Any])?["serial"] as? String)
    #expect(try program.mode("server.pem") == 0o600)
    #expect(try verifies("server.pem", by: "server_ca.pem"))
    let text = try program.openssl("x509", "-in", "server.pem", "-noout", "-ext", "subjectAltName", "-serial")
    #expect(text?.contains("DNS:\(Self.amphora)") == true && text?.contains(serial) == true)
    try succeed("issue", "controller", "--name", "health-manager", "--output", "hm.pem")
    #expect(
      try program.openssl("verify", "-purpose", "sslclient", "-CAfile", "\(Self.certificates)/client_ca.pem", "hm.pem")
        != nil)

    let list = try ca("list", "--json", environment: [:])
    let entries = try #require(try list.json() as? [[String: Any]], "\(list.errors)")
    #expect(entries.map { $0["kind"] as? String } == ["server CA, signs", "client CA, signs", "controller", "amphora"])
    #expect(entries.map { $0["state"] as? String } == ["ok", "ok", "ok", "expiring"])
    #expect(entries[3]["name"] as? String == Self.amphora && entries[3]["serial"] as? String == serial)
    #expect(try !program.read("\(Self.certificates)/amphorae/\(Self.amphora).pem").contains("KEY"))
  }

  @Test func `the passphrase comes from the environment or a file, and a wrong one is told from none`() throws {
    try succeed("init")
    try program.write("fööbar\nmore", "passphrase")
    let file = try ca(
      "issue", "controller", "--output", "a.pem", "--set", "passphrase_file=passphrase", environment: [:])
    #expect(file.status == 0, "\(file.errors)")
    let wrong = try ca("issue", "controller", "--output", "b.pem", environment: ["AMPHORA_PASSPHRASE": "x"])
    #expect(wrong.status == 1)
    #expect(wrong.errors.contains("client_ca.key") && wrong.errors.contains("the passphrase does not fit"))
    // setsid: without a terminal to ask on.
    let arguments = [ControlProgram.path, "ca", "issue", "controller", "--output", "b.pem"]
    let none = try program.finish(program.process(["--wait"] + arguments, program: "/usr/bin/setsid"))
    #expect(none.status == 1)
    #expect(none.errors.contains("no passphrase was given"), "\(none.errors)")
    #expect(!program.exists("b.pem"))
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script"), "needs script(1)"))
  func `on a terminal the passphrase is asked for, twice for a new one, and not echoed`() async throws {
    let (first, second) = ("Passphrase of the CA keys: ", "The same again: ")
    let differing = try await program.converse("ca init", [(first, "one secret"), (second, "another secret")])
    #expect(differing.status == 2 && differing.output.contains("the two passphrases differ"), "\(differing.output)")
    #expect(!program.exists("\(Self.certificates)/server_ca.key"))
    let made = try await program.converse("ca init", [(first, "typed secret"), (second, "typed secret")])
    #expect(made.status == 0, "\(made.output)")
    #expect(!made.output.contains("typed secret"))
    #expect(
      try program.openssl(
        "pkey", "-in", "\(Self.certificates)/server_ca.key", "-passin", "pass:typed secret", "-noout") != nil)
    let issued = try await program.converse("ca issue controller --output c.pem", [(first, "typed secret")])
    #expect(issued.status == 0 && program.exists("c.pem"), "\(issued.output)")
  }

  @Test func `CAs that openssl made with an encrypted traditional key are taken`() throws {
    try program.write("", "\(Self.certificates)/.keep")
    let (pem, key) = ("\(Self.certificates)/server_ca.pem", "\(Self.certificates)/server_ca.key")
    _ = try #require(
      try program.openssl("genrsa", "-aes256", "-traditional", "-passout", "pass:fööbar", "-out", key, "2048"))
    _ = try #require(
      try program.openssl(
        "req", "-x509", "-new", "-key", key, "-passin", "pass:fööbar", "-days", "10", "-subj", "/CN=Old CA", "-out", pem
      ))
    #expect(try program.read(key).contains("Proc-Type: 4,ENCRYPTED"))
    try succeed("issue", "amphora", Self.amphora, "--output", "server.pem")
    #expect(try verifies("server.pem", by: "server_ca.pem"))
    try succeed("init")
    #expect(try program.read(key).contains("Proc-Type: 4,ENCRYPTED"), "what exists stays")
    #expect(try verifies("\(Self.certificates)/client.pem", by: "client_ca.pem"))
  }

  @Test func `a rollover keeps old and new certificates good until it is finished`() throws {
    try succeed("init")
    try succeed("issue", "amphora", Self.amphora, "--output", "old.pem")
    try succeed("rollover", "prepare", "server", "--name", "Second")
    try succeed("issue", "amphora", Self.amphora, "--output", "still-old.pem")
    try succeed("rollover", "activate", "server")
    try succeed("issue", "amphora", Self.amphora, "--output", "new.pem")
    for (file, issuer) in [
      ("old.pem", "Amphora server CA"), ("still-old.pem", "Amphora server CA"), ("new.pem", "Second"),
    ] {
      #expect(try verifies(file, by: "server_ca.pem"), "\(file)")
      #expect(try program.openssl("x509", "-in", file, "-noout", "-issuer")?.contains(issuer) == true, "\(file)")
    }
    try succeed("rollover", "finish", "server")
    #expect(try verifies("new.pem", by: "server_ca.pem"))
    #expect(try !verifies("old.pem", by: "server_ca.pem"))
    let again = try ca("rollover", "finish", "server")
    #expect(again.status == 1 && again.errors.contains("the rollover's phase is single"), "\(again.errors)")
  }

  @Test func `a client CA is not dropped while this controller's certificate is of it`() throws {
    try succeed("init")
    try succeed("rollover", "prepare", "client")
    try succeed("rollover", "activate", "client")
    let refused = try ca("rollover", "finish", "client")
    #expect(refused.status == 1 && refused.errors.contains("amphoractl ca issue controller"), "\(refused.errors)")
    try succeed("issue", "controller")
    try succeed("rollover", "finish", "client")
    #expect(try verifies("\(Self.certificates)/client.pem", by: "client_ca.pem"))
  }
}

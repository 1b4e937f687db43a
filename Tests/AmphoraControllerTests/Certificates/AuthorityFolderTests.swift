import AmphoraController
import AmphoraCrypto
import AmphoraProtocol
import Foundation
import Testing

/// A CA's life on disk; openssl judges what each state trusts.
@Suite(.enabled(if: CertificateFolder.hasOpenSSL, "/usr/bin/openssl is not installed"))
struct AuthorityFolderTests {
  private static let passphrase = "foobar"
  let folder: CertificateFolder
  let authority: AuthorityFolder
  let amphora: AmphoraID

  init() throws {
    folder = try CertificateFolder()
    authority = AuthorityFolder(path: folder.path, role: .server)
    amphora = try #require(AmphoraID("6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8"))
    _ = try authority.create(name: "first", passphrase: Self.passphrase)
  }

  /// Issues a certificate by the CA that signs now, into a file.
  private func issue(_ name: String) throws {
    try folder.write(
      authority.load(passphrase: Self.passphrase).issueAmphoraCertificate(id: amphora).pem, name)
  }

  /// Whether the trusted certificates, as they are on disk, verify a file.
  private func isTrusted(_ name: String) -> Bool {
    (try? folder.openssl("verify", "-purpose", "sslserver", "-CAfile", "server_ca.pem", name)) != nil
  }

  private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }

  @Test func `old and new are trusted until the rollover is finished`() throws {
    try issue("old.pem")
    #expect(try authority.phase() == .single)
    let successor = try authority.prepareRollover(name: "second", passphrase: Self.passphrase)
    #expect(try authority.phase() == .prepared)
    #expect(try authority.load(passphrase: Self.passphrase).subject == "CN=first")
    #expect(try authority.loadSuccessor(passphrase: Self.passphrase)?.subject == "CN=second")
    // A certificate of the successor would be taken already: that is what the overlap is for.
    try folder.write(successor.issueAmphoraCertificate(id: amphora).pem, "early.pem")
    #expect(isTrusted("old.pem") && isTrusted("early.pem"))

    try authority.activateSuccessor(passphrase: Self.passphrase)
    #expect(try authority.phase() == .activated)
    #expect(try authority.trusted().map(\.subject) == ["CN=second", "CN=first"], "the one that signs is the first")
    try issue("new.pem")
    #expect(try folder.openssl("x509", "-in", "new.pem", "-noout", "-issuer") == "issuer=CN = second\n")
    #expect(isTrusted("old.pem") && isTrusted("new.pem"))

    try authority.finishRollover(passphrase: Self.passphrase)
    #expect(try authority.phase() == .single)
    #expect(isTrusted("new.pem") && !isTrusted("old.pem"))
    #expect(
      try names() == ["early.pem", "new.pem", "old.pem", "server_ca.key", "server_ca.pem"], "no key is left over")
    try folder.openssl("pkey", "-in", "server_ca.key", "-passin", "pass:foobar", "-noout")
  }

  @Test func `a cancelled rollover leaves everything as it was`() throws {
    let before = try (folder.read("server_ca.pem"), folder.read("server_ca.key"))
    _ = try authority.prepareRollover(name: "second", passphrase: Self.passphrase)
    try authority.cancelRollover(passphrase: Self.passphrase)
    #expect(try (folder.read("server_ca.pem"), folder.read("server_ca.key")) == before)
    #expect(try names() == ["server_ca.key", "server_ca.pem"])
  }

  @Test func `steps out of order are refused and change nothing`() throws {
    func expectRefused(_ step: () throws -> Void) throws {
      let before = try names().map { try folder.read($0) }
      #expect {
        try step()
      } throws: {
        guard case .wrongPhase? = $0 as? CertificateAuthorityError else { return false }
        return true
      }
      #expect(try names().map { try folder.read($0) } == before)
    }
    try expectRefused { try authority.activateSuccessor(passphrase: Self.passphrase) }
    try expectRefused { try authority.finishRollover(passphrase: Self.passphrase) }
    _ = try authority.prepareRollover(name: "second", passphrase: Self.passphrase)
    try expectRefused { try authority.finishRollover(passphrase: Self.passphrase) }
    try authority.activateSuccessor(passphrase: Self.passphrase)
    try expectRefused { try authority.cancelRollover(passphrase: Self.passphrase) }
    try expectRefused { _ = try authority.prepareRollover(name: "third", passphrase: Self.passphrase) }
  }

  @Test func `a step that is repeated changes nothing more`() throws {
    let successor = try authority.prepareRollover(name: "second", passphrase: Self.passphrase)
    let again = try authority.prepareRollover(name: "other", passphrase: Self.passphrase)
    #expect(try again.certificatePEM() == successor.certificatePEM())
    try authority.activateSuccessor(passphrase: Self.passphrase)
    let activated = try names().map { try folder.read($0) }
    try authority.activateSuccessor(passphrase: Self.passphrase)
    #expect(try names().map { try folder.read($0) } == activated)
  }

  /// The folder's files as some step left them.
  private func snapshot() throws -> [String: String] {
    Dictionary(uniqueKeysWithValues: try names().map { ($0, try folder.read($0)) })
  }

  private func restore(_ files: [String: String]) throws {
    for name in try names() { try FileManager.default.removeItem(atPath: folder.file(name)) }
    for (name, text) in files { try folder.write(text, name) }
  }

  // The states between two files of a step, each put together from the states before and after it.
  @Test func `wherever a step is cut, the CA loads and the step can be repeated`() throws {
    let single = try snapshot()
    try issue("old.pem")
    _ = try authority.prepareRollover(name: "second", passphrase: Self.passphrase)
    let prepared = try snapshot()
    try authority.activateSuccessor(passphrase: Self.passphrase)
    let activated = try snapshot()
    let oldKey = single["server_ca.key"]

    // Preparing: the new key is there, the bundle is not.
    var cut = single
    cut["server_ca.next.key"] = prepared["server_ca.next.key"]
    try restore(cut)
    #expect(try authority.phase() == .single)
    #expect(try authority.load(passphrase: Self.passphrase).subject == "CN=first")
    #expect(try authority.prepareRollover(name: "third", passphrase: Self.passphrase).subject == "CN=third")

    // Activating: the old key is put aside; then the new key has its place, the bundle its old order.
    cut = prepared
    cut["server_ca.previous.key"] = oldKey
    try restore(cut)
    #expect(try authority.phase() == .prepared)
    #expect(try authority.load(passphrase: Self.passphrase).subject == "CN=first")
    cut["server_ca.key"] = prepared["server_ca.next.key"]
    cut["server_ca.next.key"] = nil
    try restore(cut)
    #expect(try authority.phase() == .activated)
    #expect(try authority.load(passphrase: Self.passphrase).subject == "CN=second")
    try authority.activateSuccessor(passphrase: Self.passphrase)
    #expect(try snapshot() == activated)

    // Finishing: the bundle is cut down, the old key is still there.
    try authority.finishRollover(passphrase: Self.passphrase)
    cut = try snapshot()
    cut["server_ca.previous.key"] = oldKey
    try restore(cut)
    #expect(try authority.load(passphrase: Self.passphrase).subject == "CN=second")
    try authority.finishRollover(passphrase: Self.passphrase)
    #expect(try names() == ["old.pem", "server_ca.key", "server_ca.pem"])
    #expect(!isTrusted("old.pem"))
  }

  @Test func `a wrong passphrase makes no successor`() throws {
    let before = try snapshot()
    #expect {
      try authority.prepareRollover(name: "second", passphrase: "wrong")
    } throws: {
      guard case .unusable(_, let error)? = $0 as? CertificateAuthorityError else { return false }
      return error.kind == .passphraseWrong
    }
    #expect(try snapshot() == before)
  }

  @Test func `a CA that exists is not made again`() throws {
    let before = try snapshot()
    #expect(throws: CertificateAuthorityError.exists(path: folder.file("server_ca.pem"))) {
      try authority.create(name: "other", passphrase: Self.passphrase)
    }
    #expect(try snapshot() == before)
    #expect(authority.exists)
    // Of a creation that was cut only the key is there; nothing was signed with it.
    try restore(["server_ca.key": before["server_ca.key"] ?? ""])
    #expect(!authority.exists)
    #expect(try authority.create(name: "other", passphrase: Self.passphrase).subject == "CN=other")
    #expect(authority.exists)
  }

  @Test func `a rollover from a CA with an encrypted traditional key writes PKCS8`() throws {
    try folder.openssl("genrsa", "-aes256", "-traditional", "-passout", "pass:foobar", "-out", "server_ca.key", "2048")
    try folder.openssl(
      "req", "-x509", "-new", "-key", "server_ca.key", "-passin", "pass:foobar", "-days", "10", "-subj", "/CN=Old",
      "-out", "server_ca.pem")
    try issue("old.pem")
    _ = try authority.prepareRollover(name: "second", passphrase: Self.passphrase)
    try authority.activateSuccessor(passphrase: Self.passphrase)
    try issue("new.pem")
    #expect(isTrusted("old.pem") && isTrusted("new.pem"))
    #expect(try folder.read("server_ca.key").hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----"))
  }

  @Test func `records hold certificates without keys, the first to expire first`() throws {
    let records = CertificateRecords(path: folder.file("amphorae"))
    #expect(try records.all().isEmpty)
    let ca = try authority.load(passphrase: Self.passphrase)
    let now = CertificateAuthority.systemUnixTime()
    for (id, hours) in [("a", 30), ("b", 10), ("c", 20), ("b", 40)] {
      let amphora = try #require(AmphoraID(id))
      let issued = try ca.issueAmphoraCertificate(id: amphora, validity: .seconds(hours * 3600))
      try records.store(issued.certificate, of: amphora)
    }
    #expect(try records.all().map(\.amphora.text) == ["c", "a", "b"], "the second of b replaced the first")
    #expect(try records.expiring(before: now + 25 * 3600).map(\.amphora.text) == ["c"])
    #expect(try !folder.read("amphorae/a.pem").contains("KEY"))
    try records.remove(try #require(AmphoraID("c")))
    try records.remove(try #require(AmphoraID("c")))
    #expect(try records.all().map(\.amphora.text) == ["a", "b"])
  }
}
